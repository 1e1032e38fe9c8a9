// What the HTTP port answers: metrics, health, readiness, the API and the page.
//
// Lives on the HTTP thread. Values of the sync thread are asked for with a time limit, so that a stuck one
// makes a 503.
#pragma once

#include <functional>
#include <memory>

#include "control/http_server.h"
#include "control/rooms.h"

namespace understudy::control {

struct RouteOptions {
  double ready_min_served_ratio = 0;
  std::chrono::milliseconds limit{1000};  // for an answer of the sync thread, and of our own socket
};

class HttpRoutes {
 public:
  HttpRoutes(const Rooms& rooms, boost::asio::io_context& http_context, RouteOptions options);
  void handle(const HttpRequest& request, HttpReply reply);

 private:
  void metrics(HttpReply reply);
  void ready(HttpReply reply);
  void zone_ready(const dns::Name& apex, HttpReply reply);
  void zones(HttpReply reply);
  void zone(std::string_view path, HttpReply reply);
  // Asks the sync thread for the response.
  void on_sync(HttpReply reply, std::function<HttpResponse()> question);

  const Rooms rooms_;
  boost::asio::io_context& context_;
  const RouteOptions options_;
  backend::ZoneTables::Pin pin_;
};

}  // namespace understudy::control
