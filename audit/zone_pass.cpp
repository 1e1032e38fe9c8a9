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

ZonePass::Asking& ZonePass::asking() {
  if (!asking_) asking_ = std::make_unique<Asking>();
  return *asking_;
}

void ZonePass::rest() {
  if (asking_ && asking_->is_over() && !look_for_changes_) asking_.reset();
}

SteadyTime ZonePass::due_first() const {
  if (finished_) return SteadyTime::max();
  // What was taken from the mirror is asked before others take more: so there are few batches in memory,
  // however many zones.
  const bool others = asking_ && !(asking_->changed.empty() && asking_->live.empty());
  if (has_batch() || (others && !doubts_full())) return SteadyTime{};
  SteadyTime due = SteadyTime::max();
  if (differing_ && !differing_->doubts.empty()) due = differing_->doubts.begin()->first;
  if (differing_ && !differing_->waiting.empty()) due = std::min(due, apart_since_ + options_->in_flight);
  if (look_for_changes_) due = std::min(due, look_due());
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
  if (asking_) {
    drop(asking_->batch);
    asking_->place.clear();
  }
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
  look_at_expectations(now.wall);
}

void ZonePass::look_at_expectations(UnixTime now) {
  if (!differing_) return;
  for (auto& [subject, known] : differing_->known)
    known.expected = expectation_of(known.evidence.question, known.evidence.difference, now);
}

void ZonePass::note_place() {
  Asking& of = asking();
  const std::size_t open = pending(Ask::Origin::walk);
  if (!of.place.empty() && open > 0 && tally_.asked - of.place_asked < most_repeated) return;
  of.place.clear();
  walk_.append_place(of.place);
  of.place_asked = tally_.asked;
  of.lost = open;
}

Result<> ZonePass::look_for_changes(backend::Reader& reader, Instant now) {
  const backend::Version from = looked_;  // the walk may have come to a newer one before us
  auto looked = walk_.look(reader, [&](const QuestionWalk::Live& live) -> Result<> {
    if (from == 0) next_pass_ = now.steady;  // the first data
    if (from == 0 || live.version <= from) return {};
    auto changed = changed_questions(reader, walk_, from, most_changed);
    if (!changed) return changed.error();
    std::vector<Question>& waiting = asking().changed;
    if (*changed) {
      waiting.insert(waiting.begin(), (*changed)->rbegin(), (*changed)->rend());
    } else {
      drop(waiting);
      covered_ = false;
      walk_.restart();
      begin(now);
    }
    return {};
  });
  if (!looked) {
    asking().look_due = now.steady + after_mirror_error;
    return looked.error();
  }
  looked_ = walk_.live().version;
  if (looked_ != from && differing_) differing_->cleared.clear();  // what goes now may go for the change
  look_for_changes_ = false;
  if (asking_) asking_->look_due = {};
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
  const bool has_questions = asking_ && !asking_->batch.empty();
  if (has_questions || walked_ || doubts_full() || walk_due_ > now.steady) return {};
  note_place();
  std::vector<Question>& questions = asking_->batch;
  const auto step = walk_.next(reader, batch, questions);
  if (!step) {
    walk_due_ = now.steady + after_mirror_error;
    return step.error();
  }
  moved_ = true;
  if (looked_ == 0) looked_ = walk_.live().version;
  if (*step == QuestionWalk::Step::no_data) {  // its publication will wake us
    active_ = false;
    next_pass_ = SteadyTime::max();
    finished_ = options_->once;
    return {};
  }
  walked_ = *step == QuestionWalk::Step::finished;
  std::reverse(questions.begin(), questions.end());
  finish_where_done(now.wall);
  return {};
}

std::optional<Ask> ZonePass::next_ask(SteadyTime now) {
  if (!asking_ || doubts_full()) return std::nullopt;
  Asking& waiting = *asking_;
  Ask ask;
  ask.dnssec = walk_.is_signed();
  if (!waiting.changed.empty()) {
    ask.origin = Ask::Origin::changed;
    ask.question = take_last(waiting.changed);
    return ask;
  }
  // Clients' queries have every other turn, so that however many there are the walk comes to its end.
  const bool may_walk = has_batch();
  if (!waiting.live.empty() && (!may_walk || std::exchange(waiting.live_turn, !waiting.live_turn))) {
    ask.origin = Ask::Origin::live;
    std::tie(ask.question, ask.dnssec) = std::move(waiting.live.front());
    waiting.live.erase(waiting.live.begin());
    return ask;
  }
  if (!may_walk) return std::nullopt;
  ask.question = take_last(waiting.batch);
  if (waiting.batch.empty()) walk_due_ = now;  // others whose turn is earlier come first
  return ask;
}

Result<std::optional<Ask>> ZonePass::take(backend::Reader& reader, Instant now) {
  using Taken = std::optional<Ask>;
  if (finished_) return Taken();
  if (look_for_changes_ && look_due() <= now.steady) {
    if (const auto looked = look_for_changes(reader, now); !looked) return looked.error();
  }
  if (apart_since_ + options_->in_flight <= now.steady) wake_waiting(now.steady);
  if (differing_ && !differing_->doubts.empty() && differing_->doubts.begin()->first <= now.steady) {
    Ask ask = std::move(differing_->doubts.begin()->second);
    differing_->doubts.erase(differing_->doubts.begin());
    ask.again = true;
    return Taken(std::move(ask));
  }
  if (!asking_ || asking_->changed.empty()) {
    if (const auto walked = walk_on(reader, now); !walked) return walked.error();
  }
  auto ask = next_ask(now.steady);
  if (!ask) {
    rest();
    return ask;
  }
  ++asking_->pending[static_cast<std::size_t>(ask->origin)];
  // The evidence of what differs says who answered and from which version, as long as it differs.
  if (known_count() != 0) ask->again = differing_->known.contains(subject_of(ask->question));
  return ask;
}

void ZonePass::offer(Question question, bool dnssec) {
  if (walk_.live().version == 0 || (asking_ && asking_->live.size() >= most_live)) return;
  asking().live.emplace_back(std::move(question), dnssec);
}

bool ZonePass::may_finish() const {
  return active_ && walked_ && !look_for_changes_ &&
         (!asking_ || (asking_->batch.empty() && asking_->changed.empty() &&
                       pending(Ask::Origin::walk) + pending(Ask::Origin::changed) == 0));
}

void ZonePass::finish_where_done(UnixTime wall) {
  if (!may_finish()) return;
  if (!std::exchange(asked_again_, true) && differing_) {
    // A type that the owner does not have, a made-up name, an owner that is gone: the walk does not come by
    // again.
    for (const auto& [subject, known] : differing_->known) {
      if (known.round != round_) asking().batch.push_back(known.evidence.question);
    }
    if (asking_ && !asking_->batch.empty()) return;
  }
  active_ = false;
  moved_ = true;
  finished_ = options_->once;
  covered_ = tally_.unknown == unknown_of_live_ && tally_.asked > 0;
  if (covered_) last_full_pass_ = wall;
}

bool ZonePass::complete() const {
  return covered_ && !look_for_changes_ && (!asking_ || asking_->changed.empty()) &&
         pending(Ask::Origin::changed) == 0;
}

void ZonePass::heard_serial(std::optional<std::uint32_t> serial, SteadyTime now) {
  tally_.serial_answered = serial.has_value();
  if (!serial) return;
  serial_heard_ = now;
  tally_.serial = serial;
  const bool apart = *serial != walk_.live().serial && walk_.live().version != 0;
  if (apart && !apart_) apart_since_ = now;
  if (apart && unequal_since_ == SteadyTime{}) unequal_since_ = now;
  if (!apart) {
    unequal_since_ = {};
    wake_waiting(now);
  }
  apart_ = apart;
}

}  // namespace understudy::audit
