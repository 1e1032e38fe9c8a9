// The other end of the control socket: how a verb asks the running server. Blocks; for the command line.
#pragma once

#include <boost/json.hpp>
#include <functional>
#include <string>

#include "base/result.h"

namespace understudy::control {

using ProgressFunction = std::function<void(const boost::json::object&)>;

// Sends the request and waits for its result; `progress` (may be empty) is called for each progress line
// before. Errors: "no-server" (nobody listens at that path), "control-socket", and what the server said.
Result<boost::json::object> ask_server(const std::string& socket, const boost::json::object& request,
                                       const ProgressFunction& progress = {});

}  // namespace understudy::control
