// What is reported of a pass, and what of it is kept in the mirror.
#include "audit/zone_pass.h"
#include "backend/mirror.h"

namespace understudy::audit {

namespace {

constexpr std::uint8_t position_format = 1;
constexpr std::uint8_t was_active = 1, was_covered = 2;

void append64(std::vector<std::uint8_t>& out, std::uint64_t number) {
  out.resize(out.size() + 8);
  dns::store64(out.data() + out.size() - 8, number);
}

}  // namespace

void ZonePass::append_mismatches(std::vector<Mismatch>& out) const {
  if (!differing_) return;
  for (const auto& [subject, known] : differing_->known) {
    if (known.expected) continue;
    const Evidence& evidence = known.evidence;
    out.push_back({evidence.question.name, evidence.question.type, tally_.address, evidence.difference,
                   known.ours, known.theirs, evidence.since, evidence.question.random_label, evidence.seen,
                   evidence.version, evidence.serial, evidence.their_serial, known.nsid, known.zone_version});
  }
}

void ZonePass::count_expected(std::vector<std::uint64_t>& out) const {
  if (!differing_) return;
  for (const auto& [subject, known] : differing_->known) {
    if (known.expected && *known.expected < out.size()) ++out[*known.expected];
  }
}

// Format, flags, version, when the pass began, last full pass, the walk's place, the tallies.
std::vector<std::uint8_t> ZonePass::position() const {
  std::vector<std::uint8_t> value{position_format, static_cast<std::uint8_t>((active_ ? was_active : 0) |
                                                                             (complete() ? was_covered : 0))};
  for (const std::uint64_t number :
       {std::uint64_t{looked_}, static_cast<std::uint64_t>(pass_began_),
        static_cast<std::uint64_t>(last_full_pass_), tally_.asked, tally_.match, tally_.mismatch,
        tally_.dynamic, tally_.expected, tally_.unknown + (active_ && asking_ ? asking_->lost : 0)}) {
    append64(value, number);
  }
  if (active_ && asking_ && !asking_->place.empty()) {
    value.insert(value.end(), asking_->place.begin(), asking_->place.end());
  } else {
    walk_.append_place(value);
  }
  return value;
}

std::vector<backend::AuditRow> ZonePass::take_rows() {
  std::vector<backend::AuditRow> rows;
  const backend::ZoneId zone = zone_id();
  if (zone == 0 || options_->once) return rows;
  using backend::AuditKind;
  if (differing_) {
    for (const backend::AuditKey& key : std::exchange(differing_->gone, {}))
      rows.push_back({zone, AuditKind::evidence, key, {}});
    for (auto& [subject, known] : differing_->known) {
      if (!std::exchange(known.unsaved, false)) continue;
      rows.push_back(
          {zone, AuditKind::evidence, evidence_key(subject, tally_.address), encode(known.evidence)});
    }
    if (differing_->empty()) differing_.reset();
  }
  if (std::exchange(moved_, false)) {
    rows.push_back({zone, AuditKind::pass, address_key(tally_.address), position()});
  }
  return rows;
}

void ZonePass::restore(const backend::ZoneRow& zone, const std::vector<backend::AuditRow>& rows,
                       Instant now) {
  walk_.set_live(QuestionWalk::live_of(zone));
  looked_ = zone.version;
  for (const backend::AuditRow& row : rows) {
    if (row.kind == backend::AuditKind::pass) {
      if (row.key == address_key(tally_.address)) restore_position(row.value, now);
    } else if (auto evidence = decode_evidence(row.value); evidence && evidence->address == tally_.address) {
      restore_evidence(std::move(*evidence), now.wall);
    }
  }
}

// The pass goes on where it stood; what was published meanwhile is looked for like any publication.
void ZonePass::restore_position(dns::Octets value, Instant now) {
  constexpr std::size_t numbers = 9, head = 2 + 8 * numbers;
  if (value.size() < head || value[0] != position_format || !walk_.restore_place(value.subspan(head))) return;
  std::array<std::uint64_t, numbers> number;
  for (std::size_t i = 0; i < numbers; ++i) number[i] = dns::load64(value.data() + 2 + 8 * i);
  QuestionWalk::Live live = walk_.live();
  if (number[0] == 0 || number[0] > live.version) return;
  look_for_changes_ = number[0] != live.version;
  live.version = number[0];
  walk_.set_live(live);
  looked_ = live.version;
  active_ = (value[1] & was_active) != 0;
  covered_ = (value[1] & was_covered) != 0;
  pass_began_ = static_cast<UnixTime>(number[1]);
  last_full_pass_ = static_cast<UnixTime>(number[2]);
  tally_.asked = number[3];
  tally_.match = number[4];
  tally_.mismatch = number[5];
  tally_.dynamic = number[6];
  tally_.expected = number[7];
  tally_.unknown = number[8];
  round_ = 1;
  // A clock that was put back must not hold up the next pass for longer than a period.
  const Seconds ago(std::clamp<UnixTime>(now.wall - pass_began_, 0, options_->period.count()));
  next_pass_ = now.steady + (options_->period - ago);
  walk_due_ = now.steady;
}

void ZonePass::restore_evidence(Evidence evidence, UnixTime now) {
  if (!make_room(true)) return;
  Known known;
  const auto side = [&](dns::Octets message) {
    NormalAnswer answer =
        message.empty() ? no_answer("not kept") : normalise(walk_.apex(), evidence.question, message);
    return answer;
  };
  const NormalAnswer theirs = side(evidence.theirs);
  known.ours = describe(evidence.question, side(evidence.ours));
  known.theirs = describe(evidence.question, theirs);
  known.nsid = theirs.nsid;
  known.zone_version = theirs.zone_serial;
  known.content = fingerprint(theirs).content;
  known.name_error = theirs.end == NormalAnswer::End::name_error;
  known.expected = expectation_of(evidence.question, evidence.difference, now);
  known.unsaved = false;
  const Subject subject = subject_of(evidence.question);
  known.evidence = std::move(evidence);
  if (differing().known.insert_or_assign(subject, std::move(known)).second) ++*options_->kept;
}

}  // namespace understudy::audit
