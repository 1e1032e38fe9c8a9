#include "sync/catalog_writer.h"

#include <algorithm>
#include <charconv>

#include "sync/reasons.h"

namespace understudy::sync {
namespace {

// RFC 9432 4.1: NS is there for form's sake. The times are for consumers of ours: they hear of changes by
// NOTIFY, and what they know of their zones should not end with the catalog.
constexpr std::uint32_t refresh = 3600, retry = 600, expire = 2419200, minimum = 0, ttl = 0;

dns::Octets octets_of(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

std::vector<std::uint8_t> name_rdata(dns::NameView name) { return {name.data(), name.data() + name.size()}; }

std::vector<std::uint8_t> text_rdata(std::string_view text) {
  std::vector<std::uint8_t> rdata{static_cast<std::uint8_t>(text.size())};
  rdata.insert(rdata.end(), text.begin(), text.end());
  return rdata;
}

std::vector<std::uint8_t> soa_rdata(dns::NameView nobody, std::uint32_t serial) {
  std::vector<std::uint8_t> rdata = name_rdata(nobody);
  rdata.insert(rdata.end(), nobody.data(), nobody.data() + nobody.size());
  for (const std::uint32_t number : {serial, refresh, retry, expire, minimum}) {
    rdata.resize(rdata.size() + 4);
    dns::store32(&rdata[rdata.size() - 4], number);
  }
  return rdata;
}

std::string label_of(backend::ZoneId id) {
  char digits[16];
  return {digits, std::to_chars(digits, digits + sizeof digits, id, 16).ptr};
}

class Writer {
 public:
  explicit Writer(RecordTarget& target) : target_(target) {}

  // Below `parent`, whose own label says what it is; a name that is too long makes all that follows void.
  dns::Name below(std::string_view label, const dns::Name& parent) {
    const auto name = dns::Name::prepend(octets_of(label), parent);
    if (!name && written_)
      written_ =
          Error{reason::too_many_at_name, "names below " + dns::to_string(parent) +
                                              " would be longer than 255 octets: choose a shorter name "
                                              "for the catalog"};
    return name.value_or(parent);
  }
  void put(const dns::Name& owner, dns::RRType type, const std::vector<std::uint8_t>& rdata) {
    if (written_) written_ = target_.record({owner, type, ttl, rdata});
  }
  Result<> take() { return std::move(written_); }

 private:
  RecordTarget& target_;
  Result<> written_;
};

}  // namespace

std::vector<ListedZone> listed_in(const PublishedCatalog& catalog,
                                  const std::vector<std::pair<dns::Name, backend::ZoneId>>& served) {
  std::vector<ListedZone> zones;
  for (const auto& [apex, id] : served) {
    if (!any_matches(catalog.zones, apex)) continue;
    const auto group = std::find_if(catalog.groups.begin(), catalog.groups.end(),
                                    [&apex = apex](const auto& one) { return one.first.matches(apex); });
    zones.push_back({apex, id, group == catalog.groups.end() ? std::string() : group->second});
  }
  return zones;
}

Result<> write_catalog(const dns::Name& apex, std::uint32_t serial, const std::vector<ListedZone>& zones,
                       RecordTarget& target) {
  const dns::Name nobody = dns::Name::prepend(octets_of("invalid"), dns::NameView()).value_or(dns::Name());
  Writer out(target);
  out.put(apex, dns::RRType::SOA, soa_rdata(nobody, serial));
  out.put(apex, dns::RRType::NS, name_rdata(nobody));
  out.put(out.below("version", apex), dns::RRType::TXT, text_rdata("2"));
  const dns::Name members = out.below("zones", apex);
  for (const ListedZone& zone : zones) {
    const dns::Name node = out.below(label_of(zone.id), members);
    out.put(node, dns::RRType::PTR, name_rdata(zone.apex));
    if (!zone.group.empty()) out.put(out.below("group", node), dns::RRType::TXT, text_rdata(zone.group));
  }
  return out.take();
}

}  // namespace understudy::sync
