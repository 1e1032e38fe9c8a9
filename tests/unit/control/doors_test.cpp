// The operator's doors over running rooms: a zone from a file, the control socket, HTTP; and what they say
// while the sync thread is stuck.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <filesystem>
#include <fstream>
#include <future>
#include <thread>

#include "control/control_client.h"
#include "control/control_server.h"
#include "control/http_routes.h"
#include "control/report.h"

namespace understudy::control {
namespace {

namespace asio = boost::asio;
namespace json = boost::json;
using ::testing::HasSubstr;
using ::testing::Not;

class Doors : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (std::filesystem::temp_directory_path() / "understudy-doors-XXXXXX").string();
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
    std::ofstream(file("zone"))
        << "$TTL 300\n@ IN SOA ns hostmaster 7 3600 600 86400 60\n@ NS ns\nns A 192.0.2.1\n";
    auto mirror = backend::open_mirror({.directory = folder_, .map_octets = 1u << 30});
    ASSERT_TRUE(mirror.has_value()) << mirror.error().message;
    mirror_ = std::move(*mirror);
    sync_.emplace(context_, *mirror_, tables_, clock_, sync::SyncOptions{folder_});
    comparer_.emplace(context_, *mirror_, tables_, clock_, audit::CompareOptions{});
    server::ServerOptions options;
    options.listen = {{asio::ip::address_v4::loopback(), 0}};
    options.workers = 1;
    options.data_directory = folder_;
    server_.emplace(*mirror_, tables_, *sync_, options);
    rooms_.emplace(Rooms{context_,
                         *sync_,
                         *comparer_,
                         *server_,
                         *mirror_,
                         tables_,
                         clock_,
                         read_zone_options,
                         {},
                         "/where/it/is"});
    control_.emplace(*rooms_);
    sync::ZoneSettings zone;
    zone.apex = dns::Name::from_text("z.test.").value();
    zone.sources = {sync::FileSource{file("zone")}};
    sync_->add_listener(*comparer_);
    ASSERT_TRUE(sync_->start({zone}).has_value());
    ASSERT_TRUE(server_->start().has_value());
    ASSERT_TRUE(comparer_->start({{zone.apex, {}}}).has_value());
    ASSERT_TRUE(control_->start(socket()).has_value());
    routes_.emplace(*rooms_, http_.context(), RouteOptions{0, std::chrono::milliseconds(200)});
    ASSERT_TRUE(http_
                    .listen({asio::ip::address_v4::loopback(), 0},
                            [this](const HttpRequest& request, HttpReply reply) {
                              routes_->handle(request, std::move(reply));
                            })
                    .has_value());
    http_.start();
  }
  void TearDown() override {
    if (running()) {
      asio::post(context_, [this] {
        control_->stop();
        comparer_->stop();
        context_.stop();
      });
      thread_.join();
    }
    http_.stop();
    if (server_) server_->stop();
    if (sync_) sync_->stop();
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }

  // Stands in for app/: the one option that it knows is a file.
  static Result<sync::ZoneSettings> read_zone_options(const dns::Name& apex,
                                                      const backend::ZoneOptions& options) {
    if (options.size() != 1 || options.front().first != "source")
      return Error{"zone-options", "one source is wanted"};
    sync::ZoneSettings zone;
    zone.apex = apex;
    zone.sources = {sync::FileSource{options.front().second}};
    return zone;
  }

  bool running() const { return thread_.joinable(); }
  // Lets the sync thread run until the zone was looked at.
  void run() {
    thread_ = std::thread([this] { context_.run(); });
    ASSERT_TRUE(ask_server(socket(), {{"verb", "refresh"}, {"zone", "z.test"}}).has_value());
  }
  std::string file(const std::string& name) const { return folder_ + "/" + name; }
  std::string socket() const { return file("control.sock"); }

  // Status and body of a GET.
  std::pair<int, std::string> get(const std::string& target) {
    asio::io_context context;
    asio::ip::tcp::socket socket(context);
    socket.connect(http_.address().tcp());
    asio::write(socket, asio::buffer("GET " + target + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"));
    std::string text;
    boost::system::error_code end;
    asio::read(socket, asio::dynamic_buffer(text), end);
    const std::size_t body = text.find("\r\n\r\n");
    if (body == std::string::npos) return {0, text};
    return {std::stoi(text.substr(9, 3)), text.substr(body + 4)};
  }

  // What the socket answers to raw text.
  std::string raw(const std::string& text) {
    asio::io_context context;
    asio::local::stream_protocol::socket client(context);
    client.connect(socket());
    boost::system::error_code ignored;
    asio::write(client, asio::buffer(text), ignored);
    std::string answer;
    asio::read(client, asio::dynamic_buffer(answer), ignored);
    return answer;
  }

  std::string folder_;
  const SystemClock clock_;
  std::unique_ptr<backend::Mirror> mirror_;
  backend::ZoneTables tables_;
  asio::io_context context_{1};
  std::optional<sync::Sync> sync_;
  std::optional<audit::Comparer> comparer_;
  std::optional<server::Server> server_;
  std::optional<Rooms> rooms_;
  std::optional<ControlServer> control_;
  HttpServer http_;
  std::optional<HttpRoutes> routes_;
  std::thread thread_;
};

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
        "understudy_lmdb_map_used_ratio ",
        "understudy_compare_total{zone=\"z.test.\",result=\"unknown\"} "}) {
    EXPECT_THAT(metrics, HasSubstr(line));
  }
  EXPECT_THAT(metrics, Not(HasSubstr("compare_oldest_mismatch"))) << "there is none";
}

TEST_F(Doors, ThePageAsksNoOtherHost) {
  for (const std::string path : {"/", "/page.js", "/page.css"}) {
    const auto [status, text] = get(path);
    EXPECT_EQ(status, 200) << path;
    EXPECT_THAT(text, Not(HasSubstr("//"))) << path << ": an address of another host";
  }
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
      "since":"2000-02-29T12:34:56Z","evidence":null})"));
}

}  // namespace
}  // namespace understudy::control
