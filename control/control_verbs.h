// The verbs that the control socket knows, apart from the socket. Sync thread.
#pragma once

#include <boost/json.hpp>
#include <functional>

#include "control/rooms.h"

namespace understudy::control {

struct ControlReply {
  std::function<void(boost::json::object)> progress;      // any number of times
  std::function<void(Result<boost::json::object>)> done;  // once
};

// Whether the verb changes something, so that who asked belongs in the log.
bool is_changing_verb(std::string_view verb);
// Runs a request; errors: "bad-request", "unknown-zone", and those of the rooms.
void run_verb(const Rooms& rooms, const boost::json::value& request, ControlReply reply);

}  // namespace understudy::control
