#include "backend/added_zone.h"

namespace understudy::backend {
namespace {

// On disk (docs/formats.md). An option "catalog" is none of the configuration's.
constexpr std::string_view catalog_key = "catalog", label_key = "catalog-label", group_key = "catalog-group";

}  // namespace

AddedZone remembered(const MemberZone& member, UnixTime now) {
  AddedZone zone{member.apex, now, {}};
  zone.options.emplace_back(catalog_key, dns::to_string(member.catalog));
  zone.options.emplace_back(label_key, member.label);
  if (!member.group.empty()) zone.options.emplace_back(group_key, member.group);
  return zone;
}

std::optional<MemberZone> member_of(const AddedZone& zone) {
  MemberZone member;
  bool is_member = false;
  for (const auto& [key, value] : zone.options) {
    if (key == catalog_key) {
      const auto catalog = dns::Name::from_text(value);
      if (!catalog) return std::nullopt;
      member.catalog = *catalog;
      is_member = true;
    } else if (key == label_key) {
      member.label = value;
    } else if (key == group_key) {
      member.group = value;
    }
  }
  if (!is_member) return std::nullopt;
  member.apex = zone.apex;
  return member;
}

}  // namespace understudy::backend
