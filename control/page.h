// The status page: static files that fetch the API. No other host is asked for anything.
#pragma once

#include <string_view>

namespace understudy::control {

std::string_view page_html();
std::string_view page_script();
std::string_view page_style();

}  // namespace understudy::control
