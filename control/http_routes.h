// What the operator's HTTP port answers: metrics, health, readiness, the API and the page.
//
// Lives on the HTTP thread. Values of the sync thread are asked for with a time limit, so that a stuck one
// makes a 503. Made before the sync thread runs, destroyed after it has ended.
#pragma once

#include <functional>
#include <memory>

#include "control/chronicle.h"
#include "control/http_server.h"
#include "control/recent_overview.h"
#include "control/samples.h"
#include "control/takeover.h"
#include "control/traffic.h"

namespace understudy::control {

struct RouteOptions {
  double ready_min_served_ratio = 0;
  std::chrono::milliseconds limit{1000};  // for an answer of the sync thread, and of our own socket
  // Which zones have series of their own; asked on the sync thread. None: ZoneChoice().
  std::function<ZoneChoice()> series = {};
};

class HttpRoutes {
 public:
  HttpRoutes(const Rooms& rooms, boost::asio::io_context& http_context, RouteOptions options);
  void handle(const HttpRequest& request, HttpReply reply);

 private:
  void metrics(HttpReply reply);
  void ready(HttpReply reply);
  void zone_ready(const dns::Name& apex, HttpReply reply);
  void summary(HttpReply reply);
  void zones(const HttpRequest& request, HttpReply reply);
  void zone(std::string_view path, const HttpRequest& request, HttpReply reply);
  void history(const dns::Name& apex, std::size_t limit, HttpReply reply);
  // Asks the sync thread for the response.
  void on_sync(HttpReply reply, std::function<HttpResponse()> question);
  // What this server is able to do; asks our own socket.
  void ask_ability(std::function<void(Ability)> done);

  const Rooms rooms_;
  boost::asio::io_context& context_;
  const RouteOptions options_;
  backend::ZoneTables::Pin pin_;
  RecentOverview recent_;
  Traffic traffic_;
  const std::shared_ptr<Chronicle> chronicle_;  // sync thread's
  std::unique_ptr<backend::Reader> reader_;     // made when history is first asked for
};

}  // namespace understudy::control
