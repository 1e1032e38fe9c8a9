#include "sync/settings_pool.h"

#include <algorithm>

namespace understudy::sync {
namespace {

// A source may send NOTIFY as it is. But where an entry of allow-notify speaks of its address, that entry
// says what must hold for it, a key perhaps: it would be worth nothing beside one that wants none.
backend::ZonePolicy policy_of(const SharedSettings& settings) {
  backend::ZonePolicy policy{settings.allow_transfer, settings.allow_notify, settings.allow_query};
  for (const SourceSpec& source : settings.sources) {
    const auto* const axfr = std::get_if<AxfrSource>(&source);
    if (axfr == nullptr) continue;
    const auto speaks_of_it = [&](const net::AccessRule& rule) {
      return rule.from() && rule.from()->contains(axfr->primary.address);
    };
    if (!std::ranges::any_of(settings.allow_notify, speaks_of_it))
      policy.allow_notify.emplace_back(net::Prefix(axfr->primary.address));
  }
  return policy;
}

}  // namespace

SettingsPool::Shared SettingsPool::share(const SharedSettings& settings) {
  const auto known = std::ranges::find_if(
      recent_, [&settings](const Shared& shared) { return *shared.settings == settings; });
  if (known != recent_.end()) return *known;
  if (recent_.size() == most) recent_.pop_back();
  recent_.push_front({std::make_shared<const SharedSettings>(settings),
                      std::make_shared<const backend::ZonePolicy>(policy_of(settings))});
  return recent_.front();
}

}  // namespace understudy::sync
