// The exposition, read back by a parser written for this test (format 0.0.4), so that it holds to the format
// and not to our own output.
#include "metrics/exposition.h"

#include <gtest/gtest.h>
#include <prometheus/text_serializer.h>

#include <cmath>
#include <map>
#include <set>
#include <sstream>

namespace understudy::metrics {
namespace {

struct Parsed {
  std::map<std::string, std::string> types, helps;  // by family
  std::map<std::string, double> values;             // by "name{label=value,...}" as parsed
  std::vector<std::string> order;                   // names of samples
};

// name[{label="value",...}] value
void parse_sample(const std::string& line, Parsed& out) {
  std::size_t at = line.find_first_of("{ ");
  ASSERT_NE(at, std::string::npos) << line;
  const std::string name = line.substr(0, at);
  std::string key = name;
  if (line[at] == '{') {
    ++at;
    while (line[at] != '}') {
      const std::size_t equals = line.find('=', at);
      ASSERT_NE(equals, std::string::npos) << line;
      key += ";" + line.substr(at, equals - at) + "=";
      ASSERT_EQ(line[equals + 1], '"') << line;
      for (at = equals + 2; line[at] != '"'; ++at) {
        if (line[at] == '\\') {
          ++at;
          key += line[at] == 'n' ? '\n' : line[at];
        } else {
          key += line[at];
        }
        ASSERT_LT(at + 1, line.size()) << line;
      }
      ++at;
      if (line[at] == ',') ++at;
    }
    ++at;
  }
  ASSERT_EQ(line[at], ' ') << line;
  const std::string number = line.substr(at + 1);
  ASSERT_FALSE(out.values.contains(key)) << "series twice: " << line;
  out.values[key] = number == "+Inf" ? INFINITY : std::stod(number);
  out.order.push_back(name);
}

Parsed parse(const std::string& text) {
  Parsed out;
  EXPECT_TRUE(text.empty() || text.back() == '\n');
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string hash, what, name;
    if (line.starts_with("# ")) {
      words >> hash >> what >> name;
      std::string rest;
      std::getline(words, rest);
      auto& map = what == "HELP" ? out.helps : out.types;
      EXPECT_TRUE(what == "HELP" || what == "TYPE") << line;
      EXPECT_FALSE(map.contains(name)) << "family twice: " << line;
      map[name] = rest.substr(1);
    } else {
      parse_sample(line, out);
    }
  }
  return out;
}

TEST(Exposition, WritesEachValueUnderItsFamilyWithItsLabels) {
  Exposition scrape;
  scrape.add(FamilyId::zones, {"fresh"}, 3);
  scrape.add(FamilyId::zones, {"expired"}, 0);
  scrape.add(FamilyId::zone_serial, {"example.com.", "served"}, 4294967295.0);
  scrape.add(FamilyId::zone_last_check, {"example.com."}, 1900000000.0);
  scrape.add(FamilyId::dns_requests, {"udp", "ipv4", "A"}, 9007199254740991.0);
  const Parsed page = parse(scrape.take_text());
  EXPECT_EQ(page.types.at("understudy_zones"), "gauge");
  EXPECT_EQ(page.types.at("understudy_dns_requests_total"), "counter");
  EXPECT_EQ(page.values.at("understudy_zones;state=fresh"), 3);
  EXPECT_EQ(page.values.at("understudy_zones;state=expired"), 0);
  EXPECT_EQ(page.values.at("understudy_zone_serial;zone=example.com.;role=served"), 4294967295.0);
  EXPECT_EQ(page.values.at("understudy_zone_last_check_timestamp_seconds;zone=example.com."), 1900000000.0);
  EXPECT_EQ(page.values.at("understudy_dns_requests_total;proto=udp;family=ipv4;type=A"), 9007199254740991.0);
  EXPECT_FALSE(page.types.contains("understudy_zone_version")) << "a family without a sample";
}

TEST(Exposition, EscapesWhatANameMayHold) {
  // Presentation form has backslashes; a quote or a newline could otherwise forge a line.
  Exposition scrape;
  scrape.add(FamilyId::zone_version, {"a\\.b\"c\nunderstudy_zones 9."}, 1);
  const Parsed page = parse(scrape.take_text());
  ASSERT_EQ(page.values.size(), 1u);
  EXPECT_EQ(page.values.begin()->first, "understudy_zone_version;zone=a\\.b\"c\nunderstudy_zones 9.");
}

// Families of which each zone has series are written without prometheus-cpp's structures: what comes out is
// what the library makes of the same sample (but for the digits that it leaves out after the fifteenth).
TEST(Exposition, WritesWhatTheLibraryWrites) {
  for (const std::string label : {"example.com.", "\\000.a\"b\nc.", "", "ende\\", "\xc3\xbc."}) {
    for (const double value : {0.0, 1.0, -1.0, 0.5, 1e-6, 4294967295.0, 1.9e9, 9007199254740992.0, 1e300}) {
      for (const auto& [id, type] : std::vector<std::pair<FamilyId, prometheus::MetricType>>{
               {FamilyId::zone_version, prometheus::MetricType::Gauge},
               {FamilyId::zone_requests, prometheus::MetricType::Counter}}) {
        const FamilyRow& row = families()[static_cast<std::size_t>(id)];
        prometheus::ClientMetric sample;
        sample.label = {{"zone", label}};
        sample.counter.value = sample.gauge.value = value;
        std::ostringstream library;
        prometheus::TextSerializer().Serialize(
            library, {{std::string(row.name), std::string(row.help), type, {sample}}});
        Exposition scrape;
        scrape.add(id, {label}, value);
        const std::string text = scrape.take_text();
        const auto last_space = text.rfind(' '), library_space = library.str().rfind(' ');
        EXPECT_EQ(text.substr(0, last_space), library.str().substr(0, library_space));
        EXPECT_EQ(std::stod(text.substr(last_space)), std::stod(library.str().substr(library_space))) << text;
        EXPECT_EQ(std::stod(text.substr(last_space)), value) << text;
      }
    }
  }
}

TEST(Exposition, AddsWorkersUpIntoOneCumulativeHistogram) {
  std::vector<WorkerCounters> workers(2);
  workers[0].duration_buckets[0].add(5);
  workers[0].duration_buckets[3].add(2);
  workers[1].duration_buckets[3].add(1);
  workers[1].duration_buckets[DurationBuckets::bounds.size()].add(4);
  workers[0].duration_nanoseconds.add(1'500'000'000);
  workers[1].duration_nanoseconds.add(500'000'000);
  const WorkerCounters* const pointers[] = {&workers[0], &workers[1]};
  Exposition scrape;
  scrape.add_durations(FamilyId::dns_request_duration, pointers);
  const Parsed page = parse(scrape.take_text());
  const std::string name = "understudy_dns_request_duration_seconds";
  EXPECT_EQ(page.types.at(name), "histogram");
  EXPECT_EQ(page.values.at(name + "_count"), 12);
  EXPECT_EQ(page.values.at(name + "_sum"), 2);
  EXPECT_EQ(page.values.at(name + "_bucket;le=+Inf"), 12);
  std::map<double, double> by_bound;
  for (const auto& [key, value] : page.values) {
    const std::size_t at = key.find(";le=");
    if (at != std::string::npos && !key.ends_with("+Inf")) by_bound[std::stod(key.substr(at + 4))] = value;
  }
  ASSERT_EQ(by_bound.size(), DurationBuckets::bounds.size());
  EXPECT_EQ(by_bound.begin()->first, 1e-6);
  EXPECT_EQ(by_bound.begin()->second, 5);
  EXPECT_EQ(by_bound.at(1e-5), 8) << "the fourth bound: 5 + 2 + 1";
  EXPECT_EQ(by_bound.at(0.1), 8);
}

TEST(Exposition, GivesASummarySumAndCount) {
  Exposition scrape;
  scrape.add_summary(FamilyId::transfer_in_duration, 1.25, 3);
  const Parsed page = parse(scrape.take_text());
  EXPECT_EQ(page.types.at("understudy_transfer_in_duration_seconds"), "summary");
  EXPECT_EQ(page.values.at("understudy_transfer_in_duration_seconds_sum"), 1.25);
  EXPECT_EQ(page.values.at("understudy_transfer_in_duration_seconds_count"), 3);
}

TEST(Families, KeepToTheNamingRules) {
  std::set<std::string_view> names;
  for (const FamilyRow& row : families()) {
    const std::string name(row.name);
    EXPECT_TRUE(names.insert(row.name).second) << name;
    EXPECT_TRUE(name.starts_with("understudy_")) << name;
    EXPECT_EQ(name.ends_with("_total"), row.type == FamilyType::counter) << name;
    EXPECT_TRUE(row.help.ends_with('.')) << name;
    EXPECT_EQ(name.find_first_not_of("abcdefghijklmnopqrstuvwxyz_"), std::string::npos) << name;
    for (const std::string_view label : row.labels) EXPECT_NE(label, "le") << name;
  }
}

// DESIGN's list, written down by hand: dashboards hang on these names and labels.
TEST(Families, HaveTheNamesOfTheContract) {
  const std::map<std::string_view, std::vector<std::string_view>> contract{
      {"understudy_zones", {"state"}},
      {"understudy_zone_serial", {"zone", "role"}},
      {"understudy_zone_version", {"zone"}},
      {"understudy_zone_last_check_timestamp_seconds", {"zone"}},
      {"understudy_zone_last_success_timestamp_seconds", {"zone"}},
      {"understudy_zone_expire_timestamp_seconds", {"zone"}},
      {"understudy_zone_out_of_sync_seconds", {"zone"}},
      {"understudy_zone_records", {"zone"}},
      {"understudy_zone_held", {"zone"}},
      {"understudy_zone_stale", {"zone"}},
      {"understudy_zone_rrsig_min_expiry_timestamp_seconds", {"zone"}},
      {"understudy_catalog_members", {"zone"}},
      {"understudy_catalog_members_refused", {"zone"}},
      {"understudy_catalog_broken", {"zone"}},
      {"understudy_zone_parent_ds", {"zone", "state"}},
      {"understudy_versions_held_total", {"reason"}},
      {"understudy_versions_warned_total", {"reason"}},
      {"understudy_primary_up", {"zone", "primary"}},
      {"understudy_primary_soa_rtt_seconds", {"zone", "primary"}},
      {"understudy_transfers_in_total", {"type", "transport", "result"}},
      {"understudy_transfer_in_duration_seconds", {}},
      {"understudy_transfer_in_fallback_total", {"reason"}},
      {"understudy_notify_received_total", {"result"}},
      {"understudy_notify_sent_total", {"result"}},
      {"understudy_transfers_out_total", {"type", "transport", "result"}},
      {"understudy_compare_total", {"zone", "result"}},
      {"understudy_compare_mismatches", {"zone", "primary", "class"}},
      {"understudy_compare_primary_up", {"zone", "primary"}},
      {"understudy_compare_expected", {"zone"}},
      {"understudy_compare_coverage_ratio", {"zone"}},
      {"understudy_compare_last_full_pass_timestamp_seconds", {"zone"}},
      {"understudy_compare_oldest_mismatch_timestamp_seconds", {"zone"}},
      {"understudy_zone_requests_total", {"zone"}},
      {"understudy_dns_requests_total", {"proto", "family", "type"}},
      {"understudy_dns_responses_total", {"rcode"}},
      {"understudy_dns_request_duration_seconds", {}},
      {"understudy_dns_dropped_total", {"reason"}},
      {"understudy_dns_rate_limited_total", {"action"}},
      {"understudy_lmdb_map_used_ratio", {}},
      {"understudy_mirror_free_bytes", {}},
      {"understudy_lmdb_oldest_reader_age_seconds", {}},
      {"understudy_build_info", {"version"}},
      {"understudy_zones_suppressed", {}},
      {"understudy_zones_held", {}},
      {"understudy_zones_out_of_sync", {}},
      {"understudy_zones_mismatching", {}},
      {"understudy_mismatches", {"class"}},
      {"understudy_primary_zones", {"primary", "state"}},
      {"understudy_primary_mismatches", {"primary"}},
  };
  EXPECT_EQ(families().size(), contract.size());
  for (const FamilyRow& row : families()) {
    const auto found = contract.find(row.name);
    ASSERT_NE(found, contract.end()) << row.name;
    EXPECT_EQ(std::vector<std::string_view>(row.labels.begin(), row.labels.end()), found->second) << row.name;
  }
}

}  // namespace
}  // namespace understudy::metrics
