// The configuration: every problem at once, each with its line; and that the committed reference page is the
// rows'.
#include "app/config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>

namespace understudy::app {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::StartsWith;

std::vector<std::string> problems_of(std::string_view toml) { return parse_config(toml, "f").problems; }

TEST(Config, TakesTheWholeExample) {
  const LoadedConfig loaded = parse_config(R"(
[server]
listen  = ["127.0.0.1:5300", "[::1]:0"]
data    = "/srv/mirror"
control = "/run/u.sock"
workers = 3
minimal-answers = false
version-bind = "none of it"
hostname-bind = "ns1"
id-server = "one"
[http]
listen = "127.0.0.1:0"
ready-min-served-ratio = 0.5
[[zone]]
name   = "Example.COM"
source = ["axfr://192.0.2.1", "axfr://[2001:db8::1]:5353"]
allow-notify   = ["192.0.2.0/24"]
allow-transfer = "127.0.0.0/8"
notify  = ["198.51.100.7", "198.51.100.8:5301"]
transfer-source = "192.0.2.53"
compare-with = ["192.0.2.1", "198.51.100.1"]
refresh-min = "2m"
refresh-max = 7200
retry-min = "5s"
expire-max = "90d"
out-of-zone = "refuse"
cname-conflict = "drop"
transfer-max-size = "2GiB"
transfer-max-records = 1000
max-records-per-name = 10
keep = { versions = 5, bytes = "2MiB" }
[[zone]]
names = ["a.test", "b.test."]
source = "file:/zones/shared"
[compare]
rate = 2.5
period = "10m"
[edns]
nsid = "0x00ff41"
[rrl]
responses-per-second = 7.5
slip = 3
ipv4-prefix = 28
ipv6-prefix = 48
exempt = ["192.0.2.0/24"]
log-only = true
table-size = 1024
[log]
level = "warning"
)",
                                           "f");
  ASSERT_THAT(loaded.problems, IsEmpty());
  const Config& config = loaded.config;
  ASSERT_THAT(config.listen, SizeIs(2));
  EXPECT_EQ(net::to_string(config.listen[0]), "127.0.0.1:5300");
  EXPECT_EQ(net::to_string(config.listen[1]), "[::1]:0");
  EXPECT_EQ(config.data, "/srv/mirror");
  EXPECT_EQ(config.control, "/run/u.sock");
  EXPECT_EQ(config.workers, 3u);
  EXPECT_EQ(config.ready_min_served_ratio, 0.5);
  ASSERT_TRUE(config.http.has_value());
  EXPECT_EQ(config.http->port, 0);
  EXPECT_EQ(config.compare_rate, 2.5);
  EXPECT_EQ(config.compare_period, Seconds(600));
  EXPECT_EQ(config.log_level, log::Level::warning);
  EXPECT_FALSE(config.pipeline.minimal_answers);
  EXPECT_EQ(config.pipeline.chaos.version, "none of it");
  EXPECT_EQ(config.pipeline.chaos.hostname, "ns1");
  EXPECT_EQ(config.pipeline.chaos.id, "one");
  EXPECT_THAT(config.pipeline.nsid, ElementsAre(0, 0xff, 'A'));
  EXPECT_EQ(config.pipeline.rate_limit.responses_per_second, 7.5);
  EXPECT_EQ(config.pipeline.rate_limit.slip, 3u);
  EXPECT_EQ(config.pipeline.rate_limit.ipv4_prefix, 28u);
  EXPECT_EQ(config.pipeline.rate_limit.ipv6_prefix, 48u);
  EXPECT_THAT(config.pipeline.rate_limit.exempt, SizeIs(1));
  EXPECT_TRUE(config.pipeline.rate_limit.log_only);
  EXPECT_EQ(config.pipeline.rate_limit.table_size, 1024u);
  ASSERT_THAT(config.zones, SizeIs(3));
  const sync::ZoneSettings& zone = config.zones[0];
  EXPECT_EQ(zone.keep.versions, 5u);
  EXPECT_EQ(zone.keep.age, Seconds(90 * 86400));
  EXPECT_EQ(zone.keep.octets, 2u << 20);
  EXPECT_EQ(dns::to_string(zone.apex), "example.com.");
  ASSERT_THAT(zone.sources, SizeIs(2));
  EXPECT_EQ(std::get<sync::AxfrSource>(zone.sources[0]).primary.port, 53);
  EXPECT_EQ(std::get<sync::AxfrSource>(zone.sources[1]).primary.port, 5353);
  ASSERT_THAT(zone.allow_notify, SizeIs(1));
  EXPECT_TRUE(zone.allow_notify[0].allows({boost::asio::ip::make_address("192.0.2.77")}));
  ASSERT_THAT(zone.allow_transfer, SizeIs(1));
  ASSERT_THAT(zone.notify, SizeIs(2));
  EXPECT_EQ(zone.notify[0].address.port, 53);
  EXPECT_EQ(zone.notify[1].address.port, 5301);
  EXPECT_EQ(zone.transfer_source->to_string(), "192.0.2.53");
  EXPECT_THAT(zone.compare_with, SizeIs(2));
  EXPECT_EQ(zone.timers.refresh_min, Seconds(120));
  EXPECT_EQ(zone.timers.refresh_max, Seconds(7200));
  EXPECT_EQ(zone.timers.retry_min, Seconds(5));
  EXPECT_EQ(zone.timers.expire_max, Seconds(90 * 86400));
  EXPECT_TRUE(zone.refuse_out_of_zone);
  EXPECT_TRUE(zone.drop_cname_conflicts);
  EXPECT_EQ(zone.transfer_octets, 2ull << 30);
  EXPECT_EQ(zone.transfer_records, 1000u);
  EXPECT_EQ(zone.records_per_name, 10u);
  EXPECT_EQ(dns::to_string(config.zones[2].apex), "b.test.");
  EXPECT_EQ(std::get<sync::FileSource>(config.zones[2].sources[0]).path, "/zones/shared");
  EXPECT_TRUE(config.zones[2].allow_transfer.empty()) << "nothing leaks from one zone to the next";
  EXPECT_FALSE(config.zones[2].refuse_out_of_zone);
}

TEST(Config, HasTheDefaultsOfTheRoomsWithoutAFile) {
  const Config config = default_config();
  EXPECT_EQ(config.control, config.data + "/control.sock");
  EXPECT_EQ(config.workers, 0u);
  EXPECT_EQ(config.compare_rate, 50);
  EXPECT_EQ(net::to_string(*config.http), "127.0.0.1:9853");
  // The rows' defaults and those that ZoneSettings has for tests are the same.
  const LoadedConfig loaded = parse_config("[[zone]]\nname = \"x\"\nsource = \"axfr://192.0.2.1\"\n", "f");
  ASSERT_THAT(loaded.problems, IsEmpty());
  const sync::ZoneSettings zone = loaded.config.zones.at(0), plain;
  EXPECT_EQ(zone.timers.refresh_min, plain.timers.refresh_min);
  EXPECT_EQ(zone.timers.refresh_max, plain.timers.refresh_max);
  EXPECT_EQ(zone.timers.retry_min, plain.timers.retry_min);
  EXPECT_EQ(zone.timers.retry_max, plain.timers.retry_max);
  EXPECT_EQ(zone.timers.expire_min, plain.timers.expire_min);
  EXPECT_EQ(zone.timers.expire_max, plain.timers.expire_max);
  EXPECT_EQ(zone.refuse_out_of_zone, plain.refuse_out_of_zone);
  EXPECT_EQ(zone.drop_cname_conflicts, plain.drop_cname_conflicts);
  EXPECT_EQ(zone.transfer_octets, plain.transfer_octets);
  EXPECT_EQ(zone.transfer_records, plain.transfer_records);
  EXPECT_EQ(zone.records_per_name, plain.records_per_name);
}

TEST(Config, ReportsEverythingAtOnceInOrderOfLines) {
  const auto problems = problems_of(
      "[server]\n"                      // 1
      "lisen = [\"127.0.0.1:53\"]\n"    // 2
      "workers = \"two\"\n"             // 3
      "listen = [\"127.0.0.1:53\",\n"   // 4
      "          \"nonsense:53\"]\n"    // 5
      "[[zone]]\n"                      // 6
      "name = \"bad..name\"\n"          // 7
      "source = \"ftp://192.0.2.1\"\n"  // 8
      "refresh-min = \"5 parsecs\"\n"   // 9
      "out-of-zone = \"keep\"\n"        // 10
      "on-expire = \"serve\"\n"         // 11
      "[[zone]]\n"                      // 12
      "name = \"lonely.test\"\n"        // 13
      "[metric]\n"                      // 14
      "[sever]\n"                       // 15
      "[http]\n"                        // 16
      "ready-min-served-ratio = 7\n");  // 17
  EXPECT_THAT(
      problems,
      ElementsAre(AllOf(StartsWith("f:2: "), HasSubstr("lisen"), HasSubstr("did you mean \"listen\"?")),
                  AllOf(StartsWith("f:3: "), HasSubstr("server.workers"), HasSubstr("whole number")),
                  AllOf(StartsWith("f:5: "), HasSubstr("nonsense")),
                  AllOf(StartsWith("f:7: "), HasSubstr("zone.name")),
                  AllOf(StartsWith("f:8: "), HasSubstr("zone.source")),
                  AllOf(StartsWith("f:9: "), HasSubstr("5 parsecs")),
                  AllOf(StartsWith("f:10: "), HasSubstr("\"drop\" \"refuse\"")),
                  AllOf(StartsWith("f:11: "), HasSubstr("serve-stale:7d")),
                  AllOf(StartsWith("f:12: "), HasSubstr("lonely.test. has no source")),
                  AllOf(StartsWith("f:14: "), HasSubstr("did you mean [metrics]?")),
                  AllOf(StartsWith("f:15: "), HasSubstr("did you mean [server]?")),
                  AllOf(StartsWith("f:17: "), HasSubstr("out of range: 0 to 1"))));
}

TEST(Config, TellsWhatIsWrongInsideAnInlineTable) {
  const std::string zone = "[[zone]]\nname = \"x\"\nsource = \"axfr://192.0.2.1\"\n";
  EXPECT_THAT(problems_of(zone + "keep = { versoins = 3 }"),
              ElementsAre(AllOf(HasSubstr(":4"), HasSubstr("keep.versoins"), HasSubstr("keep.versions"))));
  EXPECT_THAT(problems_of(zone + "keep = 3"), ElementsAre(HasSubstr("zone.keep: wants a table")));
  EXPECT_THAT(problems_of(zone + "keep = { versions = 0 }"), ElementsAre(HasSubstr("zone.keep.versions")));
}

TEST(Config, ThePublicPageIsOffUnlessGiven) {
  EXPECT_FALSE(parse_config("", "f").config.http_public.has_value());
  const LoadedConfig loaded = parse_config("[http]\npublic = \"[::1]:8080\"\n[metrics]\nzones = [\"a.test\", \"*.b.test\"]\n", "f");
  ASSERT_THAT(loaded.problems, IsEmpty());
  ASSERT_TRUE(loaded.config.http_public.has_value());
  EXPECT_EQ(net::to_string(*loaded.config.http_public), "[::1]:8080");
  EXPECT_THAT(loaded.config.metrics_zones, ElementsAre("a.test", "*.b.test"));
  EXPECT_THAT(problems_of("[http]\npublic = \"192.0.2.1\""), ElementsAre(HasSubstr("lacks a port")));
}

TEST(Config, TheGateIsThatOfAllZonesUnlessAZoneSaysOtherwise) {
  const LoadedConfig loaded = parse_config(R"(
[[zone]]
name = "own.test"
source = "axfr://192.0.2.1"
gate = { shrink = 0.5, command = ["/bin/own"], losses = "warn", serial-backwards = "accept", ds-at-parent = "off" }
pin-tolerance = "1m"
on-expire = "serve-stale:7d"
stale-past-signature = "stop"
serial = "raise"
[[zone]]
name = "common.test"
source = "axfr://192.0.2.1"
[gate]
shrink = 0.1
churn = 0.2
command = ["/bin/check", "--strict"]
command-timeout = "5s"
zonemd = "warn"
dnssec = "hold"
full-check = "1h"
accept-after = "2d"
serial-unmoved = "hold"
parent-resolver = ["192.0.2.53", "[2001:db8::53]:5353"]
)",
                                           "f");
  EXPECT_THAT(loaded.problems, IsEmpty());
  ASSERT_EQ(loaded.config.zones.size(), 2u);
  const sync::ZoneSettings &own = loaded.config.zones[0], &common = loaded.config.zones[1];
  EXPECT_EQ(common.gate.shrink, 0.1);
  EXPECT_EQ(common.gate.churn, 0.2);
  EXPECT_EQ(common.gate.ns_loss, 0.5);
  EXPECT_EQ(common.gate.ignore_below, 10u);
  EXPECT_EQ(common.gate.losses, sync::Act::hold);
  EXPECT_EQ(common.gate.zonemd, sync::Act::warn);
  EXPECT_EQ(common.gate.dnssec, sync::Act::hold);
  EXPECT_THAT(common.gate.command, ElementsAre("/bin/check", "--strict"));
  EXPECT_EQ(common.gate.command_timeout, Seconds(5));
  EXPECT_EQ(common.gate.full_check, Seconds(3600));
  EXPECT_EQ(common.gate.accept_after, Seconds(2 * 86400));
  EXPECT_EQ(common.gate.backwards, sync::SerialPolicy::ignore);
  EXPECT_EQ(common.gate.unmoved, sync::SerialPolicy::hold);
  EXPECT_EQ(common.gate.parent_ds, sync::Act::hold);
  ASSERT_EQ(own.gate.parent_resolvers.size(), 2u);
  EXPECT_EQ(net::to_string(own.gate.parent_resolvers[0]), "192.0.2.53:53");
  EXPECT_EQ(common.gate.parent_resolvers, own.gate.parent_resolvers);
  EXPECT_EQ(common.pin_tolerance, Seconds(10));
  EXPECT_EQ(common.serve_stale, Seconds(0));
  EXPECT_FALSE(common.raise_serial);
  EXPECT_EQ(own.gate.shrink, 0.5);
  EXPECT_EQ(own.gate.churn, 0.2);
  EXPECT_EQ(own.gate.losses, sync::Act::warn);
  EXPECT_THAT(own.gate.command, ElementsAre("/bin/own"));
  EXPECT_EQ(own.gate.backwards, sync::SerialPolicy::accept);
  EXPECT_EQ(own.gate.parent_ds, sync::Act::off);
  EXPECT_EQ(own.pin_tolerance, Seconds(60));
  EXPECT_EQ(own.serve_stale, Seconds(7 * 86400));
  EXPECT_TRUE(own.stop_past_signature);
  EXPECT_TRUE(own.raise_serial);
}

TEST(Config, RefusesAGateThatCannotBeMeant) {
  EXPECT_THAT(problems_of("[gate]\nshrink = 30"), ElementsAre(HasSubstr("out of range: 0 to 1")));
  EXPECT_THAT(problems_of("[gate]\ncommand = \"check\""), ElementsAre(HasSubstr("whole path")));
  EXPECT_THAT(problems_of("[gate]\nlosses = \"refuse\""), ElementsAre(HasSubstr("\"hold\"")));
  const std::string zone = "[[zone]]\nname = \"x\"\nsource = \"axfr://192.0.2.1\"\n";
  EXPECT_THAT(problems_of(zone + "on-expire = \"serve-stale:0s\""), ElementsAre(HasSubstr("servfail")));
  EXPECT_THAT(problems_of(zone + "on-expire = \"serve-stale:7 moons\""), SizeIs(1));
  EXPECT_THAT(problems_of(zone + "gate = { shrunk = 1 }"), ElementsAre(HasSubstr("gate.shrink")));
}

TEST(Config, SeesWhatNoSingleKeyShows) {
  const std::string source = "source = \"axfr://192.0.2.1\"\n";
  EXPECT_THAT(problems_of("[[zone]]\n" + source), ElementsAre(HasSubstr("without a name")));
  EXPECT_THAT(problems_of("[[zone]]\nname = \"a\"\n" + source + "[[zone]]\nname = \"A.\"\n" + source),
              ElementsAre(AllOf(StartsWith("f:4: "), HasSubstr("configured twice"))));
  EXPECT_THAT(problems_of("[[zone]]\nname = \"a\"\nrefresh-min = \"2d\"\n" + source),
              ElementsAre(HasSubstr("refresh-min is above refresh-max")));
  EXPECT_THAT(problems_of("[zone]\nname = \"a\"\n" + source), ElementsAre(HasSubstr("[[zone]]")));
  EXPECT_THAT(problems_of("[[server]]\n"), ElementsAre(HasSubstr("[server]")));
  EXPECT_THAT(problems_of("listen = [\"127.0.0.1:53\"]\n"), ElementsAre(HasSubstr("belongs under [server]")));
  EXPECT_THAT(problems_of("[server]\nlisten = \"127.0.0.1\"\n"), ElementsAre(HasSubstr("lacks a port")));
  EXPECT_THAT(problems_of("[server]\nlisten = \"::1\"\n"), ElementsAre(HasSubstr("[::1]:53")));
}

TEST(Config, BoundsWhatTheServerSaysOfItself) {
  EXPECT_THAT(problems_of("[edns]\nnsid = \"0x0g\""), ElementsAre(HasSubstr("hexadecimal")));
  EXPECT_THAT(problems_of("[edns]\nnsid = \"" + std::string(129, 'n') + "\""), ElementsAre(HasSubstr("128")));
  EXPECT_THAT(problems_of("[server]\nid-server = \"" + std::string(256, 'n') + "\""),
              ElementsAre(HasSubstr("255")));
}

TEST(Config, SaysWhereATextIsNoToml) {
  EXPECT_THAT(problems_of("[server]\nworkers = = 3\n"),
              ElementsAre(AllOf(StartsWith("f:2: "), HasSubstr("not TOML"))));
  EXPECT_THAT(load_config("/nonexistent/u.toml").problems, ElementsAre(HasSubstr("No such file")));
}

TEST(Config, ReadsDurationsAndSizes) {
  EXPECT_EQ(parse_duration("60s")->count(), 60);
  EXPECT_EQ(parse_duration("5m")->count(), 300);
  EXPECT_EQ(parse_duration("12h")->count(), 43200);
  EXPECT_EQ(parse_duration("90d")->count(), 7776000);
  EXPECT_EQ(parse_duration("2w")->count(), 1209600);
  EXPECT_EQ(parse_duration("7")->count(), 7);
  for (const std::string_view bad : {"", "s", "-1s", "1.5h", "1 h", "1y", "99999999999999999w", "0x10"}) {
    EXPECT_FALSE(parse_duration(bad).has_value()) << bad;
  }
  EXPECT_EQ(*parse_size("512KiB"), 524288u);
  EXPECT_EQ(*parse_size("1GiB"), 1073741824u);
  for (const std::string_view bad : {"", "1GB", "-1", "KiB", "9999999999TiB"}) {
    EXPECT_FALSE(parse_size(bad).has_value()) << bad;
  }
}

TEST(Config, GuessesOnlyNearWords) {
  const std::string_view known[] = {"listen", "data", "workers"};
  EXPECT_EQ(nearest_word("lsten", known), "listen");
  EXPECT_EQ(nearest_word("worker", known), "workers");
  EXPECT_EQ(nearest_word("banana", known), "");
}

TEST(Config, EveryRowHelpsAndEveryDefaultIsInItsRange) {
  for (const Option& option : config_schema().options) {
    const std::string path = std::string(option.table) + "." + std::string(option.key);
    EXPECT_TRUE(option.help.ends_with('.')) << path;
    EXPECT_EQ(option.type == OptionType::choice, !option.choices.empty()) << path;
  }
  EXPECT_THAT(problems_of("[[zone]]\nname = \"x\"\nsource = \"axfr://192.0.2.1\"\n"), IsEmpty());
}

TEST(Config, TheReferencePageIsTheOneOfTheRows) {
  const auto root = std::filesystem::path(UNDERSTUDY_SOURCE);
  std::ifstream in(root / "docs/configuration.md", std::ios::binary);
  const std::string page(std::istreambuf_iterator<char>(in), {});
  EXPECT_EQ(page, config_reference())
      << "renew it: understudy check-config --reference > docs/configuration.md";
}

TEST(Arguments, ZoneAndHttp) {
  const auto zone = parse_zone_argument("Example.com=axfr://192.0.2.1:5301");
  ASSERT_TRUE(zone.has_value());
  EXPECT_EQ(dns::to_string(zone->apex), "example.com.");
  EXPECT_EQ(std::get<sync::AxfrSource>(zone->sources.at(0)).primary.port, 5301);
  EXPECT_FALSE(parse_zone_argument("example.com").has_value());
  EXPECT_FALSE(parse_zone_argument("=axfr://192.0.2.1").has_value());
  EXPECT_FALSE(parse_zone_argument("example.com=nowhere").has_value());
  EXPECT_FALSE(parse_http("off")->has_value());
  EXPECT_FALSE(parse_http("9853").has_value());
}

}  // namespace
}  // namespace understudy::app
