#include "audit/zone_pass.h"

#include <algorithm>

namespace understudy::audit {

using dns::RRType;

namespace {

// The mirror could not be read (too many readers): the walk waits this long.
constexpr std::chrono::seconds after_mirror_error{5};

}  // namespace

ZonePass::ZonePass(dns::Name apex, net::Endpoint address, PassOptions options, std::uint64_t seed)
    : options_(options), walk_(std::move(apex), seed) {
  tally_.address = address;
}

ZonePass::Subject ZonePass::subject_of(const Question& question) {
  const dns::NameKey key(question.subject);
  return {std::string(key.octets().begin(), key.octets().end()), question.type, question.random_label};
}

SteadyTime ZonePass::due() const {
  if (finished_) return SteadyTime::max();
  const SteadyTime doubt = doubts_.empty() ? SteadyTime::max() : doubts_.front().due;
  if (!active_) return next_pass_;
  const bool may_walk = (!walked_ || !batch_.empty()) && doubts_.size() < most_doubts;
  return may_walk ? std::min(doubt, walk_due_) : doubt;
}

void ZonePass::begin(SteadyTime now) {
  ++round_;
  active_ = true;
  walked_ = asked_again_ = false;
  batch_.clear();
  doubts_.clear();
  under_way_ = 0;
  walk_due_ = now;
  next_pass_ = now + options_.period;
  const Tally before = std::exchange(tally_, {});
  tally_.address = before.address;
  tally_.serial = before.serial;
  tally_.serial_answered = before.serial_answered;
}

Result<std::optional<Ask>> ZonePass::take(backend::Reader& reader, Instant now) {
  if (finished_) return std::optional<Ask>();
  if (!active_) {
    if (now.steady < next_pass_) return std::optional<Ask>();
    walk_.restart();
    begin(now.steady);
  }
  if (!doubts_.empty() && doubts_.front().due <= now.steady) {
    Ask ask = std::move(doubts_.front().ask);
    doubts_.pop_front();
    ask.again = true;
    ++under_way_;
    return std::optional<Ask>(std::move(ask));
  }
  if (batch_.empty() && !walked_ && doubts_.size() < most_doubts) {
    const auto step = walk_.next(reader, batch, batch_);
    if (!step) {
      walk_due_ = now.steady + after_mirror_error;
      return step.error();
    }
    if (*step == QuestionWalk::Step::no_data) {  // its publication will wake us
      active_ = false;
      finished_ = options_.once;
      return std::optional<Ask>();
    }
    walked_ = *step == QuestionWalk::Step::finished;
    std::reverse(batch_.begin(), batch_.end());
    walk_due_ = now.steady;  // others whose turn is earlier come first
    finish_where_done(now.wall);
  }
  if (batch_.empty() || doubts_.size() >= most_doubts) return std::optional<Ask>();
  Ask ask{std::move(batch_.back()), walk_.is_signed(), false, {}, round_};
  batch_.pop_back();
  ++under_way_;
  return std::optional<Ask>(std::move(ask));
}

bool ZonePass::is_newer_than_ours(std::uint32_t serial) const {
  return dns::Serial(serial).is_newer_than(dns::Serial(walk_.row().serial));
}

bool ZonePass::ahead_of_us(SteadyTime now) const {
  if (!tally_.serial || !is_newer_than_ours(*tally_.serial)) return false;
  return !newer_ || now - newer_since_ < options_.in_flight;
}

// A difference proves nothing while a newer version is known to be on its way to us. An SOA that differs in
// its serial only, while nothing is on its way, is no difference: serials are the provider's own affair.
Judgement ZonePass::excuse(Judgement judgement, SteadyTime now) const {
  const bool ahead = ahead_of_us(now);
  if (judgement.serial_only && !ahead) return {Verdict::match, {}, {}, false};
  if (judgement.verdict == Verdict::mismatch && ahead) {
    return {Verdict::unknown, {}, "the address has a newer serial", false};
  }
  return judgement;
}

void ZonePass::settle(const Ask& ask, const NormalAnswer& ours, const NormalAnswer& theirs, Instant now) {
  if (ask.round != round_ || !active_) return;  // asked of a version that is no longer live
  --under_way_;
  const bool soa_heard = ask.question.type == RRType::SOA && theirs.end == NormalAnswer::End::data &&
                         theirs.data.type == RRType::SOA && theirs.data.owner == walk_.apex();
  if (soa_heard) heard_serial(dns::Soa::of(theirs.data.rdata.front()).serial, now.steady);
  const Judgement judgement = excuse(judge(ask.question, ours, theirs, ask.dnssec), now.steady);
  const bool mismatch = judgement.verdict == Verdict::mismatch;
  // What is known already needs no second question, and neither does the silence of an address that is silent
  // always.
  const bool known = mismatch && known_.contains(subject_of(ask.question));
  const bool silent = judgement.verdict == Verdict::unknown && !tally_.serial_answered;
  if (!ask.again && judgement.verdict != Verdict::match && !known && !silent &&
      doubts_.size() < most_doubts) {
    Ask second = ask;
    second.doubted_at = now.steady;
    doubts_.push_back({std::move(second), now.steady + options_.confirm_after});
    return;
  }
  count(judgement.verdict);
  if (mismatch) keep(ask, judgement, ours, theirs, now.wall);
  if (judgement.verdict == Verdict::match) known_.erase(subject_of(ask.question));
  if (judgement.verdict == Verdict::unknown) {
    // Not seen to be over: what was known stays.
    const auto it = known_.find(subject_of(ask.question));
    if (it != known_.end()) it->second.round = round_;
  }
  finish_where_done(now.wall);
}

void ZonePass::count(Verdict verdict) {
  ++tally_.asked;
  ++totals_[static_cast<std::size_t>(verdict)];
  switch (verdict) {
    case Verdict::match:
      ++tally_.match;
      break;
    case Verdict::mismatch:
      ++tally_.mismatch;
      break;
    case Verdict::dynamic:
      ++tally_.dynamic;
      break;
    case Verdict::unknown:
      ++tally_.unknown;
      break;
  }
}

void ZonePass::keep(const Ask& ask, const Judgement& judgement, const NormalAnswer& ours,
                    const NormalAnswer& theirs, UnixTime wall) {
  const Subject subject = subject_of(ask.question);
  const auto it = known_.find(subject);
  if (it == known_.end() && known_.size() >= most_mismatches) return;
  const UnixTime since = it == known_.end() ? wall : it->second.mismatch.since;
  known_[subject] = {ask.question,
                     {ask.question.name, ask.question.type, tally_.address, judgement.difference,
                      describe(ask.question, ours), describe(ask.question, theirs), since},
                     round_};
}

bool ZonePass::may_finish() const {
  return active_ && walked_ && batch_.empty() && doubts_.empty() && under_way_ == 0;
}

void ZonePass::finish_where_done(UnixTime wall) {
  if (!may_finish()) return;
  if (!std::exchange(asked_again_, true)) {
    // A type that the owner does not have, a made-up name, an owner that is gone: the walk does not come by
    // again.
    for (const auto& [subject, known] : known_) {
      if (known.round != round_) batch_.push_back(known.question);
    }
    if (!batch_.empty()) return;
  }
  active_ = false;
  finished_ = options_.once;
  complete_ = tally_.unknown == 0 && tally_.asked > 0 && !version_changed_;
  if (complete_) last_full_pass_ = wall;
}

void ZonePass::heard_serial(std::optional<std::uint32_t> serial, SteadyTime now) {
  tally_.serial_answered = serial.has_value();
  if (!serial) return;
  serial_heard_ = now;
  tally_.serial = serial;
  const bool newer = is_newer_than_ours(*serial);
  if (newer && !newer_) newer_since_ = now;
  newer_ = newer;
}

void ZonePass::restart(SteadyTime now) {
  if (finished_) return;
  complete_ = false;
  version_changed_ = options_.once;
  if (options_.once) return;
  newer_ = false;  // than a version that is ours no more
  walk_.restart();
  begin(now);
}

void ZonePass::append_mismatches(std::vector<Mismatch>& out) const {
  for (const auto& entry : known_) out.push_back(entry.second.mismatch);
}

}  // namespace understudy::audit
