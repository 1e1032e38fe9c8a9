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

QuestionWalk::QuestionWalk(Name apex, std::uint64_t seed) : apex_(std::move(apex)), random_(seed) {}

void QuestionWalk::restart() {
  if (finished_) last_.reset();
  end_ = last_;
  wrapped_ = finished_ = false;
  passed_ = 0;
}

double QuestionWalk::coverage() const {
  if (finished_) return 1;
  if (row_.nodes == 0) return 0;
  return std::min(1.0, static_cast<double>(passed_) / static_cast<double>(row_.nodes));
}

// The first node after the one passed last.
bool QuestionWalk::position(backend::Reader& reader, FoundNode& found) const {
  if (!last_) return reader.seek(row_.generation, {}, found);
  if (!reader.seek(row_.generation, *last_, found)) return false;
  return !std::equal(found.key.begin(), found.key.end(), last_->begin(), last_->end()) || reader.next(found);
}

void QuestionWalk::look_at_apex(backend::Reader& reader) {
  FoundNode found;
  dns::NameKey key(apex_);
  const bool exists = reader.find_exact(row_.generation, key, key.size(), found);
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
  row_ = *row;
  look_at_apex(reader);
  const std::size_t enough = questions.size() + wanted;
  FoundNode found;
  bool there = position(reader, found);
  // Nodes without questions (glue, hashes) count against the batch too, or a transaction could last a whole
  // zone.
  for (std::size_t steps = 0; questions.size() < enough && steps < 16 * wanted; ++steps) {
    if (!there && end_ && !wrapped_) {
      wrapped_ = true;
      there = reader.seek(row_.generation, {}, found);
    }
    finished_ = !there || (wrapped_ && std::lexicographical_compare(end_->begin(), end_->end(),
                                                                    found.key.begin(), found.key.end()));
    if (finished_) {
      ++turn_;
      break;
    }
    last_.emplace(found.key.begin(), found.key.end());
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
  if (!node.find(RRType::CNAME)) {
    if (const auto type = absent_type(node)) ask(*type, true);
  }
  if (is_apex || node.is_empty_non_terminal()) ask(RRType::NAPTR);  // NODATA, its TTL and its proof
  if (is_apex && !node.has(flag::wildcard_child)) ask_made_up(*owner, *owner, RRType::A, questions);
}

void QuestionWalk::ask_made_up(const Name& parent, const Name& subject, RRType type,
                               std::vector<Question>& questions) {
  const auto label = made_up_label(next_random(random_));
  const auto name = Name::prepend(label, parent);
  if (name) questions.push_back({*name, type, true, false, subject});
}

}  // namespace understudy::audit
