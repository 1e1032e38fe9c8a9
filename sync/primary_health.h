// What is remembered of every primary across zones, so that one that is dead costs each of its zones next to
// nothing. No clock, no sockets; belongs to the sync thread. One entry for each primary that is configured.
//
//   up --3 time-outs in a row, of any zones--> blocked for 1 s, 2 s, ... 16 s --> one zone may try, the
//   others wait any answer, or a NOTIFY from its address --> up
#pragma once

#include <map>
#include <optional>

#include "base/clock.h"
#include "net/address.h"

namespace understudy::sync {

class PrimaryHealth {
 public:
  // An error where this primary was silent lately and should not be asked now.
  std::optional<Error> blocked(const net::Endpoint& primary, SteadyTime now);
  void answered(const net::Endpoint& primary);
  // The attempt failed; only silence counts (an error that was told is an answer).
  void failed(const net::Endpoint& primary, const Error& error, SteadyTime now);
  // A NOTIFY came from there: it lives.
  void heard_from(const boost::asio::ip::address& address);

 private:
  struct Record {
    unsigned silences = 0;  // in a row
    SteadyTime blocked_until{};
  };
  std::map<net::Endpoint, Record> records_;
};

}  // namespace understudy::sync
