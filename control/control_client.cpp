#include "control/control_client.h"

#include <sys/un.h>

#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/write.hpp>

namespace understudy::control {
namespace {

namespace asio = boost::asio;
namespace json = boost::json;

// Ten thousand zones in full are some megabytes; more than this is no answer of ours.
constexpr std::size_t max_line_octets = 256u << 20;

// Reasons are literals that live for ever; this one stands for those that another process told, whose own is
// in `message`.
Error told(const json::object& error) {
  const json::value* const message = error.if_contains("message");
  return {"refused-by-server", message != nullptr && message->is_string()
                                   ? std::string(message->get_string())
                                   : std::string("the server gave no reason")};
}

}  // namespace

Result<json::object> ask_server(const std::string& path, const json::object& request,
                                const ProgressFunction& progress) {
  asio::io_context context;
  asio::local::stream_protocol::socket socket(context);
  boost::system::error_code fault;
  if (path.size() >= sizeof(sockaddr_un::sun_path))
    return Error{"control-socket", path + " is too long for a socket's path"};
  socket.connect(path, fault);
  if (fault == boost::system::errc::no_such_file_or_directory ||
      fault == boost::system::errc::connection_refused) {
    return Error{"no-server",
                 "no server is running at " + path + "; name another with --control, --config or --data"};
  }
  if (!fault) asio::write(socket, asio::buffer(json::serialize(request) + "\n"), fault);
  if (fault) return Error{"control-socket", "cannot speak to the server at " + path + ": " + fault.message()};

  std::string input;
  for (;;) {
    const std::size_t size =
        asio::read_until(socket, asio::dynamic_buffer(input, max_line_octets), '\n', fault);
    if (fault) return Error{"control-socket", "the server at " + path + " ended without an answer"};
    const json::value line = json::parse({input.data(), size - 1}, fault);
    if (fault || !line.is_object())
      return Error{"control-socket", "what listens at " + path + " is no understudy server"};
    input.erase(0, size);
    const json::object& object = line.get_object();
    if (const json::value* step = object.if_contains("progress"); step != nullptr && step->is_object()) {
      if (progress) progress(step->get_object());
    } else if (const json::value* result = object.if_contains("result");
               result != nullptr && result->is_object()) {
      return result->get_object();
    } else if (const json::value* error = object.if_contains("error");
               error != nullptr && error->is_object()) {
      return told(error->get_object());
    } else {
      return Error{"control-socket", "what listens at " + path + " is no understudy server"};
    }
  }
}

}  // namespace understudy::control
