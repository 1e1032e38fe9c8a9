#include "sync/zone_settings.h"

#include "sync/reasons.h"

namespace understudy::sync {

namespace {

constexpr std::string_view axfr = "axfr://", xot = "xot://", file = "file:";
constexpr std::uint16_t dns_port = 53, tls_port = 853;

Result<> put_key(AxfrSource& source, std::string_view value) {
  const auto name = dns::Name::from_text(value);
  if (!name) return name.error();
  source.key = name->lowered();
  return {};
}

Result<> put_name(AxfrSource& source, std::string_view value) {
  const auto name = net::parse_host(value);
  if (!name) return name.error();
  source.tls->name = *name;
  return {};
}

Result<> put_pin(AxfrSource& source, std::string_view value) {
  const auto pin = net::parse_pin(value);
  if (!pin) return pin.error();
  source.tls->pin = *pin;
  return {};
}

// One `name=value` behind the question mark, each once.
Result<> put_parameter(AxfrSource& source, std::string_view parameter) {
  const std::size_t equals = parameter.find('=');
  const std::string_view name = parameter.substr(0, equals);
  const std::string_view value = equals == std::string_view::npos ? "" : parameter.substr(equals + 1);
  if (!value.empty()) {
    if (name == "key" && !source.key) return put_key(source, value);
    if (name == "name" && source.tls && source.tls->name.empty()) return put_name(source, value);
    if (name == "pin" && source.tls && !source.tls->pin) return put_pin(source, value);
    if (name == "alpn" && value == "optional" && source.tls && std::exchange(source.tls->needs_dot, false))
      return {};
    if (name == "ixfr" && value == "no" && std::exchange(source.ixfr, false)) return {};
  }
  return Error{
      reason::bad_source,
      "\"" + std::string(parameter) + "\" is not understood, or given twice: write " +
          (source.tls ? "name=HOST, pin=BASE64, alpn=optional, key=NAME or ixfr=no" : "key=NAME or ixfr=no")};
}

Result<SourceSpec> parse_primary(AxfrSource source, std::uint16_t port, std::string_view rest) {
  std::size_t mark = rest.find('?');
  const auto primary = net::parse_endpoint(rest.substr(0, mark), port);
  if (!primary) return primary.error();
  source.primary = *primary;
  while (mark != std::string_view::npos) {
    rest = rest.substr(mark + 1);
    mark = rest.find('&');
    if (auto put = put_parameter(source, rest.substr(0, mark)); !put) return put.error();
  }
  // RFC 9103 9.3.2: strict, or it is worth nothing.
  if (source.tls && source.tls->name.empty() && !source.tls->pin) {
    return Error{reason::bad_source,
                 "over TLS the primary must prove who it is: add ?name=HOST (the name in its "
                 "certificate) or ?pin=BASE64 (its key)"};
  }
  return SourceSpec(std::move(source));
}

}  // namespace

Result<SourceSpec> parse_source(std::string_view text) {
  const bool over_tls = text.starts_with(xot);
  if (over_tls || text.starts_with(axfr)) {
    AxfrSource source;
    if (over_tls) source.tls.emplace();
    auto parsed = parse_primary(std::move(source), over_tls ? tls_port : dns_port,
                                text.substr(over_tls ? xot.size() : axfr.size()));
    if (!parsed) return parsed.error().within("source \"" + std::string(text) + "\"");
    return parsed;
  }
  if (text.starts_with(file) && text.size() > file.size()) {
    return SourceSpec(FileSource{std::string(text.substr(file.size()))});
  }
  return Error{
      reason::bad_source,
      "\"" + std::string(text) +
          "\" is no source: write axfr://ADDR[:PORT][?key=NAME], xot://ADDR[:PORT]?name=HOST or file:PATH"};
}

std::string to_string(const SourceSpec& source) {
  if (std::holds_alternative<PublishedCatalog>(source)) return "catalog:";
  const auto* primary = std::get_if<AxfrSource>(&source);
  if (primary == nullptr) return std::string(file) + std::get<FileSource>(source).path;
  std::string text(primary->tls ? xot : axfr);
  text += net::to_string(primary->primary);
  char mark = '?';
  const auto add = [&](std::string_view name, const std::string& value) {
    text += std::exchange(mark, '&') + std::string(name) + value;
  };
  if (primary->tls && !primary->tls->name.empty()) add("name=", primary->tls->name);
  if (primary->tls && primary->tls->pin) add("pin=", net::to_string(*primary->tls->pin));
  if (primary->tls && !primary->tls->needs_dot) add("alpn=", "optional");
  if (primary->key) add("key=", dns::to_string(*primary->key));
  if (!primary->ixfr) add("ixfr=", "no");
  return text;
}

std::string_view transport_of(const SourceSpec& source) {
  const auto* primary = std::get_if<AxfrSource>(&source);
  if (primary == nullptr) return "file";
  return primary->tls ? "tls" : "tcp";
}

std::optional<Error> unknown_key(const SharedSettings& zone, const dns::TsigKeyRing& keys) {
  const auto missing = [&keys](const std::optional<dns::Name>& key) -> std::optional<Error> {
    if (!key || keys.find(*key)) return std::nullopt;
    return Error{reason::key_unknown, "the key " + dns::to_string(*key) +
                                          " is not configured: give a [[key]] with that name to the server"};
  };
  for (const SourceSpec& source : zone.sources) {
    const auto* primary = std::get_if<AxfrSource>(&source);
    if (primary == nullptr) continue;
    if (auto error = missing(primary->key)) return error;
  }
  for (const net::KeyedEndpoint& secondary : zone.notify) {
    if (auto error = missing(secondary.key)) return error;
  }
  for (const auto* rules :
       {&zone.allow_notify, &zone.allow_transfer, zone.allow_query ? &*zone.allow_query : nullptr}) {
    if (rules == nullptr) continue;
    for (const net::AccessRule& rule : *rules) {
      if (auto error = missing(rule.key())) return error;
    }
  }
  return std::nullopt;
}

bool is_local(const SharedSettings& zone) {
  return !zone.sources.empty() && std::ranges::none_of(zone.sources, [](const SourceSpec& source) {
    return std::holds_alternative<AxfrSource>(source);
  });
}

bool publishes_catalog(const SharedSettings& zone) {
  return !zone.sources.empty() && std::holds_alternative<PublishedCatalog>(zone.sources.front());
}

bool is_catalog(const SharedSettings& zone) { return zone.gate.catalog || publishes_catalog(zone); }

std::vector<net::Endpoint> compared_addresses(const SharedSettings& zone) {
  if (!zone.compare_with.empty()) return zone.compare_with;
  std::vector<net::Endpoint> addresses;
  for (const SourceSpec& source : zone.sources) {
    const auto* const primary = std::get_if<AxfrSource>(&source);
    if (primary == nullptr) continue;
    addresses.push_back(primary->primary);
    // What is compared is what everybody is answered, in the clear.
    if (primary->tls) addresses.back().port = dns_port;
  }
  return addresses;
}

}  // namespace understudy::sync
