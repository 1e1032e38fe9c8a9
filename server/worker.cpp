#include "server/worker.h"

#include <boost/asio/post.hpp>

namespace understudy::server {

namespace asio = boost::asio;

namespace {

// With port 0 UDP's choice may be taken for TCP; that it is so this often in a row means something else.
constexpr unsigned port_attempts = 16;

}  // namespace

// Only the worker's thread touches its sockets, so their locks are left out; posting from other threads stays
// safe.
Worker::Worker(backend::ZoneTables& tables, std::unique_ptr<backend::Reader> reader, unsigned number,
               backend::NotifySink& notify, TransfersOut& transfers, ConnectionCounts& counts,
               const TcpOptions& tcp)
    : pipeline_(tables, std::move(reader), number, &counters_, &notify),
      io_(BOOST_ASIO_CONCURRENCY_HINT_UNSAFE_IO),
      shared_{io_, pipeline_, counters_, transfers},
      tcp_(shared_, counts, tcp) {}

Worker::~Worker() { stop(); }

Result<net::Endpoint> Worker::open(net::Endpoint endpoint, bool first) {
  for (unsigned attempt = 1;; ++attempt) {
    auto bound = try_open(endpoint, first);
    const bool again = !bound && endpoint.port == 0 && bound.error().reason == "address-in-use";
    if (!again || attempt == port_attempts) return bound;
  }
}

Result<net::Endpoint> Worker::try_open(const net::Endpoint& endpoint, bool first) {
  auto udp = UdpListener::bind(io_, endpoint, first);
  if (!udp) return udp.error();
  boost::system::error_code ec;
  const net::Endpoint bound{endpoint.address, udp->local_endpoint(ec).port()};
  if (ec)
    return Error{"listen-failed", "asking for the port of " + net::to_string(endpoint) + ": " + ec.message()};
  auto tcp = TcpListener::bind(io_, bound, first);
  if (!tcp) return tcp.error();
  udp_.emplace_back(std::move(*udp), shared_);
  tcp_.add(std::move(*tcp));
  return bound;
}

void Worker::start() {
  thread_ = std::thread([this] {
    for (UdpListener& listener : udp_) listener.start();
    tcp_.start();
    io_.run();
  });
}

void Worker::stop() {
  if (!thread_.joinable()) return;
  asio::post(io_, [this] {
    for (UdpListener& listener : udp_) listener.close();
    tcp_.close();
  });
  thread_.join();
}

}  // namespace understudy::server
