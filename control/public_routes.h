// What the public HTTP port answers: a page with the state of each zone, and what that page fetches. No
// address, no answer, no reason; nothing else is found there.
//
// Lives on the thread of an HTTP server of its own, so that strangers cannot starve the operator's; made and
// destroyed like HttpRoutes.
#pragma once

#include "control/http_server.h"
#include "control/recent_overview.h"

namespace understudy::control {

class PublicRoutes {
 public:
  PublicRoutes(const Rooms& rooms, boost::asio::io_context& http_context,
               std::chrono::milliseconds limit = std::chrono::milliseconds(1000))
      : recent_(rooms, Audience::strangers, http_context, limit) {}
  void handle(const HttpRequest& request, HttpReply reply);

 private:
  RecentOverview recent_;
};

}  // namespace understudy::control
