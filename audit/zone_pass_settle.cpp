// What becomes of two answers.
#include <algorithm>

#include "audit/zone_pass.h"

namespace understudy::audit {

using dns::RRType;

namespace {

// An address that is silent, or refuses, is asked so often before that is all there is to say.
constexpr unsigned tries_of_silence = 2;
// And so often in between where it had answered differently before.
constexpr unsigned most_tries = 2 * Confirmation::most;

// "There is no such name", to a question for a type that it does not have here.
bool is_for_lack_of_type(const Ask& ask, const NormalAnswer& ours, const NormalAnswer& theirs) {
  const bool absent = ask.question.absent_type || ask.origin == Ask::Origin::live;
  return absent && !ask.question.random_label && ours.end == NormalAnswer::End::nodata &&
         theirs.end == NormalAnswer::End::name_error;
}

}  // namespace

// A difference proves nothing while the address is known to be at another version than we, and not for long:
// where it counts serials of its own that would be always, however often we get another version.
bool ZonePass::apart_from_us(const Ask& ask, const Judgement& judgement, const NormalAnswer& theirs,
                             SteadyTime now) const {
  const std::uint32_t ours = walk_.live().serial;
  const std::optional<std::uint32_t> serial = theirs.zone_serial ? theirs.zone_serial : tally_.serial;
  if (!serial || *serial == ours) return false;
  SteadyTime since = apart_ ? apart_since_ : now;
  if (judgement.serial_only) {
    if (apart_) since = unequal_since_;
  } else if (ask.apart_since != SteadyTime{} && ask.apart_content == fingerprint(theirs).content) {
    since = std::min(since, ask.apart_since);
  }
  return now - since < options_->in_flight;
}

// Those that are expected say nothing of the others.
bool ZonePass::differ_many() const {
  if (known_count() < many) return false;
  const auto& all = differing_->known;
  return std::count_if(all.begin(), all.end(), [](const auto& known) { return !known.second.expected; }) >=
         static_cast<std::ptrdiff_t>(many);
}

void ZonePass::ask_again(Ask ask, Instant now) {
  const unsigned wanted = differ_many() ? confirmations_of_many : confirmations;
  ask.doubted_at = now.steady;
  ++ask.tries;
  differing().doubts.emplace(now.steady + options_->confirm_after / (wanted - 1), std::move(ask));
}

// Some say of a name that it does not exist, for lack of a type. That a whole name is missing shows so too,
// and is told with the types that it has; either is told once, whatever type each pass, or a client, asks
// for.
bool ZonePass::is_told_already(const Subject& subject) const {
  if (known_count() == 0) return false;
  for (auto it = differing_->known.lower_bound({subject.key}); is_of(it, subject.key); ++it) {
    if (it->first.type != subject.type && !it->first.random_label && it->second.name_error) return true;
  }
  return false;
}

bool ZonePass::is_of(std::map<Subject, Known>::const_iterator known, const std::string& owner) const {
  return known != differing_->known.end() && known->first.key == owner;
}

// The same where the answer to the type that it has came last.
void ZonePass::take_back_absent(const std::string& owner) {
  auto& all = differing().known;
  for (auto it = all.lower_bound({owner}); is_of(it, owner);) {
    const auto known = it++;
    if (!known->second.evidence.question.absent_type || !known->second.name_error) continue;
    if (known->second.counted == round_) {
      --tally_.mismatch;
      ++tally_.match;
    }
    erase(known);
  }
}

// The judgement that counts; nothing where the question is asked again first.
std::optional<Judgement> ZonePass::decide(const Ask& ask, Judgement judgement, const NormalAnswer& theirs,
                                          Instant now) {
  const bool apart = apart_from_us(ask, judgement, theirs, now.steady);
  // An SOA that differs in its serial only, while nothing is on its way, is no difference: serials are the
  // provider's own affair.
  if (judgement.serial_only && !apart) judgement = {Verdict::match, {}, {}, false};
  const bool in_flight = apart && (judgement.serial_only || judgement.verdict == Verdict::mismatch);
  if (in_flight && options_->in_flight > Seconds(0)) {
    if (differing().waiting.size() >= most_doubts)
      return Judgement{Verdict::unknown, {}, "the address has another serial", false};
    if (!apart_) {  // told by the answer itself
      apart_ = true;
      apart_since_ = now.steady;
      if (unequal_since_ == SteadyTime{}) unequal_since_ = now.steady;
    }
    Ask later = ask;
    later.heard.forget();
    later.differs_since = {};
    later.doubted_at = now.steady;
    const std::uint64_t content = fingerprint(theirs).content;
    if (ask.apart_since == SteadyTime{} || ask.apart_content != content) later.apart_since = now.steady;
    later.apart_content = content;
    differing().waiting.push_back(std::move(later));
    return std::nullopt;
  }
  if (judgement.verdict == Verdict::unknown) {
    // The silence of an address that is silent always needs no second question.
    const unsigned tries = ask.heard.empty() ? tries_of_silence : most_tries;
    if (!tally_.serial_answered || ask.tries + 1 >= tries || doubts_full()) return judgement;
    ask_again(ask, now);
    return std::nullopt;
  }
  if (judgement.verdict == Verdict::match && ask.heard.empty()) {
    // What we say is one of the answers that it gives in turn.
    if (differing_ && !differing_->dynamic.empty())
      differing_->dynamic.contains(subject_of(ask.question), fingerprint(theirs).content, now.steady);
    return judgement;
  }
  return doubt(ask, judgement, fingerprint(theirs), now);
}

// What differed first may have come to the primary a moment ago, and be ours after a look at its serial. A
// refresh that takes long is waited for only as long as there are answers to hear.
bool ZonePass::waits_for_refresh(const Ask& ask) const {
  return options_->refreshes && refreshed_ < ask.differs_since && !ask.heard.full();
}

std::optional<Judgement> ZonePass::doubt(const Ask& ask, const Judgement& judgement, Fingerprint theirs,
                                         Instant now) {
  const Subject subject = subject_of(ask.question);
  Differences& all = differing();
  const bool differs = judgement.verdict == Verdict::mismatch;
  if (differs && all.dynamic.contains(subject, theirs.content, now.steady))
    return Judgement{Verdict::dynamic, {}, {}, false};
  const auto known = all.known.find(subject);
  if (differs && known != all.known.end() && known->second.content == theirs.content) return judgement;
  Ask next = ask;
  if (next.serial != tally_.serial) {
    next.heard.forget();
    next.differs_since = {};
  }
  if (differs && next.differs_since == SteadyTime{}) {
    next.differs_since = now.steady;
    doubted_ = true;
  }
  next.serial = tally_.serial;
  next.heard.heard(theirs, differs);
  using Outcome = Confirmation::Outcome;
  switch (next.heard.outcome(differ_many() ? confirmations_of_many : confirmations)) {
    case Outcome::ask_again:
      ask_again(std::move(next), now);
      return std::nullopt;
    case Outcome::match:
      return judgement;
    case Outcome::mismatch: {
      if (waits_for_refresh(next)) {
        ask_again(std::move(next), now);
        return std::nullopt;
      }
      // It was so before, and agreed with us in between, though nothing changed here: an address that answers
      // in turn, and seldom changes.
      const auto cleared = all.cleared.find(subject);
      const bool alternates = cleared != all.cleared.end() && cleared->second == theirs.content;
      if (!alternates || !all.dynamic.learn(subject, next.heard.contents(), now.steady)) return judgement;
      return Judgement{Verdict::dynamic, {}, {}, false};
    }
    case Outcome::dynamic:
      break;
  }
  if (all.dynamic.learn(subject, next.heard.contents(), now.steady))
    return Judgement{Verdict::dynamic, {}, {}, false};
  return Judgement{Verdict::unknown, {}, "it alternates, as too many others do", false};
}

void ZonePass::settle(const Ask& ask, const NormalAnswer& ours, const NormalAnswer& theirs, Instant now,
                      RawAnswers messages) {
  const bool soa_heard = ask.question.type == RRType::SOA && theirs.end == NormalAnswer::End::data &&
                         theirs.data.type == RRType::SOA && walk_.apex().equals(theirs.data.owner);
  if (soa_heard) heard_serial(dns::Soa::of(theirs.data.rdata.front()).serial, now.steady);
  // What lies below a cut is another zone's; the cut itself is asked for by the walk.
  if (ask.origin == Ask::Origin::live && ours.end == NormalAnswer::End::referral) {
    over(ask.origin);
    finish_where_done(now.wall);
    return rest();
  }
  Judgement judged = judge(ask.question, ours, theirs, ask.dnssec);
  if (judged.verdict == Verdict::mismatch && is_for_lack_of_type(ask, ours, theirs) &&
      is_told_already(subject_of(ask.question)))
    judged = {Verdict::match, {}, {}, false};
  const auto judgement = decide(ask, judged, theirs, now);
  if (!judgement) return;
  over(ask.origin);
  const Verdict verdict = judgement->verdict;
  if (verdict == Verdict::mismatch && keep(ask, judgement->difference, ours, theirs, messages, now.wall)) {
    ++tally_.asked;
    ++tally_.expected;
  } else {
    count(verdict, ask.origin);
  }
  if (verdict == Verdict::match || verdict == Verdict::dynamic)
    forget(ask.question, verdict == Verdict::match);
  if (verdict == Verdict::unknown && known_count() != 0) {
    // Not seen to be over: what was known stays.
    const auto it = differing_->known.find(subject_of(ask.question));
    if (it != differing_->known.end()) it->second.round = round_;
  }
  finish_where_done(now.wall);
  rest();
}

void ZonePass::settle_same(const Ask& ask, Instant now) {
  over(ask.origin);
  count(Verdict::match, ask.origin);
  forget(ask.question, true);
  finish_where_done(now.wall);
  rest();
}

void ZonePass::count(Verdict verdict, Ask::Origin origin) {
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
      if (origin == Ask::Origin::changed) covered_ = false;
      if (origin == Ask::Origin::live) ++unknown_of_live_;
      break;
  }
}

std::optional<std::size_t> ZonePass::expectation_of(const Question& question, Class difference,
                                                    UnixTime now) const {
  if (!options_->expectations) return std::nullopt;
  for (std::size_t i = 0; i < options_->expectations->size(); ++i) {
    if ((*options_->expectations)[i].covers(question, difference, now)) return i;
  }
  return std::nullopt;
}

// For one more. Expected differences never keep out one that is not.
bool ZonePass::make_room(bool expected) {
  const bool full = known_count() >= most_mismatches;
  if (full && !expected) {
    auto& all = differing_->known;
    const auto other = std::find_if(all.begin(), all.end(),
                                    [](const auto& known) { return known.second.expected.has_value(); });
    if (other == all.end()) return false;
    erase(other);
    return true;
  }
  return !full && (known_count() == 0 || *options_->kept < most_in_all);
}

void ZonePass::erase(std::map<Subject, Known>::iterator known) {
  differing_->gone.push_back(evidence_key(known->first, tally_.address));
  differing_->known.erase(known);
  --*options_->kept;
}

// True where it was expected.
bool ZonePass::keep(const Ask& ask, Class difference, const NormalAnswer& ours, const NormalAnswer& theirs,
                    RawAnswers messages, UnixTime wall) {
  const auto expected = expectation_of(ask.question, difference, wall);
  const Subject subject = subject_of(ask.question);
  auto& all = differing().known;
  const auto it = all.find(subject);
  if (it == all.end() && !make_room(expected.has_value())) return expected.has_value();
  const auto copy = [](dns::Octets message) {
    if (message.size() > Evidence::most_octets) return std::vector<std::uint8_t>();
    return std::vector<std::uint8_t>(message.begin(), message.end());
  };
  Known known;
  known.evidence.since = it == all.end() ? wall : it->second.evidence.since;
  known.evidence.question = ask.question;
  known.evidence.dnssec = ask.dnssec;
  known.evidence.difference = difference;
  known.evidence.seen = wall;
  known.evidence.version = walk_.live().version;
  known.evidence.serial = walk_.live().serial;
  known.evidence.their_serial = tally_.serial;
  known.evidence.address = tally_.address;
  known.evidence.ours = copy(messages.ours);
  known.evidence.theirs = copy(messages.theirs);
  known.ours = describe(ask.question, ours);
  known.theirs = describe(ask.question, theirs);
  known.nsid = theirs.nsid;
  known.zone_version = theirs.zone_serial;
  known.content = fingerprint(theirs).content;
  known.counted = expected ? 0 : round_;
  known.name_error = theirs.end == NormalAnswer::End::name_error;
  const bool lacks_type = is_for_lack_of_type(ask, ours, theirs);
  const bool is_missing = known.name_error && !lacks_type && !ask.question.random_label;
  known.evidence.question.absent_type = ask.question.absent_type || lacks_type;
  known.expected = expected;
  known.round = round_;
  if (it == all.end()) ++*options_->kept;
  all[subject] = std::move(known);
  if (is_missing) take_back_absent(subject.key);
  return expected.has_value();
}

void ZonePass::forget(const Question& question, bool cleared) {
  if (known_count() == 0) return;
  const auto it = differing_->known.find(subject_of(question));
  if (it == differing_->known.end()) return;
  const bool unmoved = it->second.evidence.version == walk_.live().version;
  if (cleared && unmoved && differing_->cleared.size() < most_mismatches)
    differing_->cleared[it->first] = it->second.content;
  erase(it);
}

}  // namespace understudy::audit
