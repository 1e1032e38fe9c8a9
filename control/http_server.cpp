#include "control/http_server.h"

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/v6_only.hpp>
#include <boost/asio/post.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <thread>
#include <unordered_set>

#include "base/log.h"
#include "control/gzip.h"

namespace understudy::control {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using tcp = asio::ip::tcp;

// What is shorter is not worth it.
constexpr std::size_t compressed_from = 1024;

// What the connections of one server share; they may outlive its stop() in the queue of its context.
struct Shared {
  HttpLimits limits;
  HttpHandler handler;
  std::unordered_set<class Connection*> connections;
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
  HttpRequest request{std::move(*path)};
  std::string_view rest = target.substr(std::min(mark + 1, target.size()));
  while (!rest.empty()) {
    const std::string_view pair = rest.substr(0, rest.find('&'));
    const std::size_t equals = std::min(pair.find('='), pair.size());
    auto name = decode(pair.substr(0, equals)),
         value = decode(pair.substr(std::min(equals + 1, pair.size())));
    if (!name || !value) return std::nullopt;
    request.parameters.emplace_back(std::move(*name), std::move(*value));
    rest.remove_prefix(std::min(pair.size() + 1, rest.size()));
  }
  return request;
}

// RFC 9110 12.5.3, as far as it matters: "gzip" is in the list, and not refused by a weight of 0.
bool takes_gzip(std::string_view accepted) {
  while (!accepted.empty()) {
    std::string_view coding = accepted.substr(0, accepted.find(','));
    accepted.remove_prefix(std::min(coding.size() + 1, accepted.size()));
    while (coding.starts_with(' ')) coding.remove_prefix(1);
    if (!coding.starts_with("gzip")) continue;
    const std::string_view weight = coding.substr(4);
    return weight.find("q=0") == std::string_view::npos || weight.find("q=0.") != std::string_view::npos;
  }
  return false;
}

class Connection : public std::enable_shared_from_this<Connection> {
 public:
  Connection(tcp::socket socket, std::shared_ptr<Shared> shared)
      : stream_(std::move(socket)), shared_(std::move(shared)) {
    shared_->connections.insert(this);
  }
  ~Connection() { shared_->connections.erase(this); }

  // At the end, when nobody runs the context any more.
  void abort() { stream_.close(); }

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
    const bool varies = response.body.size() >= compressed_from;
    const bool packed = varies && parser_ && takes_gzip(parser_->get()[http::field::accept_encoding]);
    // RFC 9110 8.8.3.3: what is encoded otherwise has a validator of its own.
    if (packed && !response.etag.empty()) response.etag += "-gzip";
    // RFC 9110 15.4.5: a 304 too says what the choice hung on.
    if (varies) response_.set(http::field::vary, "Accept-Encoding");
    set_headers(response);
    if (response_.result() == http::status::not_modified) {
      response.body.clear();
    } else if (packed) {
      response.body = gzip(response.body);
      response_.set(http::field::content_encoding, "gzip");
    }
    // RFC 9110 8.6: it would speak of the body that is not sent.
    if (response_.result() != http::status::not_modified) response_.content_length(response.body.size());
    if (!head_only_) response_.body() = std::move(response.body);
    stream_.expires_after(shared_->limits.write);
    http::async_write(stream_, response_,
                      [self = shared_from_this(), keep](beast::error_code fault, std::size_t) {
                        if (fault || !keep) return self->close();
                        self->read();
                      });
  }

  // What every response has: no script, style or picture but our own, no frame around us, no word to others
  // about where somebody came from; and whether it may be kept.
  void set_headers(const HttpResponse& response) {
    response_.set("X-Content-Type-Options", "nosniff");
    response_.set("Referrer-Policy", "no-referrer");
    response_.set("Cross-Origin-Resource-Policy", "same-origin");
    response_.set("Content-Security-Policy",
                  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
                  "connect-src 'self'; base-uri 'none'; frame-ancestors 'none'; form-action 'none'");
    if (response.status == 405) response_.set(http::field::allow, "GET, HEAD");
    response_.set(http::field::cache_control, response.etag.empty() ? "no-store" : "no-cache");
    if (response.etag.empty()) return;
    const std::string etag = '"' + response.etag + '"';
    response_.set(http::field::etag, etag);
    // RFC 9110 13.1.2: what the client has is what it would get.
    if (parser_ && parser_->get()[http::field::if_none_match].find(etag) != beast::string_view::npos)
      response_.result(http::status::not_modified);
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
  explicit Impl(HttpLimits limits) : shared(std::make_shared<Shared>(Shared{limits, {}, {}})) {}

  void accept() {
    acceptor.async_accept([this](boost::system::error_code fault, tcp::socket socket) {
      if (fault == asio::error::operation_aborted) return;
      if (!fault && shared->connections.size() < shared->limits.connections) {
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

std::optional<std::string> HttpRequest::parameter(std::string_view name) const {
  for (const auto& [key, value] : parameters) {
    if (key == name) return value;
  }
  return std::nullopt;
}

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
  boost::system::error_code ignored;
  impl_->acceptor.close(ignored);
  for (Connection* const connection : impl_->shared->connections) connection->abort();
}

}  // namespace understudy::control
