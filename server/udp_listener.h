// One UDP socket of a worker: batches of queries in, batches of responses out.
//
// Owned by its worker, used on its thread. Everything is allocated when it is made; after that nothing here
// allocates, locks, logs or throws. Bounded by limits::batch messages a round and `rounds` rounds before the
// event loop (and with it TCP) has its turn.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <boost/asio/ip/udp.hpp>

#include "base/result.h"
#include "net/address.h"
#include "server/worker_shared.h"

namespace understudy::server {

class UdpListener {
 public:
  // A bound socket. The first worker's is bound alone (`first`), so that an address that another server has
  // is an error and the kernel's choice for port 0 is free; it is opened to the other workers' sockets
  // afterwards.
  static Result<boost::asio::ip::udp::socket> bind(boost::asio::io_context& io, const net::Endpoint& endpoint,
                                                   bool first);

  UdpListener(boost::asio::ip::udp::socket socket, WorkerShared& shared);

  net::Endpoint endpoint() const { return endpoint_; }
  void start() { wait(); }
  void close();

 private:
  // Room for the one wait that is under way, so that going back to the event loop allocates nothing.
  class WaitMemory {
   public:
    void* take(std::size_t size);
    void give_back(void* block);

   private:
    alignas(std::max_align_t) std::array<std::byte, 256> octets_;
    bool taken_ = false;
  };
  template <class T>
  struct WaitAllocator;
  struct WaitHandler;

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

  void wait();
  void on_readable();
  int receive();
  unsigned answer(unsigned queries);
  void send(unsigned responses);
  Client client(unsigned i) const;
  void answer_from_asked_address(msghdr& response, const msghdr& query);

  boost::asio::ip::udp::socket socket_;
  WorkerShared& shared_;
  net::Endpoint endpoint_;
  bool wildcard_;  // bound to 0.0.0.0 or ::, so each response must say which address it leaves from
  WaitMemory wait_memory_;
  std::unique_ptr<Batch> batch_;
};

}  // namespace understudy::server
