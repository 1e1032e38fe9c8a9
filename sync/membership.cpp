#include "sync/membership.h"

#include <algorithm>

#include "sync/reasons.h"

namespace understudy::sync {
namespace {

class Resolver {
 public:
  Resolver(const std::vector<CatalogView>& catalogs, const Members& before, const Taken& taken)
      : catalogs_(catalogs), before_(before), taken_(taken) {}

  Membership run() {
    for (const auto& [key, member] : before_) keep(key, member);
    for (const CatalogView& catalog : catalogs_) {
      if (catalog.content == nullptr) continue;
      for (const auto& [key, entry] : catalog.content->members) come(catalog, key, entry);
    }
    return std::move(result_);
  }

 private:
  const CatalogView* find(const dns::Name& catalog) const {
    const auto found = std::find_if(catalogs_.begin(), catalogs_.end(),
                                    [&](const CatalogView& view) { return view.settings->zone == catalog; });
    return found == catalogs_.end() ? nullptr : &*found;
  }

  bool may_have(const CatalogView& catalog, const dns::Name& zone) const {
    return any_matches(catalog.settings->allow, zone);
  }

  // The catalog that takes the zone over, since this one lets it and the other one has it by now; nullptr
  // where there is none. Two that point at one another mean nothing.
  const CatalogView* successor(const CatalogView& catalog, const std::string& key,
                               const CatalogMember& entry) const {
    if (!entry.coo || *entry.coo == catalog.settings->zone) return nullptr;
    const CatalogView* const next = find(*entry.coo);
    if (next == nullptr || next->content == nullptr || !may_have(*next, entry.zone)) return nullptr;
    const CatalogMember* const there = next->content->find(key);
    const bool comes = there != nullptr && !(there->coo && *there->coo == catalog.settings->zone);
    return comes ? next : nullptr;
  }

  // The first group that there are settings for (RFC 9432 4.4.2: others are ignored).
  static backend::MemberZone made(const CatalogView& catalog, const CatalogMember& entry) {
    backend::MemberZone member{entry.zone, catalog.settings->zone, entry.label, {}};
    for (const std::string& group : entry.groups) {
      const auto& known = catalog.settings->groups;
      if (std::none_of(known.begin(), known.end(), [&](const auto& one) { return one.first == group; }))
        continue;
      member.group = group;
      break;
    }
    return member;
  }

  void keep(const std::string& key, const backend::MemberZone& member) {
    const CatalogView* owner = find(member.catalog);
    if (owner == nullptr || !taken_(member.apex).empty() || !may_have(*owner, member.apex)) return;
    if (owner->content == nullptr) {
      result_.members.emplace(key, member);
      return;
    }
    const CatalogMember* entry = owner->content->find(key);
    if (entry == nullptr) return;
    if (const CatalogView* const next = successor(*owner, key, *entry)) {
      owner = next;
      entry = next->content->find(key);
    }
    // RFC 9432 4.4.1 and 5.4: in the same catalog or in the next one, another label is another zone.
    if (entry->label != member.label) result_.reset.insert(key);
    result_.members.emplace(key, made(*owner, *entry));
  }

  void come(const CatalogView& catalog, const std::string& key, const CatalogMember& entry) {
    const auto owned = result_.members.find(key);
    if (owned != result_.members.end()) {
      const dns::Name& owner = owned->second.catalog;
      if (owner == catalog.settings->zone || (entry.coo && *entry.coo == owner)) return;
      return refuse(catalog, entry, reason::catalog_clash,
                    "it is a member of the catalog " + dns::to_string(owner) +
                        " already, which would have to hand it over by a coo property");
    }
    if (const std::string_view who = taken_(entry.zone); !who.empty()) {
      return refuse(catalog, entry, reason::catalog_clash, "it is served already: " + std::string(who));
    }
    if (!may_have(catalog, entry.zone)) {
      return refuse(catalog, entry, reason::catalog_not_allowed, "no pattern of the catalog's allow fits it");
    }
    if (successor(catalog, key, entry) != nullptr) return;  // that one's turn
    if (before_.contains(key)) result_.reset.insert(key);   // another catalog had it, and gave it up
    result_.members.emplace(key, made(catalog, entry));
  }

  void refuse(const CatalogView& catalog, const CatalogMember& entry, std::string_view reason,
              std::string message) {
    result_.refused.push_back({catalog.settings->zone, entry.zone, reason, std::move(message)});
  }

  const std::vector<CatalogView>& catalogs_;
  const Members& before_;
  const Taken& taken_;
  Membership result_;
};

}  // namespace

Membership resolve(const std::vector<CatalogView>& catalogs, const Members& before, const Taken& taken) {
  return Resolver(catalogs, before, taken).run();
}

}  // namespace understudy::sync
