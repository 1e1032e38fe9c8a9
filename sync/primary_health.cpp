#include "sync/primary_health.h"

#include "sync/reasons.h"

namespace understudy::sync {
namespace {

constexpr unsigned silences_before_blocking = 3;
constexpr unsigned longest_block_shift = 4;  // 16 s
// The one that may try while others are blocked has this long: a probe over UDP twice and TCP once.
constexpr Seconds trial{6};
// A primary that knows no IXFR, or no EDNS, or takes one question a connection, may be replaced by one that
// does better.
constexpr Seconds without_ixfr{3600}, without_edns{3600}, without_reuse{3600};
// One datagram may be lost, and another not.
constexpr unsigned lost_before_without_edns = 3;
// One connection may be cut by whoever is between, and another where the primary starts anew.
constexpr unsigned hung_up_before_without_reuse = 3;

bool is_silence(std::string_view why) { return reason::blame_of(why) == reason::Blame::silence; }

}  // namespace

std::optional<Error> PrimaryHealth::blocked(const net::Endpoint& primary, SteadyTime now) {
  const auto found = records_.find(primary);
  if (found == records_.end() || found->second.silences < silences_before_blocking) return std::nullopt;
  Record& record = found->second;
  if (now < record.blocked_until) {
    return Error{record.failure->reason, record.failure->message + "; silent the last " +
                                             std::to_string(record.silences) +
                                             " times, for whatever zone: not asked again yet"};
  }
  record.blocked_until = now + trial;
  return std::nullopt;
}

void PrimaryHealth::answered(const net::Endpoint& primary, Now now, std::optional<double> round_trip) {
  Record& record = records_[primary];
  record.silences = 0;
  record.silent_since = 0;
  record.last_answer = now.wall;
  if (round_trip) record.round_trip_seconds = round_trip;
}

void PrimaryHealth::failed(const net::Endpoint& primary, const Error& error, Now now) {
  if (!is_silence(error.reason)) return answered(primary, now);
  Record& record = records_[primary];
  if (record.silent_since == 0) record.silent_since = now.wall;
  record.failure = Failure{error.reason, error.message, now.wall};
  if (++record.silences < silences_before_blocking) return;
  const unsigned shift = std::min(record.silences - silences_before_blocking, longest_block_shift);
  record.blocked_until = now.steady + Seconds(1 << shift);
}

void PrimaryHealth::lacks_ixfr(const net::Endpoint& primary, SteadyTime now) {
  records_[primary].no_ixfr_until = now + without_ixfr;
}

bool PrimaryHealth::may_know_ixfr(const net::Endpoint& primary, SteadyTime now) const {
  const auto found = records_.find(primary);
  return found == records_.end() || now >= found->second.no_ixfr_until;
}

void PrimaryHealth::edns_seen(const net::Endpoint& primary, EdnsSeen seen, SteadyTime now) {
  if (seen == EdnsSeen::not_asked) return;
  Record& record = records_[primary];
  record.edns_unanswered = seen == EdnsSeen::unanswered ? record.edns_unanswered + 1 : 0;
  const bool lacks = seen == EdnsSeen::ignored || seen == EdnsSeen::refused ||
                     record.edns_unanswered >= lost_before_without_edns;
  if (lacks) record.no_edns_until = now + without_edns;
}

bool PrimaryHealth::may_use_edns(const net::Endpoint& primary, SteadyTime now) const {
  const auto found = records_.find(primary);
  return found == records_.end() || now >= found->second.no_edns_until;
}

void PrimaryHealth::reused(const net::Endpoint& primary) { records_[primary].hung_up = 0; }

void PrimaryHealth::hung_up(const net::Endpoint& primary, SteadyTime idle_since, SteadyTime now) {
  Record& record = records_[primary];
  if (record.hung_up_at && idle_since <= *record.hung_up_at) return;
  record.hung_up_at = now;
  if (++record.hung_up < hung_up_before_without_reuse) return;
  record.hung_up = 0;
  record.no_reuse_until = now + without_reuse;
}

bool PrimaryHealth::may_reuse(const net::Endpoint& primary, SteadyTime now) const {
  const auto found = records_.find(primary);
  return found == records_.end() || now >= found->second.no_reuse_until;
}

std::vector<std::string_view> PrimaryHealth::learnt(const net::Endpoint& primary, SteadyTime now) const {
  std::vector<std::string_view> words;
  if (!may_use_edns(primary, now)) words.push_back("no-edns");
  if (!may_know_ixfr(primary, now)) words.push_back("no-ixfr");
  if (!may_reuse(primary, now)) words.push_back("no-reuse");
  return words;
}

void PrimaryHealth::heard_from(const boost::asio::ip::address& address) {
  for (auto& [primary, record] : records_) {
    if (primary.address == address) record.silences = 0;
  }
}

PrimaryStatus PrimaryHealth::complete(PrimaryStatus status) const {
  const auto found = status.address ? records_.find(*status.address) : records_.end();
  if (found == records_.end()) return status;
  const Record& record = found->second;
  if (record.round_trip_seconds) status.soa_rtt_seconds = record.round_trip_seconds;
  const bool own_silence = status.failing_since != 0 && is_silence(status.failure->reason);
  if (record.silent_since != 0) {
    status.up = false;
    if (status.failing_since == 0 || own_silence) {
      status.failing_since = record.silent_since;
      status.failure = record.failure;
    }
    return status;
  }
  if (own_silence) {
    status.up = true;
    status.failing_since = 0;
  }
  // The last failure that a zone tells of while nothing fails: whichever zone met it.
  const bool later = record.failure && (!status.failure || status.failure->when < record.failure->when);
  if (status.failing_since == 0 && later) status.failure = record.failure;
  return status;
}

}  // namespace understudy::sync
