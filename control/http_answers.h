// Responses that the doors share, and parameters as they read them. Pure functions; any thread.
#pragma once

#include <boost/json.hpp>

#include "control/http_server.h"
#include "control/overview.h"

namespace understudy::control {

HttpResponse text_answer(unsigned status, std::string body);
HttpResponse json_answer(const boost::json::value& value, unsigned status = 200);
HttpResponse refusal(unsigned status, std::string_view message);  // {"error": message}
HttpResponse too_late();

// A whole number of at most `most`; `fallback` where it is not given. The error names the parameter.
Result<std::size_t> number_parameter(const HttpRequest& request, std::string_view name, std::size_t fallback,
                                     std::size_t most);
// name, state, offset and limit. Conditions are states only where `conditions` says so.
inline constexpr std::size_t largest_page = 500;
Result<ZoneFilter> filter_parameters(const HttpRequest& request, bool conditions);

}  // namespace understudy::control
