#include "audit/question_walk.h"

#include <algorithm>

namespace understudy::audit {

using backend::FoundNode;
using backend::NodeView;
using dns::Name;
using dns::NameView;
using dns::RRType;
namespace flag = backend::node_flag;

namespace {

// splitmix64: any sequence that is not the same in every pass.
std::uint64_t next_random(std::uint64_t& state) {
  std::uint64_t z = state += 0x9e3779b97f4a7c15u;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

// 16 letters: nobody has such a name, and a name server's log shows what it is.
std::array<std::uint8_t, 19> made_up_label(std::uint64_t number) {
  std::array<std::uint8_t, 19> label{'u', 's', '-'};
  for (std::size_t i = 3; i < label.size(); ++i, number >>= 4) {
    label[i] = static_cast<std::uint8_t>('a' + (number & 15));
  }
  return label;
}

// Types that are not asked by name: signatures come with what they sign, and the owners of NSEC3 records do
// not exist for queries (RFC 5155 7.2.8).
bool is_asked(const NodeView& node, unsigned i) {
  const RRType type = node.type_at(i);
  return type != RRType::NSEC3 && type != RRType::RRSIG && node.rrset(i).size() > 0;
}

// What providers answer without transferring it, and what people have most.
constexpr RRType popular_types[] = {RRType::A,   RRType::AAAA,  RRType::MX, RRType::TXT,
                                    RRType::CAA, RRType::HTTPS, RRType::SRV};

bool holds_only_nsec3(const NodeView& node) {
  bool nsec3 = false;
  for (unsigned i = 0; i < node.rrset_count(); ++i) {
    if (is_asked(node, i)) return false;
    nsec3 = nsec3 || node.type_at(i) == RRType::NSEC3;
  }
  return nsec3;
}

}  // namespace

QuestionWalk::QuestionWalk(NameView apex, std::uint64_t seed) : apex_(apex), random_(seed) {}

QuestionWalk::Live QuestionWalk::live_of(const backend::ZoneRow& row) {
  return {row.generation, row.version, row.nodes, row.id, row.serial};
}

void QuestionWalk::restart() {
  if (standing_) standing_->end = standing_->last;
  wrapped_ = finished_ = false;
  passed_ = 0;
}

double QuestionWalk::coverage() const {
  if (finished_) return 1;
  if (live_.nodes == 0) return 0;
  return std::min(1.0, static_cast<double>(passed_) / static_cast<double>(live_.nodes));
}

// The first node after the one passed last.
bool QuestionWalk::position(backend::Reader& reader, FoundNode& found) const {
  if (!standing_ || !standing_->last) return reader.seek(live_.generation, {}, found);
  const Key& last = *standing_->last;
  if (!reader.seek(live_.generation, last, found)) return false;
  return !std::ranges::equal(found.key, last) || reader.next(found);
}

bool QuestionWalk::ends_before_the_end() const { return standing_ && standing_->end; }

void QuestionWalk::look_at_apex(backend::Reader& reader) {
  FoundNode found;
  dns::NameKey key(apex_);
  const bool exists = reader.find_exact(live_.generation, key, key.size(), found);
  signed_ = exists && found.node.find(RRType::DNSKEY).has_value();
}

Result<QuestionWalk::Step> QuestionWalk::next(backend::Reader& reader, std::size_t wanted,
                                              std::vector<Question>& questions) {
  if (finished_) return Step::finished;
  const Result<std::uint64_t> renewed = reader.renew();
  if (!renewed) return renewed.error();
  const auto row = reader.zone(apex_);
  if (!row || row->generation == 0) {
    reader.reset();
    return Step::no_data;
  }
  live_ = live_of(*row);
  look_at_apex(reader);
  const std::size_t enough = questions.size() + wanted;
  FoundNode found;
  bool there = position(reader, found);
  // Nodes without questions (glue, hashes) count against the batch too, or a transaction could last a whole
  // zone.
  for (std::size_t steps = 0; questions.size() < enough && steps < 16 * wanted; ++steps) {
    if (!there && ends_before_the_end() && !wrapped_) {
      wrapped_ = true;
      there = reader.seek(live_.generation, {}, found);
    }
    finished_ = !there || (wrapped_ && std::ranges::lexicographical_compare(*standing_->end, found.key));
    if (finished_) {
      standing_.reset();
      ++turn_;
      break;
    }
    if (!standing_) standing_ = std::make_unique<Standing>();
    standing_->last.emplace(found.key.begin(), found.key.end());
    ++passed_;
    ask_about(found, questions);
    there = reader.next(found);
  }
  reader.reset();
  return finished_ ? Step::finished : Step::more;
}

std::optional<RRType> QuestionWalk::absent_type(const NodeView& node) const {
  for (std::size_t i = 0; i < std::size(popular_types); ++i) {
    const RRType type = popular_types[(turn_ + i) % std::size(popular_types)];
    if (!node.find(type)) return type;
  }
  return std::nullopt;
}

void QuestionWalk::ask_about(const FoundNode& found, std::vector<Question>& questions) {
  const NodeView& node = found.node;
  const auto owner = dns::name_of_key(found.key);
  // What is below a cut or a DNAME is no data of the zone: the cut's referral and the DNAME's own questions
  // cover it.
  if (!owner || node.has(flag::occluded) || holds_only_nsec3(node)) return;
  const auto ask = [&](RRType type, bool absent = false) {
    questions.push_back({*owner, type, false, absent, *owner});
  };
  const bool is_apex = node.has(flag::apex);
  if (node.has(flag::cut) && !is_apex) {
    ask(RRType::NS);
    ask(RRType::DS);
    return;
  }
  const bool wildcard = owner->view().is_wildcard();
  const Name parent(owner->view().parent());
  for (unsigned i = 0; i < node.rrset_count(); ++i) {
    // DS at the apex belongs to the parent zone (RFC 4035 3.1.4.1).
    const RRType type = node.type_at(i);
    if (!is_asked(node, i) || (is_apex && type == RRType::DS)) continue;
    ask(type);
    if (type == RRType::CNAME) ask(RRType::A);  // a provider that flattens it says so only here
    if (wildcard && type != RRType::NSEC) ask_made_up(parent, *owner, type, questions);
    if (type == RRType::DNAME) ask_made_up(*owner, *owner, RRType::A, questions);
  }
  if (is_apex || node.is_empty_non_terminal()) ask(RRType::NAPTR);  // NODATA, its TTL and its proof
  // Behind the others: that the whole name is missing is told with one of those.
  if (!node.find(RRType::CNAME)) {
    if (const auto type = absent_type(node)) ask(*type, true);
  }
  if (is_apex) return ask_about_apex(node, questions);
  if (!node.is_empty_non_terminal()) return;
  // That a name is there without any data keeps a wildcard above from answering below it (RFC 4592 2.2.2),
  // and only there.
  if (!node.has(flag::wildcard_child)) ask_made_up(*owner, *owner, RRType::A, questions);
  if (!parent.view().equals(apex_)) ask_made_up(parent, *owner, RRType::TXT, questions);
}

// What signs the zone, and what the parent is asked to publish (RFC 7344): a provider may answer them without
// transferring them. DS at the apex is the parent's, and what an address says of it that serves both.
void QuestionWalk::ask_about_apex(const NodeView& node, std::vector<Question>& questions) {
  const Name apex(apex_);
  for (const RRType type : {RRType::DNSKEY, RRType::CDS, RRType::DS}) {
    if (type == RRType::DS || !node.find(type)) questions.push_back({apex, type, false, true, apex});
  }
  if (!node.has(flag::wildcard_child)) ask_made_up(apex, apex, RRType::A, questions);
}

Result<> QuestionWalk::look(backend::Reader& reader, const std::function<Result<>(const Live&)>& then) {
  const Result<std::uint64_t> renewed = reader.renew();
  if (!renewed) return renewed.error();
  const auto row = reader.zone(apex_);
  Result<> done;
  if (row && row->generation != 0) {
    live_ = live_of(*row);
    look_at_apex(reader);
    done = then(live_);
  }
  reader.reset();
  return done;
}

void QuestionWalk::ask_about_change(backend::Reader& reader, dns::Octets octets, RRType type,
                                    std::vector<Question>& questions) {
  const auto owner = dns::name_of_key(octets);
  if (!owner) return;
  dns::NameKey key(*owner);
  FoundNode found;
  const bool there = reader.find_exact(live_.generation, key, key.size(), found);
  const auto ask = [&](const Name& name, RRType asked) {
    questions.push_back({name, asked, false, false, name});
  };
  if (!there) return ask(*owner, type);
  const NodeView& node = found.node;
  if (node.has(flag::occluded)) {
    // Glue, or below a DNAME: what covers it tells.
    const Name cover(owner->view().suffix(node.cover_labels()));
    dns::NameKey cover_key(cover);
    const bool dname = reader.find_exact(live_.generation, cover_key, cover_key.size(), found) &&
                       found.node.has(flag::dname);
    return ask(cover, dname ? RRType::DNAME : RRType::NS);
  }
  const bool is_apex = node.has(flag::apex);
  if (node.has(flag::cut) && !is_apex) return ask(*owner, type == RRType::DS ? type : RRType::NS);
  if (is_apex && type == RRType::DS) return;
  ask(*owner, type);
  if (owner->view().is_wildcard() && type != RRType::NSEC)
    ask_made_up(Name(owner->view().parent()), *owner, type, questions);
}

namespace {

constexpr std::uint8_t had_wrapped = 1, had_finished = 2, had_last = 4, had_end = 8;
constexpr std::size_t place_head = 1 + 8 + 8 + 2 + 2;

}  // namespace

// Flags, nodes passed, turn, the lengths of two keys, the keys.
void QuestionWalk::append_place(std::vector<std::uint8_t>& out) const {
  static const Standing nowhere;
  const auto& [last, end] = standing_ ? *standing_ : nowhere;
  const std::size_t at = out.size();
  out.resize(at + place_head);
  out[at] = static_cast<std::uint8_t>((wrapped_ ? had_wrapped : 0) | (finished_ ? had_finished : 0) |
                                      (last ? had_last : 0) | (end ? had_end : 0));
  dns::store64(out.data() + at + 1, passed_);
  dns::store64(out.data() + at + 9, turn_);
  dns::store16(out.data() + at + 17, static_cast<std::uint16_t>(last ? last->size() : 0));
  dns::store16(out.data() + at + 19, static_cast<std::uint16_t>(end ? end->size() : 0));
  if (last) out.insert(out.end(), last->begin(), last->end());
  if (end) out.insert(out.end(), end->begin(), end->end());
}

bool QuestionWalk::restore_place(dns::Octets place) {
  if (place.size() < place_head) return false;
  const std::size_t last = dns::load16(place.data() + 17), end = dns::load16(place.data() + 19);
  if (place.size() != place_head + last + end || std::max(last, end) > dns::NameKey::max_octets) return false;
  wrapped_ = (place[0] & had_wrapped) != 0;
  finished_ = (place[0] & had_finished) != 0;
  passed_ = dns::load64(place.data() + 1);
  turn_ = dns::load64(place.data() + 9);
  const auto key = [&](std::size_t from, std::size_t size) {
    const auto begin = place.begin() + static_cast<std::ptrdiff_t>(from);
    return Key(begin, begin + static_cast<std::ptrdiff_t>(size));
  };
  standing_.reset();
  if (finished_) return true;  // at the beginning of the next
  const bool has_end = (place[0] & had_end) != 0;
  if ((place[0] & (had_last | had_end)) != 0) standing_ = std::make_unique<Standing>();
  if ((place[0] & had_last) != 0) standing_->last = key(place_head, last);
  if (has_end) standing_->end = key(place_head + last, end);
  wrapped_ = wrapped_ && has_end;  // damaged otherwise: it ends at the end of the zone
  return true;
}

void QuestionWalk::ask_made_up(const Name& parent, const Name& subject, RRType type,
                               std::vector<Question>& questions) {
  const auto label = made_up_label(next_random(random_));
  const auto name = Name::prepend(label, parent);
  if (name) questions.push_back({*name, type, true, false, subject});
}

}  // namespace understudy::audit
