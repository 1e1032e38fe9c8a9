// What is known of one zone at one address, and what is to be asked there next: passes over the zone, what a
// new version changed, queries of clients, second questions before a mismatch counts, the mismatches of now
// and the tallies.
//
// No sockets and no clock of its own. Belongs to one thread. There is one for each zone and address: what is
// asked, and what differs, is kept apart and only as long as there is any, so that a pass is some three
// hundred octets while nothing of it is under way. Bounded by one batch of questions, by the questions under
// way, by `most_doubts` that wait for another question, `most_changed` after a publication, `most_live` of
// clients' and `most_mismatches` kept; and of all passes together by `most_in_all`.
#pragma once

#include <map>

#include "audit/confirmation.h"
#include "audit/dynamic_sets.h"
#include "audit/evidence.h"
#include "audit/expectation.h"
#include "audit/question_walk.h"
#include "audit/verdict.h"

namespace understudy::audit {

struct PassOptions {
  Seconds period{3600};                           // between the starts of two passes
  std::chrono::milliseconds confirm_after{5000};  // what differs is asked again and again for so long
  // An address with another serial than ours is behind or ahead of us for this long at most, before that
  // excuses nothing any more (some providers count serials of their own).
  Seconds in_flight{600};
  Seconds dynamic_kept{86400};  // a set of alternating answers is forgotten after this
  bool once = false;            // one pass and no other
  // Somebody refreshes the zone where it is doubted, and calls refreshed(): a difference waits for that.
  bool refreshes = false;
  ExpectationsPtr expectations = {};
  // Mismatches that all passes with it keep together.
  std::shared_ptr<std::size_t> kept = std::make_shared<std::size_t>(0);
};

using PassOptionsPtr = std::shared_ptr<const PassOptions>;

// One moment by both clocks.
struct Instant {
  SteadyTime steady;
  UnixTime wall = 0;
};

// A question on its way.
struct Ask {
  enum class Origin : std::uint8_t { walk, changed, live };

  Question question;
  bool dnssec = false;
  Origin origin = Origin::walk;
  bool again = false;          // not the first time, or known to differ
  SteadyTime doubted_at{};     // when it was answered last, where it is asked again
  SteadyTime differs_since{};  // when the first of `heard` that differed was
  // Since when an address with another serial than ours has said the same, and what.
  SteadyTime apart_since{};
  std::uint64_t apart_content = 0;
  unsigned tries = 0;                        // asked so often before
  Confirmation heard = {};                   // what the address said before,
  std::optional<std::uint32_t> serial = {};  // when it told this serial
};

class ZonePass {
 public:
  static constexpr std::size_t batch = 64;
  static constexpr std::size_t most_doubts = 10'000;
  static constexpr std::size_t most_mismatches = 1'000;
  static constexpr std::size_t most_in_all = 20'000;  // beyond it each pass keeps one
  static constexpr std::size_t most_changed = 2'000;
  static constexpr std::size_t most_live = 64;
  // Asked so often in all before a difference counts; where very many differ anyhow, less often.
  static constexpr unsigned confirmations = 8, confirmations_of_many = 2;
  static constexpr std::size_t many = 100;

  // Passes share their options.
  ZonePass(dns::NameView apex, net::Endpoint address, PassOptionsPtr options, std::uint64_t seed);
  ~ZonePass();
  ZonePass(const ZonePass&) = delete;
  ZonePass& operator=(const ZonePass&) = delete;

  dns::NameView apex() const { return walk_.apex(); }

  // When take() may have a question; SteadyTime::max() where only an answer or a new version brings one.
  SteadyTime due() const { return std::min(due_first(), walk_due()); }
  // When it may have one that no walk is to hold up, be it over however many zones: of what changed, of
  // clients', one that is asked again, or the rest of a batch.
  SteadyTime due_first() const;
  // When the walk may take its next batch.
  SteadyTime walk_due() const;
  // The next question, if there is one now.
  Result<std::optional<Ask>> take(backend::Reader& reader, Instant now);
  // Both answers to what take() gave. The messages are evidence; they may be empty.
  void settle(const Ask& ask, const NormalAnswer& ours, const NormalAnswer& theirs, Instant now,
              RawAnswers messages = {});
  // The same where both are equal octet by octet, and say something.
  void settle_same(const Ask& ask, Instant now);
  // A question of a client's; it is forgotten where too many wait already.
  void offer(Question question, bool dnssec);

  // The serial that the address told; nothing where it did not answer.
  void heard_serial(std::optional<std::uint32_t> serial, SteadyTime now);
  bool knows_serial_since(SteadyTime when) const { return tally_.serial_answered && serial_heard_ >= when; }
  // Another version is live: what it changed is asked at once, and the pass goes on. Where that is too much,
  // or not known, everything is asked again, from where the walk stands and round.
  void published() { look_for_changes_ = true; }
  // Another period, and other differences that are expected; of those that are known too.
  void change(PassOptionsPtr options, Instant now);
  // What is expected now; the time of an expectation may have come to its end.
  void look_at_expectations(UnixTime now);
  // A refresh of the zone that began then is over, however it ended.
  void refreshed(SteadyTime began) { refreshed_ = std::max(refreshed_, began); }
  // Ends a single pass early; it stays incomplete.
  void give_up() { finished_ = true; }

  // A single pass is over.
  bool finished() const { return finished_; }
  // Every question of the last pass was answered, none is unknown, and so is whatever changed since.
  bool complete() const;
  double coverage() const { return walk_.coverage(); }
  UnixTime last_full_pass() const { return last_full_pass_; }
  std::uint64_t version() const { return walk_.live().version; }
  backend::ZoneId zone_id() const { return walk_.live().id; }
  const Tally& tally() const { return tally_; }
  const std::array<std::uint64_t, 4>& totals() const { return totals_; }
  void append_mismatches(std::vector<Mismatch>& out) const;
  // Adds to each expectation how many differences it explains now.
  void count_expected(std::vector<std::uint64_t>& out) const;
  // Something was doubted since this was asked last: a refresh of the zone is wanted.
  bool take_doubted() { return std::exchange(doubted_, false); }

  // What is to be kept in the mirror and has changed since this was asked last; where the zone is not known
  // to the mirror yet, nothing.
  std::vector<backend::AuditRow> take_rows();
  // What was kept there, before the first take(). Rows of other addresses are passed over.
  void restore(const backend::ZoneRow& zone, const std::vector<backend::AuditRow>& rows, Instant now);

 private:
  struct Known {
    Evidence evidence;
    Side ours, theirs;
    std::string nsid;                           // of who answered
    std::optional<std::uint32_t> zone_version;  // that the answer was said to be of
    std::uint64_t content = 0;                  // of their answer
    std::optional<std::size_t> expected;        // the place of the expectation that explains it
    std::uint64_t round = 0;                    // in which it was seen last,
    std::uint64_t counted = 0;                  // and that has counted it as a mismatch
    bool name_error = false;                    // they say that there is no such name
    bool unsaved = true;
  };

  void begin(Instant now);
  void note_place();
  Result<> look_for_changes(backend::Reader& reader, Instant now);
  Result<> walk_on(backend::Reader& reader, Instant now);
  std::optional<Ask> next_ask(SteadyTime now);
  bool has_batch() const { return asking_ && !asking_->batch.empty() && !doubts_full(); }
  // Of those questions nothing is under way, in doubt or waiting.
  void over(Ask::Origin origin) { --asking().pending[static_cast<std::size_t>(origin)]; }
  std::size_t pending(Ask::Origin origin) const {
    return asking_ ? asking_->pending[static_cast<std::size_t>(origin)] : 0;
  }
  bool may_finish() const;
  void finish_where_done(UnixTime wall);
  bool differ_many() const;
  bool apart_from_us(const Ask& ask, const Judgement& judgement, const NormalAnswer& theirs,
                     SteadyTime now) const;
  std::optional<Judgement> decide(const Ask& ask, Judgement judgement, const NormalAnswer& theirs,
                                  Instant now);
  std::optional<Judgement> doubt(const Ask& ask, const Judgement& judgement, Fingerprint theirs, Instant now);
  bool waits_for_refresh(const Ask& ask) const;
  bool is_told_already(const Subject& subject) const;
  void take_back_absent(const std::string& owner);
  bool is_of(std::map<Subject, Known>::const_iterator known, const std::string& owner) const;
  void ask_again(Ask ask, Instant now);
  void wake_waiting(SteadyTime now);
  void count(Verdict verdict, Ask::Origin origin);
  bool keep(const Ask& ask, Class difference, const NormalAnswer& ours, const NormalAnswer& theirs,
            RawAnswers messages, UnixTime wall);
  bool make_room(bool expected);
  void forget(const Question& question, bool cleared);
  void erase(std::map<Subject, Known>::iterator known);
  std::optional<std::size_t> expectation_of(const Question& question, Class difference, UnixTime now) const;
  std::vector<std::uint8_t> position() const;
  void restore_position(dns::Octets value, Instant now);
  void restore_evidence(Evidence evidence, UnixTime now);

  // What a zone in sync has nothing of.
  struct Differences {
    explicit Differences(Seconds dynamic_kept) : dynamic(dynamic_kept) {}
    bool empty() const {
      return known.empty() && cleared.empty() && dynamic.empty() && doubts.empty() && waiting.empty() &&
             gone.empty();
    }
    std::map<Subject, Known> known;
    // Mismatches that went without a new version, and their answers; forgotten together, as alternating sets
    // are.
    std::map<Subject, std::uint64_t> cleared;
    DynamicSets dynamic;
    std::multimap<SteadyTime, Ask> doubts;  // by when they are due
    std::vector<Ask> waiting;               // differ while the address has another serial than we
    std::vector<backend::AuditKey> gone;    // evidence of mismatches that are no more
  };
  Differences& differing();  // made where there is none
  std::size_t known_count() const { return differing_ ? differing_->known.size() : 0; }
  bool doubts_full() const { return differing_ && differing_->doubts.size() >= most_doubts; }

  // What a pass that asks nothing has nothing of.
  struct Asking {
    bool is_over() const {
      return batch.empty() && changed.empty() && live.empty() && pending == std::array<std::size_t, 3>{};
    }
    std::vector<Question> batch, changed;  // taken from the back
    std::vector<std::pair<Question, bool>> live;
    bool live_turn = false;
    std::array<std::size_t, 3> pending{};  // by origin: under way, in doubt, or waiting
    SteadyTime look_due{};                 // for changes, where the mirror could not be read
    // Where a restart goes on: before whatever was not answered yet, but for so many questions.
    std::vector<std::uint8_t> place;
    std::uint64_t place_asked = 0, lost = 0;
  };
  Asking& asking();  // made where there is none
  void rest();       // gives it back where it is over
  SteadyTime look_due() const { return asking_ ? asking_->look_due : SteadyTime{}; }

  PassOptionsPtr options_;
  QuestionWalk walk_;
  Tally tally_;
  std::array<std::uint64_t, 4> totals_{};
  std::unique_ptr<Differences> differing_;  // none: there are none
  SteadyTime cleared_since_{};

  std::unique_ptr<Asking> asking_;  // none: nothing is
  std::uint64_t round_ = 0;
  // walked_: the walk is at its end. asked_again_: so are the known mismatches that it did not come by.
  bool active_ = false, walked_ = false, asked_again_ = false, finished_ = false;
  bool covered_ = false, look_for_changes_ = false, doubted_ = false, moved_ = false;
  bool apart_ = false;                 // the address told another serial than ours, first at apart_since_
  backend::Version looked_ = 0;        // what this version and those before changed was looked at
  std::uint64_t unknown_of_live_ = 0;  // in this pass; what strangers ask proves nothing about the walk
  SteadyTime next_pass_{}, walk_due_{}, refreshed_{};
  UnixTime pass_began_ = 0;
  // unequal_since_: the same, whatever versions came here meanwhile.
  SteadyTime serial_heard_{}, apart_since_{}, unequal_since_{};
  UnixTime last_full_pass_ = 0;
};

}  // namespace understudy::audit
