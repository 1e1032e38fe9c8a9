// Connections to primaries that a transfer is over on, kept for a moment: the next transfer from there goes
// over one of them, so that ten thousand zones of one primary take no ten thousand handshakes (RFC
// 7766 6.2.1, RFC 5936 4.1; RFC 9103 7.3 for TLS).
//
// Owned by Sync; sync thread. Whoever asks has the connection for itself until it gives it back. On one that
// lies here nobody has anything to say: where something came, or the primary hung up, it is closed and never
// used. A primary that wants a connection for each question is learnt (PrimaryHealth). Bounded: `most` in
// all, each for `usual` unless told otherwise.
#pragma once

#include <boost/asio/steady_timer.hpp>
#include <vector>

#include "net/client_stream.h"
#include "sync/primary_health.h"

namespace understudy::sync {

class Connections {
 public:
  // Under what servers give idle clients (PowerDNS 5 s, Knot 10 s, BIND 30 s), so that their end and our next
  // question rarely meet.
  static constexpr std::chrono::milliseconds usual{1500};
  static constexpr std::size_t most = 64;

  // What two transfers must have in common to go over one connection. A signature (TSIG) is each message's
  // own.
  struct Route {
    net::Endpoint primary;
    std::optional<boost::asio::ip::address> source;
    std::shared_ptr<const net::TlsClient> tls;  // with what we prove who we are; none: in the clear
    net::TlsIdentity identity;                  // whom the primary has proved to be
    friend bool operator==(const Route&, const Route&) = default;
  };

  Connections(boost::asio::any_io_executor executor, const Clock& clock, PrimaryHealth& health,
              std::chrono::milliseconds kept = usual)
      : clock_(clock), health_(health), kept_(kept), timer_(executor) {}

  struct Kept {
    std::unique_ptr<net::ClientStream> stream;
    SteadyTime since;
  };
  // One that may be asked at once; nothing where there is none.
  std::optional<Kept> take(const Route& route);
  // Another question may follow on it: nothing is under way, and all that was asked for was read.
  void keep(Route route, std::unique_ptr<net::ClientStream> stream);
  // What was asked on one of take()'s was answered; or was not, though it may be on a connection of its own.
  void served(const Route& route) { health_.reused(route.primary); }
  void failed(const Route& route, SteadyTime since) {
    health_.hung_up(route.primary, since, clock_.steady());
  }

 private:
  using Timer = boost::asio::steady_timer;
  struct Idle {
    Route route;
    Kept kept;
    Timer::time_point until;
  };
  void sweep_later();

  const Clock& clock_;
  PrimaryHealth& health_;
  const std::chrono::milliseconds kept_;
  Timer timer_;
  bool sweeping_ = false;
  std::vector<Idle> idle_;  // the one that is kept longest first
};

}  // namespace understudy::sync
