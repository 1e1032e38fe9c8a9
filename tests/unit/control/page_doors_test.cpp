// What the status page asks for, over running rooms: verdict, pages of zones, history, traffic, the public
// door.
#include <gmock/gmock.h>

#include <future>
#include <set>

#include "control/page.h"
#include "control/public_routes.h"
#include "unit/control/doors.h"

namespace understudy::control {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST_F(Doors, HttpTellsTheVerdict) {
  run();
  const json::value summary = json::parse(get("/api/v1/summary").second);
  EXPECT_EQ(summary.at("takeover").at("ready"), json::value(true)) << json::serialize(summary);
  EXPECT_EQ(summary.at("takeover").at("reasons"), json::value(json::array()));
  EXPECT_EQ(summary.at("takeover").at("cautions").at(0).at("reason"), json::value("unproven"));
  EXPECT_EQ(summary.at("zones").at("total"), json::value(1));
  EXPECT_EQ(summary.at("zones").at("states").at("fresh"), json::value(1));
  EXPECT_EQ(summary.at("zones").at("conditions").at("unproven"), json::value(1));
  server_->stop();
  const json::value stopped = json::parse(get("/api/v1/summary").second);
  EXPECT_EQ(stopped.at("takeover").at("ready"), json::value(false)) << "nobody answers queries";
}

TEST_F(Doors, HttpTellsAPageOfZones) {
  run();
  for (const std::string name : {"a.test", "b.test"}) {
    ASSERT_TRUE(
        ask_server(socket(),
                   {{"verb", "add"}, {"zone", name}, {"options", {json::array{"source", file("zone")}}}})
            .has_value());
    ASSERT_TRUE(ask_server(socket(), {{"verb", "refresh"}, {"zone", name}}).has_value());
  }
  const json::value page = json::parse(get("/api/v1/zones?offset=1&limit=1").second);
  EXPECT_EQ(page.at("total"), json::value(3));
  EXPECT_EQ(page.at("matching"), json::value(3));
  ASSERT_EQ(page.at("zones").as_array().size(), 1u);
  EXPECT_EQ(page.at("zones").at(0).at("zone"), json::value("b.test."));
  EXPECT_EQ(page.at("zones").at(0).at("conditions"), json::value(json::array{"unproven"}));
  EXPECT_EQ(json::parse(get("/api/v1/zones?name=Z.te").second).at("zones").at(0).at("zone"),
            json::value("z.test."));
  EXPECT_EQ(json::parse(get("/api/v1/zones?state=expired").second).at("matching"), json::value(0));
  EXPECT_EQ(json::parse(get("/api/v1/zones?state=unproven").second).at("matching"), json::value(3));
  for (const std::string wrong : {"limit=501", "limit=-1", "limit=", "offset=x", "state=nice"})
    EXPECT_EQ(get("/api/v1/zones?" + wrong).first, 400) << wrong;
}

TEST_F(Doors, HttpTellsTheHistoryOfAZone) {
  run();
  std::ofstream(file("zone"))
      << "$TTL 300\n@ IN SOA ns hostmaster 8 3600 600 86400 60\n@ NS ns\nns A 192.0.2.2\n";
  ASSERT_TRUE(ask_server(socket(), {{"verb", "retransfer"}, {"zone", "z.test"}}).has_value());
  const json::value past = json::parse(get("/api/v1/zones/z.test/history").second);
  ASSERT_EQ(past.at("versions").as_array().size(), 2u) << json::serialize(past);
  EXPECT_EQ(past.at("versions").at(0).at("serial"), json::value(8));
  EXPECT_EQ(past.at("versions").at(0).at("live"), json::value(true));
  EXPECT_EQ(past.at("versions").at(1).at("live"), json::value(false));
  EXPECT_EQ(json::parse(get("/api/v1/zones/z.test/history?limit=1").second).at("versions").as_array().size(),
            1u);
  EXPECT_EQ(get("/api/v1/zones/other.test/history").first, 404);
  EXPECT_EQ(get("/api/v1/zones/z.test/history?limit=1001").first, 400);
}

TEST_F(Doors, TheChronicleTellsWhatBeganAndEnded) {
  run();
  const auto zone = dns::Name::from_text("z.test.").value();
  auto chronicle = std::make_shared<Chronicle>(*rooms_);
  const auto look = [&] {
    std::promise<std::vector<Event>> told;
    asio::post(context_, [&] {
      chronicle->look();
      told.set_value(chronicle->events(zone));
    });
    return told.get_future().get();
  };
  EXPECT_TRUE(look().empty()) << "nothing has happened";
  std::ofstream(file("zone")) << "this is no zone file\n";
  ASSERT_FALSE(ask_server(socket(), {{"verb", "retransfer"}, {"zone", "z.test"}}).has_value());
  const auto broken = look();
  ASSERT_FALSE(broken.empty());
  EXPECT_EQ(broken.back().kind, "primary-silent");
  const std::size_t then = broken.size();
  EXPECT_EQ(look().size(), then) << "told once";
  std::ofstream(file("zone"))
      << "$TTL 300\n@ IN SOA ns hostmaster 8 3600 600 86400 60\n@ NS ns\nns A 192.0.2.2\n";
  ASSERT_TRUE(ask_server(socket(), {{"verb", "retransfer"}, {"zone", "z.test"}}).has_value());
  const auto mended = look();
  ASSERT_GT(mended.size(), then);
  const bool is_back =
      std::any_of(mended.begin(), mended.end(), [](const Event& e) { return e.kind == "primary-back"; });
  EXPECT_TRUE(is_back);
  std::promise<void> gone;
  asio::post(context_, [&] {
    chronicle.reset();
    gone.set_value();
  });
  gone.get_future().get();
}

TEST_F(Doors, HttpTellsTraffic) {
  const json::value traffic = json::parse(get("/api/v1/traffic").second);
  EXPECT_EQ(traffic.at("step_seconds"), json::value(5));
  EXPECT_TRUE(traffic.at("queries").is_array());
  EXPECT_EQ(traffic.at("rcodes").as_object().size(), 5u);
  asio::io_context idle;
  Traffic sampled(*server_, clock_, idle);
  sampled.sample();
  sampled.sample();
  const json::object report = sampled.report();
  EXPECT_EQ(report.at("queries").as_array().size(), 2u);
  EXPECT_EQ(report.at("rcodes").at("NXDOMAIN").as_array().size(), 2u);
}

TEST_F(Doors, ThePublicDoorTellsStatesAndNothingElse) {
  run();
  HttpServer door;
  PublicRoutes routes(*rooms_, door.context());
  ASSERT_TRUE(door.listen({asio::ip::address_v4::loopback(), 0},
                          [&](const HttpRequest& request, HttpReply reply) {
                            routes.handle(request, std::move(reply));
                          })
                  .has_value());
  door.start();
  const auto ask = [&](const std::string& path) { return get(path, door); };
  const json::value told = json::parse(ask("/api/v1/public").second);
  EXPECT_EQ(told.at("zones"), json::value(json::array{{{"zone", "z.test."}, {"state", "fresh"}}}));
  EXPECT_EQ(told.at("answered"), json::value(1));
  std::set<std::string> keys;
  for (const auto& entry : told.as_object()) keys.insert(entry.key());
  EXPECT_EQ(keys,
            (std::set<std::string>{"time", "zones", "total", "matching", "offset", "limit", "answered"}));
  EXPECT_EQ(ask("/").first, 200);
  EXPECT_EQ(ask("/page/style.css").first, 200);
  EXPECT_EQ(ask("/api/v1/public?state=expired").first, 200);
  EXPECT_EQ(ask("/api/v1/public?state=unproven").first, 400) << "a condition is not for everybody";
  for (const std::string path : {"/metrics", "/api/v1/zones", "/api/v1/zones/z.test", "/api/v1/summary",
                                 "/api/v1/traffic", "/readyz", "/healthz", "/page/index.html"}) {
    EXPECT_EQ(ask(path).first, 404) << path;
  }
  door.stop();
  EXPECT_EQ(get("/api/v1/public").first, 404) << "nor is it on the operator's port";
}

TEST_F(Doors, ThePageAsksNoOtherHost) {
  std::set<std::string> paths{"/"};
  for (const PageFile& page : page_files()) {
    if (!page.path.ends_with(".html")) paths.emplace(page.path);
  }
  EXPECT_GT(paths.size(), 8u);
  for (const std::string& path : paths) {
    auto [status, text] = get(path);
    EXPECT_EQ(status, 200) << path;
    // The name of SVG's vocabulary is an address that nobody asks.
    for (std::size_t at; (at = text.find("http://www.w3.org/2000/svg")) != std::string::npos;)
      text.erase(at, 26);
    EXPECT_THAT(text, Not(HasSubstr("://"))) << path << ": an address of another host";
    EXPECT_THAT(text, Not(HasSubstr("innerHTML"))) << path;
  }
}

}  // namespace
}  // namespace understudy::control
