#include "control/control_server.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <boost/asio/buffer.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <deque>

#include "base/log.h"
#include "control/control_verbs.h"

namespace understudy::control {
namespace {

namespace asio = boost::asio;
namespace json = boost::json;
using Protocol = asio::local::stream_protocol;

constexpr std::size_t max_connections = 32;
constexpr std::size_t max_request_octets = 65536;
constexpr std::chrono::seconds request_time{10};
constexpr std::chrono::seconds write_time{60};

// What sessions share with the server; a session may outlive its stop().
struct Shared {
  Rooms rooms;
  std::size_t connections = 0;
};

class Session : public std::enable_shared_from_this<Session> {
 public:
  Session(Protocol::socket socket, std::shared_ptr<Shared> shared)
      : socket_(std::move(socket)), timer_(socket_.get_executor()), shared_(std::move(shared)) {
    ++shared_->connections;
  }
  ~Session() { --shared_->connections; }

  void start() {
    limit(request_time);
    asio::async_read_until(socket_, asio::dynamic_buffer(input_, max_request_octets), '\n',
                           [self = shared_from_this()](boost::system::error_code fault, std::size_t size) {
                             self->timer_.cancel();
                             if (!fault) self->received(size);
                           });
  }

 private:
  // Closes the connection unless cancelled before.
  void limit(std::chrono::seconds time) {
    timer_.expires_after(time);
    timer_.async_wait([weak = weak_from_this()](boost::system::error_code cancelled) {
      const auto self = weak.lock();
      boost::system::error_code ignored;
      if (!cancelled && self) self->socket_.close(ignored);
    });
  }

  void received(std::size_t size) {
    boost::system::error_code fault;
    const json::value request = json::parse({input_.data(), size - 1}, fault);
    if (fault) return finish(Error{"bad-request", "the request is no JSON: " + fault.message()});
    log_changing(request);
    run_verb(shared_->rooms, request,
             {[self = shared_from_this()](json::object progress) { self->progress(std::move(progress)); },
              [self = shared_from_this()](Result<json::object> outcome) { self->finish(outcome); }});
  }

  void log_changing(const json::value& request) {
    const json::object* const object = request.if_object();
    if (object == nullptr || !object->contains("verb") || !object->at("verb").is_string()) return;
    const std::string verb(object->at("verb").get_string());
    if (!is_changing_verb(verb)) return;
    ucred peer{};
    socklen_t size = sizeof peer;
    const bool known = ::getsockopt(socket_.native_handle(), SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0;
    const json::value* const zone = object->if_contains("zone");
    log::info(
        "operator-asked",
        {{"verb", verb},
         {"zone", zone != nullptr && zone->is_string() ? std::string(zone->get_string()) : std::string("-")},
         {"uid", known ? std::to_string(peer.uid) : std::string("unknown")}});
  }

  void progress(json::object report) {
    // A client that reads slowly sees fewer steps, and costs no memory.
    if (!output_.empty()) return;
    send(json::object{{"progress", std::move(report)}});
  }

  void finish(const Result<json::object>& outcome) {
    last_ = true;
    if (outcome) return send(json::object{{"result", *outcome}});
    send(json::object{{"error", {{"reason", outcome.error().reason}, {"message", outcome.error().message}}}});
  }

  void send(const json::object& line) {
    output_.push_back(json::serialize(line) + "\n");
    if (output_.size() == 1) write();
  }

  void write() {
    limit(write_time);
    asio::async_write(socket_, asio::buffer(output_.front()),
                      [self = shared_from_this()](boost::system::error_code fault, std::size_t) {
                        self->timer_.cancel();
                        self->output_.pop_front();
                        if (fault) self->output_.clear();
                        if (!self->output_.empty()) return self->write();
                        boost::system::error_code ignored;
                        if (self->last_ || fault) self->socket_.close(ignored);
                      });
  }

  Protocol::socket socket_;
  asio::steady_timer timer_;
  std::shared_ptr<Shared> shared_;
  std::string input_;
  std::deque<std::string> output_;  // at most the line that is being sent, and the last one
  bool last_ = false;
};

}  // namespace

struct ControlServer::Impl {
  explicit Impl(const Rooms& rooms)
      : shared(std::make_shared<Shared>(Shared{rooms, 0})),
        acceptor(rooms.sync_context),
        pause(rooms.sync_context) {}

  void accept() {
    acceptor.async_accept([this](boost::system::error_code fault, Protocol::socket socket) {
      if (fault == asio::error::operation_aborted) return;
      if (!fault && shared->connections < max_connections) {
        std::make_shared<Session>(std::move(socket), shared)->start();
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
  Protocol::acceptor acceptor;
  asio::steady_timer pause;
  std::string path;
};

ControlServer::ControlServer(const Rooms& rooms) : impl_(std::make_unique<Impl>(rooms)) {}
ControlServer::~ControlServer() { stop(); }

Result<> ControlServer::start(const std::string& path) {
  const auto failed = [&](const std::string& why) {
    return Error{"control-socket", "cannot make the control socket " + path + ": " + why};
  };
  if (path.size() >= sizeof(sockaddr_un::sun_path))
    return failed("the path is too long; 107 octets are the limit");
  struct stat existing {};
  boost::system::error_code fault;
  if (::lstat(path.c_str(), &existing) == 0) {
    if (!S_ISSOCK(existing.st_mode)) return failed("something that is no socket stands there");
    Protocol::socket probe(impl_->shared->rooms.sync_context);
    probe.connect(path, fault);
    if (!fault) return failed("another server is using it");
    ::unlink(path.c_str());
  }
  impl_->acceptor.open({}, fault);
  // Linux makes the socket's file with the mode of its descriptor, so that nobody can connect in between.
  if (!fault && ::fchmod(impl_->acceptor.native_handle(), S_IRUSR | S_IWUSR) != 0)
    fault.assign(errno, boost::system::system_category());
  if (!fault) impl_->acceptor.bind(path, fault);
  if (fault) return failed(fault.message());
  impl_->path = path;
  impl_->acceptor.listen(asio::socket_base::max_listen_connections, fault);
  if (fault) return failed(fault.message());
  impl_->accept();
  return {};
}

void ControlServer::stop() {
  if (impl_->path.empty()) return;
  boost::system::error_code ignored;
  impl_->acceptor.close(ignored);
  impl_->pause.cancel();
  ::unlink(impl_->path.c_str());
  impl_->path.clear();
}

}  // namespace understudy::control
