// The operator's doors over running rooms: the control socket, HTTP; and what they say while the sync thread
// is stuck.
#include <gmock/gmock.h>
#include <sys/stat.h>

#include <boost/asio/executor_work_guard.hpp>
#include <future>

#include "control/report.h"
#include "unit/control/doors.h"

namespace understudy::control {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST_F(Doors, ControlAnswersTheVerbs) {
  run();
  const auto all = ask_server(socket(), {{"verb", "status"}});
  ASSERT_TRUE(all.has_value()) << all.error().message;
  ASSERT_EQ(all->at("zones").as_array().size(), 1u);
  const auto one = ask_server(socket(), {{"verb", "status"}, {"zone", "Z.TEST"}});
  ASSERT_TRUE(one.has_value());
  EXPECT_EQ(one->at("zone"), json::value("z.test."));
  EXPECT_EQ(one->at("state"), json::value("fresh"));
  EXPECT_EQ(one->at("serial"), json::value(7));
  EXPECT_EQ(one->at("records"), json::value(3));
  EXPECT_EQ(one->at("version"), json::value(1));
  const auto compared = ask_server(socket(), {{"verb", "compare"}, {"zone", "z.test"}});
  ASSERT_TRUE(compared.has_value()) << compared.error().message;
  EXPECT_EQ(compared->at("complete"), json::value(false)) << "there is no address to ask";
  EXPECT_TRUE(ask_server(socket(), {{"verb", "retransfer"}, {"zone", "z.test"}}).has_value());
}

TEST_F(Doors, ControlAddsAndRemovesAZone) {
  run();
  const json::object request{
      {"verb", "add"}, {"zone", "new.test"}, {"options", {json::array{"source", file("zone")}}}};
  const auto added = ask_server(socket(), request);
  ASSERT_TRUE(added.has_value()) << added.error().message;
  EXPECT_TRUE(ask_server(socket(), {{"verb", "refresh"}, {"zone", "new.test"}}).has_value());
  const auto status = ask_server(socket(), {{"verb", "status"}, {"zone", "new.test"}});
  ASSERT_TRUE(status.has_value()) << status.error().message;
  EXPECT_EQ(status->at("origin"), json::value("added"));
  EXPECT_EQ(status->at("serial"), json::value(7));
  EXPECT_TRUE(status->at("comparison").is_object()) << "it is compared like the others";
  EXPECT_THAT(get("/metrics").second, HasSubstr("understudy_zone_records{zone=\"new.test.\"} 3\n"));

  ASSERT_TRUE(ask_server(socket(), {{"verb", "remove"}, {"zone", "new.test"}}).has_value());
  EXPECT_FALSE(ask_server(socket(), {{"verb", "status"}, {"zone", "new.test"}}).has_value());
  EXPECT_THAT(get("/metrics").second, Not(HasSubstr("new.test."))) << "series of a removed zone go";
  const auto all = ask_server(socket(), {{"verb", "status"}});
  ASSERT_TRUE(all.has_value());
  EXPECT_EQ(all->at("zones").as_array().size(), 1u);
  EXPECT_EQ(all->at("unserved").at(0).at("zone"), json::value("new.test."));
  EXPECT_EQ(all->at("unserved").at(0).at("serial"), json::value(7));
}

TEST_F(Doors, ControlSaysWhereTheMirrorIs) {
  run();
  const auto told = ask_server(socket(), {{"verb", "where"}});
  ASSERT_TRUE(told.has_value()) << told.error().message;
  EXPECT_EQ(told->at("data"), json::value("/where/it/is"));
}

TEST_F(Doors, ControlRefusesWhatItDoesNotUnderstand) {
  run();
  for (const auto& [request, reason] : std::vector<std::pair<std::string, std::string>>{
           {"no json\n", "bad-request"},
           {"[]\n", "bad-request"},
           {"{}\n", "bad-request"},
           {"{\"verb\":\"destroy\"}\n", "bad-request"},
           {"{\"verb\":\"refresh\"}\n", "bad-request"},
           {"{\"verb\":\"refresh\",\"zone\":\"other.test\"}\n", "unknown-zone"},
           {"{\"verb\":\"status\",\"zone\":\"other.test\"}\n", "unknown-zone"},
           {"{\"verb\":\"remove\",\"zone\":\"other.test\"}\n", "unknown-zone"},
           {"{\"verb\":\"remove\",\"zone\":\"z.test\"}\n", "zone-configured"},
           {"{\"verb\":\"add\",\"zone\":\"new.test\"}\n", "bad-request"},
           {"{\"verb\":\"add\",\"zone\":\"new.test\",\"options\":{}}\n", "bad-request"},
           {"{\"verb\":\"add\",\"zone\":\"new.test\",\"options\":[[\"source\"]]}\n", "bad-request"},
           {"{\"verb\":\"add\",\"zone\":\"new.test\",\"options\":[[\"source\",1]]}\n", "bad-request"},
           {"{\"verb\":\"add\",\"zone\":\"new.test\",\"options\":[]}\n", "zone-options"},
           {"{\"verb\":\"add\",\"zone\":\"z.test\",\"options\":[[\"source\",\"/z\"]]}\n", "zone-exists"}}) {
    const std::string answer = raw(request);
    boost::system::error_code fault;
    const json::value parsed = json::parse(answer, fault);
    ASSERT_FALSE(fault) << request << answer;
    EXPECT_EQ(parsed.at("error").at("reason"), json::value(reason)) << request;
  }
  EXPECT_EQ(raw(std::string(100'000, 'x') + "\n"), "") << "a request over the bound";
}

TEST_F(Doors, TheSocketIsTheOwnersAloneAndOneServers) {
  struct stat status {};
  ASSERT_EQ(::stat(socket().c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777, 0600u);
  ControlServer second(*rooms_);
  const auto refused = second.start(socket());
  ASSERT_FALSE(refused.has_value());
  EXPECT_THAT(refused.error().message, HasSubstr("another server"));
  // One that a dead server left behind is replaced.
  const std::string left = file("left.sock");
  {
    asio::io_context context;
    asio::local::stream_protocol::acceptor dead(context, left);
  }
  ASSERT_TRUE(std::filesystem::exists(left));
  EXPECT_TRUE(second.start(left).has_value());
  second.stop();
  EXPECT_FALSE(std::filesystem::exists(left));
  std::ofstream(file("data")) << "precious";
  EXPECT_FALSE(second.start(file("data")).has_value());
  EXPECT_EQ(std::filesystem::file_size(file("data")), 8u) << "what is no socket stays";
  EXPECT_FALSE(second.start(file(std::string(200, 's'))).has_value());
}

TEST_F(Doors, HttpTellsStateReadinessAndMetrics) {
  run();
  EXPECT_EQ(get("/healthz").first, 200);
  const auto [ready, checks] = get("/readyz");
  EXPECT_EQ(ready, 200) << checks;
  EXPECT_EQ(get("/readyz?zone=z.test").first, 200);
  EXPECT_EQ(get("/readyz?zone=other.test").first, 404);
  EXPECT_EQ(get("/readyz?zone=bad..name").first, 400);
  const auto [status, zones] = get("/api/v1/zones");
  EXPECT_EQ(status, 200);
  EXPECT_EQ(json::parse(zones).at("zones").at(0).at("serial"), json::value(7));
  EXPECT_EQ(json::parse(get("/api/v1/zones/z.test").second).at("zone"), json::value("z.test."));
  EXPECT_EQ(json::parse(get("/api/v1/zones/Z.test./mismatches").second).at("zone"), json::value("z.test."));
  EXPECT_EQ(get("/api/v1/zones/other.test").first, 404);
  EXPECT_EQ(get("/api/v1/zones/0%2F25.test").first, 404) << "a slash may be part of a name";
  EXPECT_EQ(get("/nothing").first, 404);
  const std::string metrics = get("/metrics").second;
  for (const std::string line :
       {"understudy_zones{state=\"fresh\"} 1\n", "understudy_zones{state=\"expired\"} 0\n",
        "understudy_zone_serial{zone=\"z.test.\",role=\"served\"} 7\n",
        "understudy_zone_records{zone=\"z.test.\"} 3\n", "understudy_zones_suppressed 0\n",
        "understudy_zone_requests_total{zone=\"z.test.\"} ",
        "understudy_dns_requests_total{proto=\"udp\",family=\"ipv4\",type=\"SOA\"} ",
        "understudy_lmdb_map_used_ratio "}) {
    EXPECT_THAT(metrics, HasSubstr(line));
  }
  // The zone is compared with nobody, and zeros would look like a comparer that fell silent.
  EXPECT_THAT(metrics, Not(HasSubstr("understudy_compare_")));
}

TEST_F(Doors, AStuckSyncThreadMakesThemSayNoInsteadOfWaiting) {
  // The sync thread does not run at all here.
  EXPECT_EQ(get("/healthz").first, 200) << "the process is alive";
  EXPECT_EQ(get("/metrics").first, 503);
  EXPECT_EQ(get("/api/v1/zones").first, 503);
  const auto [status, checks] = get("/readyz");
  EXPECT_EQ(status, 503);
  EXPECT_THAT(checks, HasSubstr("FAILED  the sync thread answers"));
  EXPECT_THAT(checks, HasSubstr("ok      our own socket answers queries"));
}

TEST(Report, TimesAreRfc3339InUtc) {
  EXPECT_EQ(time_text(0), "1970-01-01T00:00:00Z");
  EXPECT_EQ(time_text(951'827'696), "2000-02-29T12:34:56Z");
  EXPECT_EQ(time_text(4'102'444'800), "2100-01-01T00:00:00Z");
}

TEST(Report, AComparisonHasTheShapeOfTheContract) {
  audit::ZoneComparison comparison;
  comparison.zone = dns::Name::from_text("z.test").value();
  comparison.version = 3;
  const net::Endpoint address{asio::ip::make_address("2001:db8::1"), 53};
  audit::Tally tally;
  tally.address = address;
  tally.asked = 2;
  tally.mismatch = 1;
  comparison.against.push_back(tally);
  audit::Mismatch mismatch;
  mismatch.owner = dns::Name::from_text("www.z.test").value();
  mismatch.type = dns::RRType::A;
  mismatch.address = address;
  mismatch.difference = audit::Class::negative_ttl;
  mismatch.ours = {"NOERROR", "aa", 300, {"192.0.2.1", "192.0.2.2"}};
  mismatch.theirs = {"NXDOMAIN", "aa", 60, {}};
  mismatch.since = 951'827'696;
  comparison.mismatches.push_back(mismatch);
  const json::object report = comparison_report(comparison);
  EXPECT_EQ(report.at("zone"), json::value("z.test."));
  EXPECT_EQ(report.at("version"), json::value(3));
  EXPECT_EQ(report.at("complete"), json::value(false));
  EXPECT_EQ(report.at("against").at(0),
            json::parse(R"({"address":"[2001:db8::1]:53","asked":2,"match":0,"mismatch":1,
      "dynamic":0,"expected":0,"unknown":0,"serial":null,"serial_answered":false})"));
  EXPECT_EQ(
      report.at("mismatches").at(0),
      json::parse(R"({"owner":"www.z.test.","type":"A","address":"[2001:db8::1]:53","class":"negative_ttl",
      "ours":{"rcode":"NOERROR","flags":"aa","ttl":300,"rdata":["192.0.2.1","192.0.2.2"]},
      "theirs":{"rcode":"NXDOMAIN","flags":"aa","ttl":60,"rdata":[]},
      "since":"2000-02-29T12:34:56Z","evidence":{"last_seen":null,"version":0,"serial":0,"address_serial":null,
      "nsid":null,"zone_version":null,"made_up":false}})"));
}

}  // namespace
}  // namespace understudy::control
