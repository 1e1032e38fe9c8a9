// One UDP socket of a worker: batches of queries in, batches of responses out.
//
// Owned by its worker, used on its thread. Everything is allocated when it is made; after that nothing here
// allocates, locks, logs or throws. Bounded by limits::batch messages a round and `rounds` rounds before the
// event loop (and with it TCP) has its turn.
#pragma once

#include <array>

#include "server/event_loop.h"
#include "server/socket.h"
#include "server/worker_shared.h"

namespace understudy::server {

class UdpListener final : public EventHandler {
 public:
  UdpListener(Socket socket, WorkerShared& shared);

  // False where the event loop has no room.
  bool start() { return shared_.loop.watch(socket_.fd(), EPOLLIN, *this); }
  void close() { socket_.close(); }
  // Answers what has come before.
  void drain_and_close();
  net::Endpoint local_endpoint() const { return server::local_endpoint(socket_); }

 private:
  // A query that is longer is cut, and so answered with FORMERR. Odd numbers of cache lines: buffers that lie
  // a power of two apart would all share a few sets of the first cache.
  static constexpr std::size_t query_room = 33 * 64;
  static constexpr std::size_t response_room = 21 * 64;
  static_assert(response_room >= limits::udp_octets);
  static constexpr unsigned rounds = 16;

  using Control = std::array<std::uint8_t, CMSG_SPACE(sizeof(in6_pktinfo))>;
  struct Batch {
    alignas(64) std::array<mmsghdr, limits::batch> in;
    std::array<mmsghdr, limits::batch> out;
    std::array<iovec, limits::batch> in_vectors, out_vectors;
    std::array<sockaddr_in6, limits::batch> peers;  // an IPv4 address fits as well
    alignas(cmsghdr) std::array<Control, limits::batch> controls;
    alignas(64) std::array<std::array<std::uint8_t, query_room>, limits::batch> queries;
    alignas(64) std::array<std::array<std::uint8_t, response_room>, limits::batch> responses;
  };

  void on_ready(std::uint32_t events) override;
  void take_no_more();
  bool has_more() const;
  int receive();
  unsigned answer(unsigned queries);
  void send(unsigned responses);
  Client client(unsigned i) const;
  void answer_from_asked_address(msghdr& response, const msghdr& query);

  Socket socket_;
  WorkerShared& shared_;
  bool wildcard_;  // bound to 0.0.0.0 or ::, so each response must say which address it leaves from
  std::unique_ptr<Batch> batch_;
};

}  // namespace understudy::server
