// What is known of one zone at one address, and what is to be asked there next: passes over the zone, second
// questions before a mismatch counts, the mismatches of now, and the tallies.
//
// No sockets and no clock of its own. Used on the sync thread only. Bounded by one batch of questions, by the
// questions under way, by `most_doubts` that wait for their second question and by `most_mismatches` kept.
#pragma once

#include <deque>
#include <map>

#include "audit/question_walk.h"
#include "audit/verdict.h"

namespace understudy::audit {

struct PassOptions {
  Seconds period{3600};                           // between the starts of two passes
  std::chrono::milliseconds confirm_after{5000};  // a mismatch is asked again after this
  // An address that tells a newer serial than ours is ahead of us for this long at most before that excuses
  // nothing any more (some providers count serials of their own).
  Seconds in_flight{600};
  bool once = false;  // one pass and no other
};

// One moment by both clocks.
struct Instant {
  SteadyTime steady;
  UnixTime wall = 0;
};

// A question on its way.
struct Ask {
  Question question;
  bool dnssec = false;
  bool again = false;       // the second time
  SteadyTime doubted_at{};  // of the first answer, where it is asked again
  std::uint64_t round = 0;
};

class ZonePass {
 public:
  static constexpr std::size_t batch = 64;
  static constexpr std::size_t most_doubts = 10'000;
  static constexpr std::size_t most_mismatches = 1'000;

  ZonePass(dns::Name apex, net::Endpoint address, PassOptions options, std::uint64_t seed);

  const dns::Name& apex() const { return walk_.apex(); }

  // When take() may have a question; SteadyTime::max() where only an answer or a new version brings one.
  SteadyTime due() const;
  // The next question, if there is one now.
  Result<std::optional<Ask>> take(backend::Reader& reader, Instant now);
  // Both answers to what take() gave.
  void settle(const Ask& ask, const NormalAnswer& ours, const NormalAnswer& theirs, Instant now);

  // The serial that the address told; nothing where it did not answer.
  void heard_serial(std::optional<std::uint32_t> serial, SteadyTime now);
  bool knows_serial_since(SteadyTime when) const { return tally_.serial_answered && serial_heard_ >= when; }
  // Another version is live: what was learnt in this round counts no more, everything is asked again, from
  // where the walk stands and round. A single pass goes on, and stays incomplete.
  void restart(SteadyTime now);
  // Ends a single pass early; it stays incomplete.
  void give_up() { finished_ = true; }

  // A single pass is over.
  bool finished() const { return finished_; }
  // Every question of the last round was answered, none is unknown, and the version is still live.
  bool complete() const { return complete_; }
  double coverage() const { return walk_.coverage(); }
  UnixTime last_full_pass() const { return last_full_pass_; }
  std::uint64_t version() const { return walk_.row().version; }
  const Tally& tally() const { return tally_; }
  const std::array<std::uint64_t, 4>& totals() const { return totals_; }
  void append_mismatches(std::vector<Mismatch>& out) const;

 private:
  // What a mismatch is about; the same in every pass.
  struct Subject {
    std::string key;  // the owner's name key
    dns::RRType type{};
    bool random_label = false;
    auto operator<=>(const Subject&) const = default;
  };
  struct Known {
    Question question;
    Mismatch mismatch;
    std::uint64_t round = 0;  // in which it was seen last
  };
  static Subject subject_of(const Question& question);

  void begin(SteadyTime now);
  bool may_finish() const;
  void finish_where_done(UnixTime wall);
  bool is_newer_than_ours(std::uint32_t serial) const;
  bool ahead_of_us(SteadyTime now) const;
  Judgement excuse(Judgement judgement, SteadyTime now) const;
  void count(Verdict verdict);
  void keep(const Ask& ask, const Judgement& judgement, const NormalAnswer& ours, const NormalAnswer& theirs,
            UnixTime wall);

  const PassOptions options_;
  QuestionWalk walk_;
  Tally tally_;
  std::array<std::uint64_t, 4> totals_{};
  std::map<Subject, Known> known_;

  std::vector<Question> batch_;  // taken from the back
  struct Doubt {
    Ask ask;
    SteadyTime due;
  };
  std::deque<Doubt> doubts_;  // in order of their due
  std::size_t under_way_ = 0;
  std::uint64_t round_ = 0;
  // walked_: the walk is at its end. asked_again_: so are the known mismatches that it did not come by.
  bool active_ = false, walked_ = false, asked_again_ = false, finished_ = false, complete_ = false;
  SteadyTime next_pass_{}, walk_due_{};
  bool version_changed_ = false;
  bool newer_ = false;  // the address told a newer serial than ours, first at newer_since_
  SteadyTime serial_heard_{}, newer_since_{};
  UnixTime last_full_pass_ = 0;
};

}  // namespace understudy::audit
