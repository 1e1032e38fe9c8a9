// What is remembered of every primary across zones: when it was heard last, since when it is silent and why.
// So one that is dead costs each of its zones next to nothing, and `status` tells of it for all of them. No
// clock, no sockets; belongs to the sync thread. One entry for each primary that was ever asked.
//
//   up --3 time-outs in a row, of any zones--> blocked for 1 s, 2 s, ... 16 s --> one zone may try, the
//   others wait any answer --> up      a NOTIFY from its address: not blocked, though silent until it answers
#pragma once

#include <map>
#include <optional>

#include "net/address.h"
#include "sync/refresh_timer.h"

namespace understudy::sync {

// What came of EDNS in a question.
enum class EdnsSeen : std::uint8_t {
  not_asked,
  understood,
  ignored,     // the answer has none
  refused,     // FORMERR or NOTIMP, and an answer to the same question without it
  unanswered,  // only the same question without it was answered: as if it were lost on the way
};

class PrimaryHealth {
 public:
  struct Record {
    UnixTime silent_since = 0;       // 0: it answered the last time
    std::optional<Failure> failure;  // the last silence, kept after recovery
    UnixTime last_answer = 0;        // about whatever zone
    std::optional<double> round_trip_seconds;

   private:
    friend class PrimaryHealth;
    unsigned silences = 0;         // in a row
    unsigned edns_unanswered = 0;  // in a row
    unsigned hung_up = 0;          // in a row
    SteadyTime blocked_until{}, no_ixfr_until{}, no_edns_until{}, no_reuse_until{};
    std::optional<SteadyTime> hung_up_at = {};
  };

  // An error where this primary was silent lately and should not be asked now: why it was silent.
  std::optional<Error> blocked(const net::Endpoint& primary, SteadyTime now);
  // `round_trip`: of a short question and its answer, where it was one.
  void answered(const net::Endpoint& primary, Now now, std::optional<double> round_trip = std::nullopt);
  // The attempt failed; only silence counts (an error that was told is an answer).
  void failed(const net::Endpoint& primary, const Error& error, Now now);
  // It said that it knows no IXFR (FORMERR, NOTIMP): for an hour no zone need ask it for differences.
  void lacks_ixfr(const net::Endpoint& primary, SteadyTime now);
  bool may_know_ixfr(const net::Endpoint& primary, SteadyTime now) const;
  // What it made of EDNS. Where it understands none it is asked without for an hour, by all zones.
  void edns_seen(const net::Endpoint& primary, EdnsSeen seen, SteadyTime now);
  bool may_use_edns(const net::Endpoint& primary, SteadyTime now) const;
  // A question on a connection that had served another was answered; or it was not, or the connection, which
  // lay idle since then, was closed before. Where that goes on, each question has a connection of its own for
  // an hour. A primary that starts anew hangs up on many at once: that counts once.
  void reused(const net::Endpoint& primary);
  void hung_up(const net::Endpoint& primary, SteadyTime idle_since, SteadyTime now);
  bool may_reuse(const net::Endpoint& primary, SteadyTime now) const;
  // In words, for PrimaryStatus.
  std::vector<std::string_view> learnt(const net::Endpoint& primary, SteadyTime now) const;
  // A NOTIFY came from there: it lives.
  void heard_from(const boost::asio::ip::address& address);

  // What a zone knows of a primary of its own, completed by what others met there: silence is the address's,
  // whichever zone met it; a refusal is the zone's.
  PrimaryStatus complete(PrimaryStatus status) const;

 private:
  std::map<net::Endpoint, Record> records_;
};

}  // namespace understudy::sync
