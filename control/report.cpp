#include "control/report.h"

#include <ctime>
#include <unordered_map>

#include "sync/reasons.h"

namespace understudy::control {
namespace {

namespace json = boost::json;

// An instant, or null for one that never was.
json::value time_or_null(UnixTime time) {
  if (time == 0) return nullptr;
  return json::value(time_text(time));
}

json::value serial_or_null(const std::optional<std::uint32_t>& serial) {
  if (!serial) return nullptr;
  return json::value(*serial);
}

json::value failure_report(const std::optional<sync::Failure>& failure) {
  if (!failure) return nullptr;
  return json::object{
      {"reason", failure->reason}, {"message", failure->message}, {"when", time_or_null(failure->when)}};
}

json::value held_report(const sync::ZoneStatus& status) {
  if (!status.held) return nullptr;
  const backend::HeldVersion& held = *status.held;
  const bool operators = held.reason == sync::reason::on_hold || held.reason == sync::reason::rolled_back;
  const UnixTime accepted =
      status.accept_after <= Seconds(0) || operators ? 0 : held.row.published + status.accept_after.count();
  return json::object{{"version", held.row.version},
                      {"serial", held.row.serial},
                      {"since", time_or_null(held.row.published)},
                      {"reason", held.reason},
                      {"message", held.message},
                      {"source", held.row.source},
                      {"records", held.row.records},
                      {"added", held.row.added},
                      {"removed", held.row.removed},
                      {"accepted_at", time_or_null(accepted)}};
}

json::value member_report(const std::optional<backend::MemberZone>& member) {
  if (!member) return nullptr;
  json::object report{
      {"catalog", dns::to_string(member->catalog)}, {"label", member->label}, {"group", nullptr}};
  if (!member->group.empty()) report["group"] = member->group;
  return report;
}

json::value catalog_report(const std::optional<sync::CatalogStatus>& catalog) {
  if (!catalog) return nullptr;
  json::array refused;
  for (const sync::CatalogStatus::Refused& zone : catalog->first_refused) {
    refused.push_back(
        {{"zone", dns::to_string(zone.zone)}, {"reason", zone.reason}, {"message", zone.message}});
  }
  return json::object{{"role", catalog->published ? "producer" : "consumer"},
                      {"members", catalog->members},
                      {"members_refused", catalog->refused},
                      {"refused", std::move(refused)},
                      {"failure", failure_report(catalog->failure)}};
}

json::object primary_report(const sync::PrimaryStatus& primary) {
  json::object report{{"source", primary.source}, {"address", nullptr}, {"up", primary.up}};
  if (primary.address) report["address"] = net::to_string(*primary.address);
  report["serial"] = serial_or_null(primary.serial);
  report["last_answer"] = time_or_null(primary.last_answer);
  report["soa_rtt_seconds"] = nullptr;
  if (primary.soa_rtt_seconds) report["soa_rtt_seconds"] = *primary.soa_rtt_seconds;
  report["failing_since"] = time_or_null(primary.failing_since);
  report["failure"] = failure_report(primary.failure);
  report["pinned"] = primary.pinned;
  report["learnt"] = json::array(primary.learnt.begin(), primary.learnt.end());
  return report;
}

json::object secondary_report(const sync::NotifyStatus& secondary) {
  return {{"address", net::to_string(secondary.secondary)},
          {"serial", secondary.serial},
          {"pending", secondary.pending},
          {"result", secondary.result.empty() ? json::value(nullptr) : json::value(secondary.result)},
          {"when", time_or_null(secondary.when)}};
}

json::object side_report(const audit::Side& side) {
  json::array rdata;
  for (const std::string& data : side.rdata) rdata.emplace_back(data);
  return {{"rcode", side.rcode}, {"flags", side.flags}, {"ttl", side.ttl}, {"rdata", std::move(rdata)}};
}

json::object tally_report(const audit::Tally& tally) {
  return {{"address", net::to_string(tally.address)},
          {"asked", tally.asked},
          {"match", tally.match},
          {"mismatch", tally.mismatch},
          {"dynamic", tally.dynamic},
          {"expected", tally.expected},
          {"unknown", tally.unknown},
          {"serial", serial_or_null(tally.serial)},
          {"serial_answered", tally.serial_answered}};
}

json::object evidence_report(const audit::Mismatch& mismatch) {
  return {{"last_seen", time_or_null(mismatch.seen)},
          {"version", mismatch.version},
          {"serial", mismatch.serial},
          {"address_serial", serial_or_null(mismatch.their_serial)},
          {"nsid", mismatch.nsid.empty() ? json::value(nullptr) : json::value(mismatch.nsid)},
          {"zone_version", serial_or_null(mismatch.zone_version)},
          {"made_up", mismatch.made_up}};
}

json::object mismatch_report(const audit::Mismatch& mismatch) {
  return {{"owner", dns::to_string(mismatch.owner)},     {"type", dns::to_string(mismatch.type)},
          {"address", net::to_string(mismatch.address)}, {"class", audit::to_string(mismatch.difference)},
          {"ours", side_report(mismatch.ours)},          {"theirs", side_report(mismatch.theirs)},
          {"since", time_or_null(mismatch.since)},       {"evidence", evidence_report(mismatch)}};
}

json::object expectation_report(const audit::ExpectedState& state) {
  json::object report{{"owner", state.owner}, {"type", nullptr}, {"class", nullptr}};
  if (state.type) report["type"] = dns::to_string(*state.type);
  if (state.difference) report["class"] = audit::to_string(*state.difference);
  report["until"] = time_or_null(state.until);
  report["reason"] = state.reason;
  report["explains"] = state.explains;
  report["over"] = state.over;
  report["unused"] = state.unused;
  return report;
}

}  // namespace

std::string time_text(UnixTime time) {
  const std::time_t seconds = time;
  std::tm broken{};
  gmtime_r(&seconds, &broken);
  char text[32];
  return {text, std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &broken)};
}

std::string digest_text(const backend::Digest& digest) {
  static constexpr char digits[] = "0123456789abcdef";
  std::string text;
  for (const std::uint8_t octet : digest) {
    text += digits[octet >> 4];
    text += digits[octet & 15];
  }
  return text;
}

json::object zone_report(const sync::ZoneStatus& status,
                         const std::optional<audit::ZoneComparison>& comparison) {
  const bool has_data = status.row.version != 0;
  json::object report{{"zone", dns::to_string(status.apex)}, {"state", sync::to_string(status.state)}};
  report["origin"] = status.added ? "added" : status.member ? "catalog" : "configuration";
  report["member_of"] = member_report(status.member);
  report["catalog"] = catalog_report(status.catalog);
  report["version"] = status.row.version;
  report["serial"] = has_data ? json::value(status.row.serial) : json::value(nullptr);
  report["source_serial"] = has_data ? json::value(status.standing.source_serial) : json::value(nullptr);
  report["primary_serial"] = serial_or_null(status.primary_serial);
  report["held"] = held_report(status);
  json::array warnings;
  for (const sync::Warning& warning : status.warnings)
    warnings.push_back(json::object{{"reason", warning.reason}, {"message", warning.message}});
  report["warnings"] = std::move(warnings);
  report["on_hold"] = status.standing.hold;
  report["rolled_back"] = status.standing.rolled_back;
  // Secondaries of ours cannot see by its serial that there is a new version.
  report["serial_unmoved"] = status.standing.serial_unmoved;
  report["records"] = status.row.records;
  report["nodes"] = status.row.nodes;
  report["digest"] = has_data ? json::value(digest_text(status.row.digest)) : json::value(nullptr);
  report["published"] = time_or_null(status.row.published);
  report["last_check"] = time_or_null(status.timers.last_check);
  report["last_success"] = time_or_null(status.timers.last_success);
  report["next_check"] = time_or_null(status.timers.next_check);
  report["expires"] = has_data ? time_or_null(status.timers.expires) : json::value(nullptr);
  report["signatures_end"] = time_or_null(status.signatures_end);
  report["parent_ds"] = nullptr;
  if (status.parent_ds.state != sync::ParentDs::State::unasked) {
    report["parent_ds"] = json::object{{"state", sync::to_string(status.parent_ds.state)},
                                       {"reason", sync::reason::ds_at_parent},
                                       {"message", status.parent_ds.message}};
  }
  report["out_of_sync_since"] = time_or_null(status.out_of_sync_since);
  report["transferring"] = status.transferring;
  report["last_transfer"] =
      status.last_transfer.empty() ? json::value(nullptr) : json::value(status.last_transfer);
  report["out_of_zone_dropped"] = status.out_of_zone_dropped;
  report["last_refusal"] = failure_report(status.last_refusal);
  json::array primaries;
  for (const sync::PrimaryStatus& primary : status.primaries) primaries.push_back(primary_report(primary));
  report["primaries"] = std::move(primaries);
  json::array secondaries;
  for (const sync::NotifyStatus& secondary : status.secondaries)
    secondaries.push_back(secondary_report(secondary));
  report["secondaries"] = std::move(secondaries);
  report["comparison"] = nullptr;
  if (comparison) {
    report["comparison"] = json::object{{"addresses", comparison->against.size()},
                                        {"complete", comparison->complete},
                                        {"mismatches", comparison->mismatches.size()},
                                        {"coverage", comparison->coverage},
                                        {"last_full_pass", time_or_null(comparison->last_full_pass)}};
  }
  return report;
}

json::object zones_report(const std::vector<sync::ZoneStatus>& zones,
                          const std::vector<sync::UnservedStatus>& unserved,
                          const std::vector<audit::ZoneComparison>& comparisons) {
  std::unordered_map<std::string, const audit::ZoneComparison*> by_zone;
  for (const audit::ZoneComparison& comparison : comparisons)
    by_zone[dns::to_string(comparison.zone.lowered())] = &comparison;
  json::array reports;
  for (const sync::ZoneStatus& zone : zones) {
    const auto found = by_zone.find(dns::to_string(zone.apex.lowered()));
    reports.push_back(found == by_zone.end() ? zone_report(zone, std::nullopt)
                                             : zone_report(zone, *found->second));
  }
  json::array unserved_reports;
  for (const sync::UnservedStatus& zone : unserved) {
    const bool has_data = zone.row.version != 0;
    unserved_reports.push_back({{"zone", dns::to_string(zone.apex)},
                                {"since", time_or_null(zone.since)},
                                {"kept_until", time_or_null(zone.since + sync::unserved_kept.count())},
                                {"version", zone.row.version},
                                {"serial", has_data ? json::value(zone.row.serial) : json::value(nullptr)}});
  }
  return {{"zones", std::move(reports)}, {"unserved", std::move(unserved_reports)}};
}

std::string_view how_text(backend::How how) { return how == backend::How::whole ? "whole" : "difference"; }

json::object version_report(const backend::VersionRow& row, bool live) {
  return {{"version", row.version}, {"serial", row.serial},     {"published", time_text(row.published)},
          {"source", row.source},   {"how", how_text(row.how)}, {"records", row.records},
          {"added", row.added},     {"removed", row.removed},   {"digest", digest_text(row.digest)},
          {"live", live},           {"held", nullptr}};
}

json::object version_report(const backend::HeldVersion& held) {
  json::object row = version_report(held.row, false);
  row["held"] = json::object{{"reason", held.reason}, {"message", held.message}};
  return row;
}

json::object reload_report(const Reloaded& reloaded) {
  const auto names = [](const std::vector<dns::Name>& apexes) {
    json::array all;
    for (const dns::Name& apex : apexes) all.emplace_back(dns::to_string(apex));
    return all;
  };
  const auto texts = [](const std::vector<std::string>& words) {
    return json::array(words.begin(), words.end());
  };
  return {{"added", names(reloaded.zones.added)},     {"removed", names(reloaded.zones.removed)},
          {"changed", names(reloaded.zones.changed)}, {"same", reloaded.zones.same},
          {"keys", names(reloaded.zones.keys)},       {"tls", reloaded.tls},
          {"listening", texts(reloaded.listening)},   {"closed", texts(reloaded.closed)},
          {"restart", texts(reloaded.restart)}};
}

json::object comparison_report(const audit::ZoneComparison& comparison) {
  json::array against, mismatches, expectations;
  for (const audit::Tally& tally : comparison.against) against.push_back(tally_report(tally));
  for (const audit::Mismatch& mismatch : comparison.mismatches)
    mismatches.push_back(mismatch_report(mismatch));
  for (const audit::ExpectedState& state : comparison.expectations)
    expectations.push_back(expectation_report(state));
  return {
      {"zone", dns::to_string(comparison.zone)}, {"version", comparison.version},
      {"against", std::move(against)},           {"mismatches", std::move(mismatches)},
      {"expectations", std::move(expectations)}, {"complete", comparison.complete},
      {"coverage", comparison.coverage},         {"last_full_pass", time_or_null(comparison.last_full_pass)}};
}

}  // namespace understudy::control
