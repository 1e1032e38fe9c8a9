// The status page: the files of control/page/, which are part of the executable. They fetch the API; no other
// host is asked for anything. A constant table; any thread.
#pragma once

#include <optional>
#include <span>
#include <string_view>

#include "control/http_server.h"

namespace understudy::control {

struct PageFile {
  std::string_view path, type, etag, text;
};
std::span<const PageFile> page_files();  // made by cmake/embed_page.cmake

// "/" is `home`, such as "/page/index.html"; the HTML files are found in no other way.
std::optional<HttpResponse> page_response(std::string_view path, std::string_view home);

}  // namespace understudy::control
