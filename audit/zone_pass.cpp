// What is asked next, and when a pass is over.
#include "audit/zone_pass.h"

#include <algorithm>

#include "audit/changed_questions.h"

namespace understudy::audit {

namespace {

// The mirror could not be read (too many readers): the walk waits this long.
constexpr std::chrono::seconds after_mirror_error{5};
// A restart repeats so many questions at most because of one that was in doubt for long.
constexpr std::uint64_t most_repeated = 5'000;

std::size_t index(Ask::Origin origin) { return static_cast<std::size_t>(origin); }

// Empties it and gives its memory back, which clear() and `= {}` keep: most passes are idle most of the time.
template <typename T>
void drop(std::vector<T>& all) {
  std::vector<T>().swap(all);
}

template <typename T>
T take_last(std::vector<T>& from) {
  T last = std::move(from.back());
  from.pop_back();
  if (from.empty()) drop(from);
  return last;
}

}  // namespace

ZonePass::ZonePass(dns::NameView apex, net::Endpoint address, PassOptionsPtr options, std::uint64_t seed)
    : options_(std::move(options)), walk_(apex, seed) {
  tally_.address = address;
}

ZonePass::~ZonePass() { *options_->kept -= known_count(); }

ZonePass::Differences& ZonePass::differing() {
  if (!differing_) differing_ = std::make_unique<Differences>(options_->dynamic_kept);
  return *differing_;
}

SteadyTime ZonePass::due_first() const {
  if (finished_) return SteadyTime::max();
  // What was taken from the mirror is asked before others take more: so there are few batches in memory,
  // however many zones.
  if (has_batch() || !changed_.empty() || !live_.empty()) return SteadyTime{};
  SteadyTime due = SteadyTime::max();
  if (differing_ && !differing_->doubts.empty()) due = differing_->doubts.begin()->first;
  if (differing_ && !differing_->waiting.empty()) due = std::min(due, apart_since_ + options_->in_flight);
  if (look_for_changes_) due = std::min(due, look_due_);
  return due;
}

SteadyTime ZonePass::walk_due() const {
  if (finished_) return SteadyTime::max();
  if (!active_) return next_pass_;
  return walked_ || doubts_full() ? SteadyTime::max() : walk_due_;
}

void ZonePass::begin(Instant now) {
  ++round_;
  active_ = true;
  walked_ = asked_again_ = false;
  drop(batch_);
  place_.clear();
  walk_due_ = now.steady;
  next_pass_ = now.steady + options_->period;
  pass_began_ = now.wall;
  const Tally before = std::exchange(tally_, {});
  tally_.address = before.address;
  tally_.serial = before.serial;
  tally_.serial_answered = before.serial_answered;
  unknown_of_live_ = 0;
  if (now.steady - cleared_since_ < options_->dynamic_kept) return;
  if (differing_) differing_->cleared.clear();
  cleared_since_ = now.steady;
}

void ZonePass::change(PassOptionsPtr options, Instant now) {
  if (round_ > 0 && next_pass_ != SteadyTime::max()) next_pass_ += options->period - options_->period;
  *options_->kept -= known_count();
  options_ = std::move(options);
  *options_->kept += known_count();
  if (!differing_) return;
  for (auto& [subject, known] : differing_->known) {
    const Evidence& evidence = known.evidence;
    known.expected = expectation_of(evidence.question, evidence.difference, now.wall);
  }
}

void ZonePass::note_place() {
  const std::size_t open = pending_[index(Ask::Origin::walk)];
  if (!place_.empty() && open > 0 && tally_.asked - place_asked_ < most_repeated) return;
  place_.clear();
  walk_.append_place(place_);
  place_asked_ = tally_.asked;
  lost_ = open;
}

Result<> ZonePass::look_for_changes(backend::Reader& reader, Instant now) {
  const backend::Version from = looked_;  // the walk may have come to a newer one before us
  auto looked = walk_.look(reader, [&](const backend::ZoneRow& row) -> Result<> {
    if (from == 0) next_pass_ = now.steady;  // the first data
    if (from == 0 || row.version <= from) return {};
    auto changed = changed_questions(reader, walk_, from, most_changed);
    if (!changed) return changed.error();
    if (*changed) {
      changed_.insert(changed_.begin(), (*changed)->rbegin(), (*changed)->rend());
    } else {
      drop(changed_);
      covered_ = false;
      walk_.restart();
      begin(now);
    }
    return {};
  });
  if (!looked) {
    look_due_ = now.steady + after_mirror_error;
    return looked.error();
  }
  looked_ = walk_.row().version;
  look_for_changes_ = false;
  apart_ = false;  // from a version that is ours no more
  wake_waiting(now.steady);
  finish_where_done(now.wall);  // where it changed nothing, no answer will end the pass
  return {};
}

void ZonePass::wake_waiting(SteadyTime now) {
  if (!differing_) return;
  for (Ask& ask : differing_->waiting) differing_->doubts.emplace(now, std::move(ask));
  drop(differing_->waiting);
}

Result<> ZonePass::walk_on(backend::Reader& reader, Instant now) {
  if (!active_) {
    if (now.steady < next_pass_) return {};
    walk_.restart();
    begin(now);
  }
  if (!batch_.empty() || walked_ || doubts_full() || walk_due_ > now.steady) return {};
  note_place();
  const auto step = walk_.next(reader, batch, batch_);
  if (!step) {
    walk_due_ = now.steady + after_mirror_error;
    return step.error();
  }
  moved_ = true;
  if (looked_ == 0) looked_ = walk_.row().version;
  if (*step == QuestionWalk::Step::no_data) {  // its publication will wake us
    active_ = false;
    next_pass_ = SteadyTime::max();
    finished_ = options_->once;
    return {};
  }
  walked_ = *step == QuestionWalk::Step::finished;
  std::reverse(batch_.begin(), batch_.end());
  finish_where_done(now.wall);
  return {};
}

std::optional<Ask> ZonePass::next_ask(SteadyTime now) {
  Ask ask;
  ask.dnssec = walk_.is_signed();
  if (!changed_.empty()) {
    ask.origin = Ask::Origin::changed;
    ask.question = take_last(changed_);
    return ask;
  }
  // Clients' queries have every other turn, so that however many there are the walk comes to its end.
  const bool may_walk = has_batch();
  if (!live_.empty() && (!may_walk || std::exchange(live_turn_, !live_turn_))) {
    ask.origin = Ask::Origin::live;
    std::tie(ask.question, ask.dnssec) = std::move(live_.front());
    live_.erase(live_.begin());
    if (live_.empty()) drop(live_);
    return ask;
  }
  if (!may_walk) return std::nullopt;
  ask.question = take_last(batch_);
  if (batch_.empty()) walk_due_ = now;  // others whose turn is earlier come first
  return ask;
}

Result<std::optional<Ask>> ZonePass::take(backend::Reader& reader, Instant now) {
  using Taken = std::optional<Ask>;
  if (finished_) return Taken();
  if (look_for_changes_ && look_due_ <= now.steady) {
    if (const auto looked = look_for_changes(reader, now); !looked) return looked.error();
  }
  if (apart_since_ + options_->in_flight <= now.steady) wake_waiting(now.steady);
  if (differing_ && !differing_->doubts.empty() && differing_->doubts.begin()->first <= now.steady) {
    Ask ask = std::move(differing_->doubts.begin()->second);
    differing_->doubts.erase(differing_->doubts.begin());
    ask.again = true;
    return Taken(std::move(ask));
  }
  if (changed_.empty()) {
    if (const auto walked = walk_on(reader, now); !walked) return walked.error();
  }
  auto ask = next_ask(now.steady);
  if (!ask) return ask;
  ++pending_[index(ask->origin)];
  // The evidence of what differs says who answered and from which version, as long as it differs.
  if (known_count() != 0) ask->again = differing_->known.contains(subject_of(ask->question));
  return ask;
}

void ZonePass::offer(Question question, bool dnssec) {
  if (live_.size() < most_live && walk_.row().version != 0) live_.emplace_back(std::move(question), dnssec);
}

bool ZonePass::may_finish() const {
  return active_ && walked_ && batch_.empty() && changed_.empty() && !look_for_changes_ &&
         pending_[index(Ask::Origin::walk)] + pending_[index(Ask::Origin::changed)] == 0;
}

void ZonePass::finish_where_done(UnixTime wall) {
  if (!may_finish()) return;
  if (!std::exchange(asked_again_, true) && differing_) {
    // A type that the owner does not have, a made-up name, an owner that is gone: the walk does not come by
    // again.
    for (const auto& [subject, known] : differing_->known) {
      if (known.round != round_) batch_.push_back(known.evidence.question);
    }
    if (!batch_.empty()) return;
  }
  active_ = false;
  moved_ = true;
  finished_ = options_->once;
  covered_ = tally_.unknown == unknown_of_live_ && tally_.asked > 0;
  if (covered_) last_full_pass_ = wall;
}

bool ZonePass::complete() const {
  return covered_ && !look_for_changes_ && changed_.empty() && pending_[index(Ask::Origin::changed)] == 0;
}

void ZonePass::heard_serial(std::optional<std::uint32_t> serial, SteadyTime now) {
  tally_.serial_answered = serial.has_value();
  if (!serial) return;
  serial_heard_ = now;
  tally_.serial = serial;
  const bool apart = *serial != walk_.row().serial && walk_.row().version != 0;
  if (apart && !apart_) apart_since_ = now;
  if (!apart) wake_waiting(now);
  apart_ = apart;
}

}  // namespace understudy::audit
