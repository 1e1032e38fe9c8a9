// Running rooms with the operator's doors open: a zone from a file, the control socket, HTTP.
#pragma once

#include <gtest/gtest.h>

#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <filesystem>
#include <fstream>
#include <thread>

#include "control/control_client.h"
#include "control/control_server.h"
#include "control/http_routes.h"

namespace understudy::control {

namespace asio = boost::asio;
namespace json = boost::json;

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
    options.listen.clear = {{asio::ip::address_v4::loopback(), 0}};
    options.workers = 1;
    options.data_directory = folder_;
    server_.emplace(*mirror_, tables_, *sync_, options);
    rooms_.emplace(Rooms{context_, *sync_, *comparer_, *server_, *mirror_, tables_, clock_, read_zone_options,
                         {}, "/where/it/is"});
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
  std::pair<int, std::string> get(const std::string& target) { return get(target, http_); }
  static std::pair<int, std::string> get(const std::string& target, const HttpServer& door) {
    asio::io_context context;
    asio::ip::tcp::socket socket(context);
    socket.connect(door.address().tcp());
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

}  // namespace understudy::control
