#include "sync/zone_settings.h"

namespace understudy::sync {

Result<SourceSpec> parse_source(std::string_view text) {
  constexpr std::string_view axfr = "axfr://", file = "file:";
  if (text.starts_with(axfr)) {
    const std::string_view rest = text.substr(axfr.size());
    if (rest.find('?') != std::string_view::npos) {
      return Error{"bad-source", "\"" + std::string(text) + "\": transfers with a key are not supported yet"};
    }
    Result<net::Endpoint> primary = net::parse_endpoint(rest, 53);
    if (!primary) return primary.error().within("source \"" + std::string(text) + "\"");
    return SourceSpec(AxfrSource{*primary});
  }
  if (text.starts_with(file) && text.size() > file.size()) {
    return SourceSpec(FileSource{std::string(text.substr(file.size()))});
  }
  return Error{"bad-source",
               "\"" + std::string(text) + "\" is no source: write axfr://ADDR[:PORT] or file:PATH"};
}

std::string to_string(const SourceSpec& source) {
  if (const auto* axfr = std::get_if<AxfrSource>(&source)) return "axfr://" + net::to_string(axfr->primary);
  return "file:" + std::get<FileSource>(source).path;
}

std::vector<net::Endpoint> compared_addresses(const ZoneSettings& zone) {
  if (!zone.compare_with.empty()) return zone.compare_with;
  std::vector<net::Endpoint> addresses;
  for (const SourceSpec& source : zone.sources) {
    if (const auto* const axfr = std::get_if<AxfrSource>(&source)) addresses.push_back(axfr->primary);
  }
  return addresses;
}

}  // namespace understudy::sync
