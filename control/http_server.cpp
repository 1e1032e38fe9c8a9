#include "control/http_server.h"

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/v6_only.hpp>
#include <boost/asio/post.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <thread>

#include "base/log.h"

namespace understudy::control {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using tcp = asio::ip::tcp;

// What the connections of one server share; they may outlive its stop() in the queue of its context.
struct Shared {
  HttpLimits limits;
  HttpHandler handler;
  std::size_t connections = 0;
};

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// Percent-decoding; nothing where it is malformed.
std::optional<std::string> decode(std::string_view text) {
  std::string decoded;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      decoded += text[i];
      continue;
    }
    if (i + 2 >= text.size()) return std::nullopt;
    const int high = hex_digit(text[i + 1]), low = hex_digit(text[i + 2]);
    if (high < 0 || low < 0) return std::nullopt;
    decoded += static_cast<char>(high * 16 + low);
    i += 2;
  }
  return decoded;
}

std::optional<HttpRequest> parse_target(std::string_view target) {
  const std::size_t mark = std::min(target.find('?'), target.size());
  auto path = decode(target.substr(0, mark));
  if (!path || !path->starts_with('/')) return std::nullopt;
  HttpRequest request{std::move(*path), std::nullopt};
  std::string_view rest = target.substr(std::min(mark + 1, target.size()));
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find('&'), rest.size());
    if (rest.substr(0, end).starts_with("zone=")) {
      request.zone = decode(rest.substr(5, end - 5));
      if (!request.zone) return std::nullopt;
    }
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return request;
}

class Connection : public std::enable_shared_from_this<Connection> {
 public:
  Connection(tcp::socket socket, std::shared_ptr<Shared> shared)
      : stream_(std::move(socket)), shared_(std::move(shared)) {
    ++shared_->connections;
  }
  ~Connection() { --shared_->connections; }

  void read() {
    parser_.emplace();
    head_only_ = false;
    parser_->header_limit(shared_->limits.header_octets);
    stream_.expires_after(shared_->limits.read);
    http::async_read(
        stream_, buffer_, *parser_,
        [self = shared_from_this()](beast::error_code fault, std::size_t) { self->received(fault); });
  }

 private:
  void received(beast::error_code fault) {
    if (fault == http::error::header_limit)
      return respond({431, {}, "the request's header is too large\n"}, false);
    // A body on a GET has no meaning here (RFC 9110 9.3.1), and what follows it cannot be trusted to be a
    // request.
    if (fault == http::error::unexpected_body)
      return respond({400, {}, "a request has no body here\n"}, false);
    if (fault && fault.category() == http::make_error_code(http::error::bad_method).category() &&
        fault != http::error::end_of_stream && fault != http::error::partial_message) {
      return respond({400, {}, "this is no HTTP request\n"}, false);
    }
    if (fault) return close();
    const auto& message = parser_->get();
    head_only_ = message.method() == http::verb::head;
    const bool keep = message.keep_alive();
    if (!head_only_ && message.method() != http::verb::get) {
      return respond({405, {}, "this server is only read: GET and HEAD\n"}, keep);
    }
    const auto request = parse_target({message.target().data(), message.target().size()});
    if (!request) return respond({400, {}, "this is no path\n"}, keep);
    stream_.expires_never();  // handlers have limits of their own
    shared_->handler(*request, [self = shared_from_this(), keep](HttpResponse response) {
      self->respond(std::move(response), keep);
    });
  }

  void respond(HttpResponse response, bool keep) {
    response_ = {};
    response_.result(response.status);
    if (parser_ && parser_->is_header_done()) response_.version(parser_->get().version());
    response_.keep_alive(keep);
    response_.set(http::field::content_type,
                  response.content_type.empty() ? "text/plain; charset=utf-8" : response.content_type);
    response_.set(http::field::cache_control, "no-store");
    response_.set("X-Content-Type-Options", "nosniff");
    response_.set(
        "Content-Security-Policy",
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; base-uri 'none'; "
        "frame-ancestors 'none'; form-action 'none'");
    if (response.status == 405) response_.set(http::field::allow, "GET, HEAD");
    response_.content_length(response.body.size());
    if (!head_only_) response_.body() = std::move(response.body);
    stream_.expires_after(shared_->limits.write);
    http::async_write(stream_, response_,
                      [self = shared_from_this(), keep](beast::error_code fault, std::size_t) {
                        if (fault || !keep) return self->close();
                        self->read();
                      });
  }

  void close() {
    beast::error_code ignored;
    stream_.socket().shutdown(tcp::socket::shutdown_send, ignored);
    stream_.close();
  }

  beast::tcp_stream stream_;
  std::shared_ptr<Shared> shared_;
  beast::flat_buffer buffer_{65536};
  std::optional<http::request_parser<http::empty_body>> parser_;
  http::response<http::string_body> response_;
  bool head_only_ = false;
};

}  // namespace

struct HttpServer::Impl {
  explicit Impl(HttpLimits limits) : shared(std::make_shared<Shared>(Shared{limits, {}, 0})) {}

  void accept() {
    acceptor.async_accept([this](boost::system::error_code fault, tcp::socket socket) {
      if (fault == asio::error::operation_aborted) return;
      if (!fault && shared->connections < shared->limits.connections) {
        std::make_shared<Connection>(std::move(socket), shared)->read();
      }
      if (!fault) return accept();
      // Out of descriptors, most likely: a pause instead of a busy loop.
      pause.expires_after(std::chrono::milliseconds(100));
      pause.async_wait([this](boost::system::error_code stopped) {
        if (!stopped) accept();
      });
    });
  }

  std::shared_ptr<Shared> shared;
  asio::io_context context{1};
  tcp::acceptor acceptor{context};
  asio::steady_timer pause{context};
  net::Endpoint bound;
  std::thread thread;
};

HttpServer::HttpServer(HttpLimits limits) : impl_(std::make_unique<Impl>(limits)) {}
HttpServer::~HttpServer() { stop(); }

asio::io_context& HttpServer::context() { return impl_->context; }
net::Endpoint HttpServer::address() const { return impl_->bound; }

Result<> HttpServer::listen(const net::Endpoint& address, HttpHandler handler) {
  boost::system::error_code fault;
  const tcp::endpoint endpoint = address.tcp();
  impl_->acceptor.open(endpoint.protocol(), fault);
  if (!fault) impl_->acceptor.set_option(tcp::acceptor::reuse_address(true), fault);
  if (!fault && address.address.is_v6()) impl_->acceptor.set_option(asio::ip::v6_only(true), fault);
  if (!fault) impl_->acceptor.bind(endpoint, fault);
  if (!fault) impl_->acceptor.listen(asio::socket_base::max_listen_connections, fault);
  if (fault) {
    return Error{"listen", "cannot listen for HTTP on " + net::to_string(address) + ": " + fault.message()};
  }
  const tcp::endpoint local = impl_->acceptor.local_endpoint(fault);
  impl_->bound = {local.address(), local.port()};
  impl_->shared->handler = std::move(handler);
  return {};
}

void HttpServer::start() {
  impl_->accept();
  impl_->thread = std::thread([this] { impl_->context.run(); });
}

void HttpServer::stop() {
  impl_->context.stop();
  if (impl_->thread.joinable()) impl_->thread.join();
}

}  // namespace understudy::control
