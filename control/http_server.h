// The HTTP server: read-only (GET and HEAD), on a thread of its own, bounded in every direction.
//
// Several may run beside each other, each with its own thread and bounds, so that the public one cannot
// starve the operator's. What is long is sent compressed (gzip) to those who say that they take it. Owned by
// main(); knows nothing of DNS: a handler answers. The handler runs on the HTTP thread and calls its reply
// once, on that thread, at once or later. Bounded: connections, size of a request, time for each step.
#pragma once

#include <boost/asio/io_context.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "net/address.h"

namespace understudy::control {

struct HttpRequest {
  std::string path;                                                  // "/api/v1/zones", decoded
  std::vector<std::pair<std::string, std::string>> parameters = {};  // of "?zone=Z&...", decoded

  // The first of that name.
  std::optional<std::string> parameter(std::string_view name) const;
};

struct HttpResponse {
  unsigned status = 200;
  std::string content_type = "text/plain; charset=utf-8";
  std::string body;
  std::string etag = {};  // of what is the same until the next release; empty: it is not to be stored
};

struct HttpLimits {
  std::size_t connections = 64;
  std::uint32_t header_octets = 8192;
  std::chrono::milliseconds read{10'000};   // for a whole request, waiting for the next one included
  std::chrono::milliseconds write{30'000};  // for a whole response
};

using HttpReply = std::function<void(HttpResponse)>;
using HttpHandler = std::function<void(const HttpRequest&, HttpReply)>;

class HttpServer {
 public:
  explicit HttpServer(HttpLimits limits = {});
  ~HttpServer();

  // The context of the HTTP thread, for handlers that wait for something.
  boost::asio::io_context& context();
  // Binds; the error names the address. The handler must outlive stop().
  Result<> listen(const net::Endpoint& address, HttpHandler handler);
  void start();
  // Ends every connection and joins. Twice is once.
  void stop();
  // As bound, port filled in.
  net::Endpoint address() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace understudy::control
