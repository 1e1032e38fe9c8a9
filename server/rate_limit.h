// Response rate limiting: how many responses of one kind a network may be sent over UDP in a second. A query
// whose source is forged makes us hit the owner of that address; past the limit it gets nothing, or every now
// and then a truncated response, by which an honest client learns to come back over TCP.
//
// One table a worker, of fixed size, made at start; no lock, no heap, no log. Where it is full the bucket
// that was used least recently in its row goes, so a flood from very many networks is let through rather than
// that honest ones are hurt.
#pragma once

#include <boost/asio/ip/address.hpp>
#include <vector>

#include "base/clock.h"
#include "base/siphash.h"
#include "metrics/cells.h"
#include "net/address.h"
#include "server/answer.h"

namespace understudy::server {

struct RateLimitOptions {
  double responses_per_second = 0;  // of one kind to one network, by this worker; 0: no limit
  unsigned slip = 2;                // every so many-th response over the limit is sent truncated; 0: none
  unsigned ipv4_prefix = 24, ipv6_prefix = 56;
  std::vector<net::Prefix> exempt;
  bool log_only = false;           // counts, and sends all the same
  std::size_t table_size = 65536;  // buckets, 16 octets each
  SipKey hash_key{};               // secret, so that nobody can aim at another network's bucket
};

class RateLimiter {
 public:
  explicit RateLimiter(const RateLimitOptions& options);

  bool enabled() const { return !rows_.empty(); }

  // False where nothing is to be sent to a client whose address nothing proves; past the limit `answer` may
  // become a truncated one, or BADCOOKIE for who `knows_cookies` (RFC 7873 5.2.3). `counters` may be null.
  bool admit(const boost::asio::ip::address& client, bool knows_cookies, SteadyTime now, Answer& answer,
             metrics::WorkerCounters* counters);

 private:
  enum class Kind : std::uint8_t { answer, referral, nodata, nxdomain, error };
  enum class Verdict : std::uint8_t { send, drop, slip };
  static Kind kind_of(const Answer& answer);
  // `subject`: what tells apart responses of a kind: the RRset that answers, the zone that denies.
  Verdict judge(const boost::asio::ip::address& client, Kind kind, std::uint64_t subject, SteadyTime now);
  struct Bucket {
    std::uint32_t tag = 0;
    std::uint32_t last_milliseconds = 0;
    float balance = 0;  // responses that may still be sent now
    std::uint32_t limited = 0;
  };
  static constexpr std::size_t row_buckets = 4;
  struct alignas(64) Row {
    Bucket buckets[row_buckets];
  };
  std::uint64_t hash(const boost::asio::ip::address& client, Kind kind, std::uint64_t subject) const;
  Bucket& bucket_of(std::uint64_t hash, std::uint32_t now);

  const RateLimitOptions options_;
  const float rate_per_millisecond_, burst_;
  std::vector<Row> rows_;  // a power of two
};

}  // namespace understudy::server
