// Text as HTTP sends it compressed (RFC 1952). A pure function; any thread.
#pragma once

#include <string>
#include <string_view>

namespace understudy::control {

// At the level that costs least: a scrape is the same few words again and again.
std::string gzip(std::string_view text);

}  // namespace understudy::control
