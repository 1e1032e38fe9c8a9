#include "app/zone_options.h"

#include <algorithm>
#include <unordered_set>

#include "app/config_rows.h"
#include "base/option_values.h"
#include "sync/zone_key.h"

namespace understudy::app {
namespace {

bool is_addable(const Option& option) {
  return option.table == "zone" && option.key != "name" && option.key != "names" &&
         option.key != "gate.command";  // it would be run as us
}

Error wrong(std::string message) { return {"zone-options", std::move(message)}; }

// A command that anybody who reaches the socket may choose would be run as us.
bool runs_a_command(const std::string& key, const std::string& value) {
  return key == "source" && value.starts_with("exec:");
}

Result<> store(ConfigDraft& draft, const std::string& key, const std::string& value) {
  const auto rows = config_rows();
  const auto row = std::find_if(rows.begin(), rows.end(), [&](const ConfigRow& candidate) {
    return is_addable(candidate.option) && candidate.option.key == key;
  });
  if (row == rows.end()) return wrong("a zone has no option \"" + key + '"');
  if (runs_a_command(key, value)) {
    return wrong("source \"" + value +
                 "\" runs a command: such sources are taken from the configuration file only, never through "
                 "the control socket");
  }
  const auto parsed = value_of_text(row->option, value);
  const Result<> stored = parsed ? row->store(draft, *parsed) : Result<>(parsed.error());
  if (!stored) return wrong(key + ": " + stored.error().message);
  return {};
}

// What is left of a zone whose options are not understood: as much of its access lists as can be read, and
// where that is not all, rather too few clients than too many.
sync::ZoneSettings without_sources(const backend::AddedZone& added, const sync::GatePolicy& gate,
                                   const std::string& why) {
  ConfigDraft draft;
  draft.zone.gate = gate;
  draft.zone.apex = added.apex.lowered();
  for (const auto& [key, value] : added.options) {
    const bool understood = store(draft, key, value).has_value();
    if (!understood && key == "allow-query" && !draft.zone.allow_query) draft.zone.allow_query.emplace();
  }
  draft.zone.sources.clear();
  draft.zone.unusable = "what it was added with is not understood: " + why + "; `understudy remove " +
                        dns::to_string(added.apex) + "` and add it again";
  return std::move(draft.zone);
}

}  // namespace

std::vector<const Option*> addable_options() {
  std::vector<const Option*> options;
  for (const ConfigRow& row : config_rows()) {
    if (is_addable(row.option)) options.push_back(&row.option);
  }
  return options;
}

Result<sync::ZoneSettings> zone_from_options(const dns::Name& apex, const backend::ZoneOptions& options,
                                             const sync::GatePolicy& gate) {
  ConfigDraft draft;
  draft.zone.gate = gate;
  draft.zone.apex = apex.lowered();
  for (const auto& [key, value] : options) {
    if (const Result<> stored = store(draft, key, value); !stored) return stored.error();
  }
  const std::string who = dns::to_string(apex);
  if (draft.zone.sources.empty())
    return wrong(who + " has no source: give --source, such as axfr://192.0.2.1");
  const std::vector<std::string> problems = timer_problems(who, draft.zone.timers);
  if (!problems.empty()) return wrong(problems.front());
  return draft.zone;
}

Result<std::vector<sync::ZoneSettings>> added_zones(backend::Mirror& mirror,
                                                    const std::vector<sync::ZoneSettings>& configured,
                                                    const sync::GatePolicy& gate) {
  const auto reader = mirror.reader();
  if (!reader) return reader.error();
  if (const auto renewed = (*reader)->renew(); !renewed) return renewed.error();
  std::unordered_set<std::string> keys;
  for (const sync::ZoneSettings& zone : configured) keys.insert(sync::key_of(zone.apex));
  std::vector<sync::ZoneSettings> zones;
  for (const backend::AddedZone& added : (*reader)->added()) {
    if (backend::member_of(added)) continue;
    const std::string name = dns::to_string(added.apex);
    if (keys.contains(sync::key_of(added.apex))) {
      log::warning("added-zone-in-configuration",
                   {{"zone", name},
                    {"message", "it was added at run time too; the configuration's settings are in force"}});
      continue;
    }
    auto settings = zone_from_options(added.apex, added.options, gate);
    if (!settings) {
      settings = without_sources(added, gate, settings.error().message);
      log::error("added-zone-not-understood",
                 {{"zone", name},
                  {"message", settings->unusable},
                  {"next", "it is served from the mirror until it expires, and asked for nowhere"}});
    }
    settings->added = true;
    zones.push_back(std::move(*settings));
  }
  return zones;
}

}  // namespace understudy::app
