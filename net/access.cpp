#include "net/access.h"

#include <algorithm>

namespace understudy::net {
namespace {

constexpr std::string_view key_mark = "key:", pin_mark = "tls:pin:", tls_mark = "tls:";
constexpr std::uint16_t tls_port = 853;

struct Parts {
  std::string_view address;  // empty: none
  std::optional<dns::Name> key;
  std::optional<TlsIdentity> tls;
  bool tcp = false;
};

// One of TlsIdentity's parts, each once; false where it is given twice, or nothing is.
Result<bool> take_identity(std::optional<TlsIdentity>& tls, std::string_view word) {
  const bool again = tls.has_value();
  if (!again) tls.emplace();
  if (word == "tls") return !again;
  if (word.starts_with(pin_mark)) {
    const auto pin = parse_pin(word.substr(pin_mark.size()));
    if (!pin) return pin.error();
    return !std::exchange(tls->pin, *pin);
  }
  const auto name = parse_host(word.substr(tls_mark.size()));
  if (!name) return name.error();
  return std::exchange(tls->name, *name).empty() && !name->empty();
}

// False where the word is nothing that is known, or is given twice.
Result<bool> take_word(Parts& parts, std::string_view word, bool first) {
  if (word.starts_with(key_mark)) {
    if (parts.key || word.size() == key_mark.size()) return false;
    const auto name = dns::Name::from_text(word.substr(key_mark.size()));
    if (!name) return name.error();
    parts.key = name->lowered();
    return true;
  }
  if (word == "tcp") return !std::exchange(parts.tcp, true);
  if (word == "tls" || word.starts_with(tls_mark)) return take_identity(parts.tls, word);
  if (first) parts.address = word;
  return first && !word.empty();
}

// Words with one blank or more between them, an address first or none.
Result<Parts> split(std::string_view text, std::string_view wanted) {
  Parts parts;
  bool good = !text.empty() && !text.ends_with(' ');
  std::string_view rest = text;
  for (bool first = true; good && !rest.empty(); first = false) {
    const std::string_view word = rest.substr(0, rest.find(' '));
    rest.remove_prefix(std::min(rest.find_first_not_of(' ', word.size()), rest.size()));
    const auto taken = take_word(parts, word, first);
    if (!taken) return taken.error().within("\"" + std::string(text) + "\"");
    good = *taken;
  }
  if (good) return parts;
  return Error{"bad-access", "\"" + std::string(text) + "\" is not understood: write " + std::string(wanted) +
                                 ", or several of them with blanks between them, the address first"};
}

}  // namespace

Result<AccessRule> AccessRule::parse(std::string_view text) {
  constexpr std::string_view wanted =
      "192.0.2.0/24, key:NAME, tls:NAME or tls:pin:BASE64 (who the client's certificate proves it to be), "
      "tls "
      "(whoever comes over TLS)";
  auto parts = split(text, wanted);
  if (!parts) return parts.error();
  if (parts->tcp) {
    return Error{"bad-access", "\"" + std::string(text) + "\": tcp is nothing that a client proves; write " +
                                   std::string(wanted)};
  }
  AccessRule rule;
  rule.key_ = std::move(parts->key);
  rule.tls_ = std::move(parts->tls);
  if (parts->address.empty()) return rule;
  auto prefix = Prefix::parse(parts->address);
  if (!prefix) return prefix.error();
  rule.from_ = *prefix;
  return rule;
}

std::string AccessRule::text() const {
  std::string text;
  const auto add = [&text](std::string_view mark, const std::string& value) {
    text.append(text.empty() ? "" : " ").append(mark).append(value);
  };
  if (from_) add("", from_->text());
  if (key_) add(key_mark, dns::to_string(*key_));
  if (tls_ && !tls_->name.empty()) add(tls_mark, tls_->name);
  if (tls_ && tls_->pin) add(pin_mark, to_string(*tls_->pin));
  if (tls_ && tls_->name.empty() && !tls_->pin) add("tls", "");
  return text;
}

bool any_allows(const std::vector<AccessRule>& rules, const Caller& caller) {
  for (const AccessRule& rule : rules) {
    if (rule.allows(caller)) return true;
  }
  return false;
}

Result<KeyedEndpoint> parse_keyed_endpoint(std::string_view text, std::uint16_t default_port) {
  auto parts = split(text, "192.0.2.1, key:NAME, tcp, tls:NAME or tls:pin:BASE64 (who must answer)");
  if (!parts) return parts.error();
  if (parts->tls && parts->tls->name.empty() && !parts->tls->pin) {
    return Error{"bad-access", "\"" + std::string(text) +
                                   "\": over TLS it must prove who it is: write tls:NAME (the name in its "
                                   "certificate) or tls:pin:BASE64 (its key)"};
  }
  const auto address = parse_endpoint(parts->address, parts->tls ? tls_port : default_port);
  if (!address) return address.error();
  KeyedEndpoint endpoint(*address, std::move(parts->key));
  endpoint.tcp = parts->tcp;
  endpoint.tls = std::move(parts->tls);
  return endpoint;
}

}  // namespace understudy::net
