#include "server/rate_limit.h"

#include <algorithm>
#include <bit>

namespace understudy::server {

// A network may be sent a second's worth at once, and one response in any case.
RateLimiter::RateLimiter(const RateLimitOptions& options)
    : options_(options),
      rate_per_millisecond_(static_cast<float>(options.responses_per_second / 1000)),
      burst_(std::max(1.0f, static_cast<float>(options.responses_per_second))) {
  if (options.responses_per_second <= 0) return;
  rows_.resize(std::bit_ceil(std::max<std::size_t>(1, options.table_size / row_buckets)));
}

std::uint64_t RateLimiter::hash(const boost::asio::ip::address& client, Kind kind,
                                std::uint64_t subject) const {
  std::array<std::uint8_t, 16 + 1 + 8> input{};
  unsigned bits;
  if (client.is_v4()) {
    const auto address = client.to_v4().to_bytes();
    std::ranges::copy(address, input.begin());
    bits = options_.ipv4_prefix;
  } else {
    const auto address = client.to_v6().to_bytes();
    std::ranges::copy(address, input.begin());
    bits = options_.ipv6_prefix;
  }
  const std::size_t address_octets = client.is_v4() ? 4 : 16;
  for (std::size_t i = 0; i < address_octets; ++i) {
    const unsigned kept =
        std::min<unsigned>(8, bits - std::min<unsigned>(bits, static_cast<unsigned>(8 * i)));
    input[i] = static_cast<std::uint8_t>(input[i] & (0xff00u >> kept));
  }
  input[16] = static_cast<std::uint8_t>(static_cast<unsigned>(kind) | (client.is_v4() ? 0x80u : 0u));
  std::memcpy(input.data() + 17, &subject, sizeof subject);
  return siphash(options_.hash_key, input);
}

RateLimiter::Bucket& RateLimiter::bucket_of(std::uint64_t hash, std::uint32_t now) {
  Row& row = rows_[hash & (rows_.size() - 1)];
  const auto tag = static_cast<std::uint32_t>(hash >> 32) | 1u;  // 0: never used
  Bucket* oldest = row.buckets;
  for (Bucket& bucket : row.buckets) {
    if (bucket.tag == tag) return bucket;
    const bool free = bucket.tag == 0;
    if (free || (oldest->tag != 0 && now - bucket.last_milliseconds > now - oldest->last_milliseconds))
      oldest = &bucket;
  }
  *oldest = {tag, now, burst_, 0};
  return *oldest;
}

RateLimiter::Verdict RateLimiter::judge(const boost::asio::ip::address& client, Kind kind,
                                        std::uint64_t subject, SteadyTime now) {
  if (!options_.exempt.empty() && net::any_contains(options_.exempt, client)) return Verdict::send;
  // Wraps after 49 days; then a bucket that was not used for as long is thought younger than it is.
  const auto milliseconds = static_cast<std::uint32_t>(
      std::chrono::duration_cast<std::chrono::milliseconds>(now.time_since_epoch()).count());
  Bucket& bucket = bucket_of(hash(client, kind, subject), milliseconds);
  const auto elapsed = static_cast<float>(milliseconds - bucket.last_milliseconds);
  bucket.balance = std::min(burst_, bucket.balance + elapsed * rate_per_millisecond_);
  bucket.last_milliseconds = milliseconds;
  if (bucket.balance >= 1) {
    bucket.balance -= 1;
    return Verdict::send;
  }
  ++bucket.limited;
  return options_.slip != 0 && bucket.limited % options_.slip == 0 ? Verdict::slip : Verdict::drop;
}

RateLimiter::Kind RateLimiter::kind_of(const Answer& answer) {
  if (answer.rcode == dns::Rcode::nxdomain) return Kind::nxdomain;
  if (answer.rcode != dns::Rcode::noerror || answer.size() == 0) return Kind::error;
  if (answer[0].section == Section::answer) return Kind::answer;
  return answer.authoritative ? Kind::nodata : Kind::referral;
}

bool RateLimiter::admit(const boost::asio::ip::address& client, bool knows_cookies, SteadyTime now,
                        Answer& answer, metrics::WorkerCounters* counters) {
  // A wildcard is one subject, whatever names it stands for: it is the RRset's place that tells.
  const auto subject =
      answer.size() != 0 ? reinterpret_cast<std::uintptr_t>(answer[0].rrset.rrs().data()) : std::uintptr_t{0};
  const Verdict verdict = judge(client, kind_of(answer), subject, now);
  if (verdict == Verdict::send) return true;
  using metrics::Limited;
  const Limited action = options_.log_only          ? Limited::logged
                         : verdict == Verdict::drop ? Limited::dropped
                         : knows_cookies            ? Limited::bad_cookie
                                                    : Limited::truncated;
  if (counters != nullptr) counters->limited[static_cast<std::size_t>(action)].add();
  if (action == Limited::logged) return true;
  if (action == Limited::dropped) {
    if (counters != nullptr) counters->drop(metrics::Dropped::rate_limited);
    return false;
  }
  const bool authoritative = answer.authoritative;
  answer.clear();
  answer.authoritative = authoritative;
  answer.overflown = action == Limited::truncated;
  if (action == Limited::bad_cookie) answer.rcode = dns::Rcode::badcookie;
  return true;
}

}  // namespace understudy::server
