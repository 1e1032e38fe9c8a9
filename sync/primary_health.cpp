#include "sync/primary_health.h"

#include "sync/reasons.h"

namespace understudy::sync {
namespace {

constexpr unsigned silences_before_blocking = 3;
constexpr unsigned longest_block_shift = 4;  // 16 s
// The one that may try while others are blocked has this long: a probe over UDP twice and TCP once.
constexpr Seconds trial{6};

}  // namespace

std::optional<Error> PrimaryHealth::blocked(const net::Endpoint& primary, SteadyTime now) {
  const auto found = records_.find(primary);
  if (found == records_.end() || found->second.silences < silences_before_blocking) return std::nullopt;
  Record& record = found->second;
  if (now < record.blocked_until) {
    return Error{reason::timeout, net::to_string(primary) + ": silent the last " +
                                      std::to_string(record.silences) +
                                      " times, for whatever zone; not asked again yet"};
  }
  record.blocked_until = now + trial;
  return std::nullopt;
}

void PrimaryHealth::answered(const net::Endpoint& primary) { records_.erase(primary); }

void PrimaryHealth::failed(const net::Endpoint& primary, const Error& error, SteadyTime now) {
  if (reason::blame_of(error.reason) != reason::Blame::silence) return answered(primary);
  Record& record = records_[primary];
  if (++record.silences < silences_before_blocking) return;
  const unsigned shift = std::min(record.silences - silences_before_blocking, longest_block_shift);
  record.blocked_until = now + Seconds(1 << shift);
}

void PrimaryHealth::heard_from(const boost::asio::ip::address& address) {
  std::erase_if(records_, [&](const auto& entry) { return entry.first.address == address; });
}

}  // namespace understudy::sync
