#include "control/page.h"

namespace understudy::control {

std::optional<HttpResponse> page_response(std::string_view path, std::string_view home) {
  if (path.ends_with(".html")) return std::nullopt;
  const std::string_view wanted = path == "/" ? home : path;
  for (const PageFile& file : page_files()) {
    if (file.path == wanted)
      return HttpResponse{200, std::string(file.type), std::string(file.text), std::string(file.etag)};
  }
  return std::nullopt;
}

}  // namespace understudy::control
