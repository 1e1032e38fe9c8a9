#include "backend/zone_editor.h"

#include <algorithm>

#include "backend/content_digest.h"
#include "backend/owner_key.h"
#include "backend/reasons.h"

namespace understudy::backend {
namespace {

using Bytes = std::vector<std::uint8_t>;

// TTLs have 31 bits (RFC 2181 8): on its way through the sorter an edit that adds has the bit above them set.
constexpr std::uint32_t added_bit = 0x80000000u;

bool same(Octets a, Octets b) { return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin()); }

// Resets a reader when it goes out of scope.
struct Renewed {
  Reader& reader;
  ~Renewed() { reader.reset(); }
};

// What the content digest leaves out.
bool is_of_soa(const dns::RecordView& record) {
  return record.type == RRType::SOA ||
         (record.type == RRType::RRSIG && RRType{dns::load16(record.rdata.data())} == RRType::SOA);
}

bool has_records(NodeView node, RRType type) {
  const auto rrset = node.find(type);
  return rrset && rrset->size() != 0;
}

}  // namespace

ZoneEditor::ZoneEditor(BuildOptions options, const ZoneRow& live, EditBounds bounds)
    : options_(std::move(options)),
      live_(live),
      bounds_(bounds),
      apex_key_(options_.apex),
      sorter_(options_.spool_directory) {}

Result<> ZoneEditor::edit(bool added, const dns::RecordView& record) {
  dns::NameKey key;
  assign_owner_key(key, record);
  octets_ += key.size() + record.rdata.size();
  dns::RecordView marked = record;
  if (added) marked.ttl |= added_bit;
  return sorter_.add(key, marked);
}

Result<> ZoneEditor::begin_reading() {
  if (sorted_) {
    sorter_.rewind();
  } else if (auto sorted = sorter_.finish(); !sorted) {
    return sorted;
  }
  sorted_ = true;
  return advance();
}

Result<> ZoneEditor::advance() {
  const auto more = sorter_.next(record_);
  if (!more) return more.error();
  more_ = *more;
  return {};
}

// Does all edits of the owner whose edit comes next; `live` is its node, where there is one.
Result<> ZoneEditor::edit_owner(NodeView live) {
  key_.assign(record_.key.begin(), record_.key.end());
  if (auto loaded = owner_.load(key_, live); !loaded) return loaded;
  const auto lower_case = dns::name_of_key(key_);
  if (!lower_case) return Error{reason::mirror_io, "a sorted record came back damaged from the spool"};
  do {
    const NameView owner = record_.owner.empty()
                               ? lower_case->view()
                               : NameView::unchecked(record_.owner.data(), record_.owner.size());
    const Edit edit{(record_.ttl & added_bit) != 0, record_.type, record_.ttl & ~added_bit, record_.rdata};
    if (auto done = owner_.edit(edit, owner, options_.apex); !done) return done;
    if (auto advanced = advance(); !advanced) return advanced;
  } while (more_ && same(record_.key, key_));
  return {};
}

// The edited owner's block without the flags of its place; empty where it has no records.
Result<Bytes> ZoneEditor::make_block() {
  if (owner_.count() == 0) return Bytes();
  if (owner_.count() > options_.records_per_name) {
    return Error{reason::too_many_at_name, to_string(owner_.owner()) + " has more than " +
                                               std::to_string(options_.records_per_name) + " records"};
  }
  builder_.begin(owner_.owner());
  (void)owner_.each([this](const dns::RecordView& r) {
    builder_.add(r.type, r.ttl, r.rdata);
    return Result<>();
  });
  std::uint8_t flags = 0;
  if (!dns::is_nsec3_key(key_)) {
    const bool apex = key_.size() == apex_key_.size();
    if (apex) flags |= node_flag::apex;
    if (!apex && builder_.has_type(RRType::NS)) flags |= node_flag::cut;
    if (builder_.has_type(RRType::DNAME)) flags |= node_flag::dname;
  }
  const auto block = builder_.finish(flags, 0);
  if (!block) return block.error();
  return Bytes(block->begin(), block->end());
}

Result<std::optional<EditedZone>> ZoneEditor::finish(Reader& reader) {
  if (octets_ > bounds_.patch_octets) return std::optional<EditedZone>();
  if (auto begun = begin_reading(); !begun) return begun.error();
  if (auto renewed = reader.renew(); !renewed) return renewed.error();
  const Renewed until_the_end{reader};
  NodePatch patch(reader, live_.generation, apex_key_.octets());
  while (more_) {
    const NodeView live = patch.live(record_.key);
    if (auto edited = edit_owner(live); !edited) return edited.error();
    Result<Bytes> block = make_block();
    if (!block) return block.error();
    patch.put(key_, live, std::move(*block));
  }
  EditedZone edited;
  if (auto checked = check_apex(patch, edited); !checked) return checked.error();
  if (!patch.settle({bounds_.redone_nodes, bounds_.patch_octets})) return std::optional<EditedZone>();
  edited.change.zone_octets = live_octets(reader);
  if (auto told = tell(patch, edited); !told) return told.error();
  std::size_t size = 0;
  for (const StoredNode& node : edited.nodes) size += node.key.size() + node.block.size() + 16;
  const bool large_change =
      change_.octets() > bounds_.change_octets && change_.added() + change_.removed() > live_.records / 5;
  if (size > bounds_.patch_octets || large_change) return std::optional<EditedZone>();
  edited.change.chunks = change_.finish();
  return std::optional<EditedZone>(std::move(edited));
}

Result<> ZoneEditor::check_apex(const NodePatch& patch, EditedZone& edited) const {
  const auto found = patch.nodes().find(apex_key_.octets());
  const NodeView apex =
      found != patch.nodes().end() ? NodeView(found->second.block) : patch.live(apex_key_.octets());
  const auto soa = apex.valid() ? apex.find(RRType::SOA) : std::nullopt;
  if (!soa || soa->size() == 0) {
    return Error{reason::soa_missing,
                 "the zone " + to_string(options_.apex) + " has no SOA record at its apex"};
  }
  if (!has_records(apex, RRType::NS)) {
    return Error{reason::apex_ns_missing,
                 "the zone " + to_string(options_.apex) + " has no NS records at its apex"};
  }
  edited.summary.soa = dns::Soa::of(soa->first_rdata());
  edited.summary.serial = edited.summary.soa.serial;
  return {};
}

// Of the live version's nodes; 0: not known.
std::uint64_t ZoneEditor::live_octets(Reader& reader) const {
  const auto version = reader.version(live_.id, live_.version);
  return version ? version->zone_octets : 0;
}

// What the patch changes: nodes, RRs, counts, digest.
Result<> ZoneEditor::tell(const NodePatch& patch, EditedZone& edited) {
  ContentDigest digest(live_.digest);
  std::uint64_t nodes = live_.nodes, octets = edited.change.zone_octets;
  const bool octets_known = octets != 0;
  for (const auto& [key, node] : patch.nodes()) {
    const Octets before = node.live.octets();
    if (same(before, node.block)) continue;
    if (node.live.valid()) --nodes, octets -= key.size() + before.size();
    if (!node.block.empty()) ++nodes, octets += key.size() + node.block.size();
    edited.nodes.push_back({key, node.block});
    if (!node.edited) continue;
    const auto told = node_change_.between(key, node.live, NodeView(node.block));
    if (!told) return told.error();
    for (const ChangedRecord& changed : *told) {
      change_.add(changed);
      if (is_of_soa(changed.record)) continue;
      changed.added ? digest.add(changed.record) : digest.remove(changed.record);
    }
  }
  edited.summary.records = live_.records + change_.added() - change_.removed();
  edited.summary.nodes = nodes;
  edited.summary.digest = digest.value();
  edited.change.how = How::difference;
  edited.change.added = change_.added();
  edited.change.removed = change_.removed();
  edited.change.zone_octets = octets_known ? octets : 0;
  return {};
}

Result<> ZoneEditor::replay(Reader& reader, const Take& take) {
  if (auto begun = begin_reading(); !begun) return begun;
  if (auto renewed = reader.renew(); !renewed) return renewed.error();
  const Renewed until_the_end{reader};
  NodeExpander expander;
  WalkedNode walked;
  FoundNode found;
  bool more_live = reader.seek(live_.generation, {}, found);
  while (more_live || more_) {
    const int which = !more_live ? 1 : !more_ ? -1 : order(found.key, record_.key);
    if (which < 0) {
      if (auto expanded = expander.expand(found.key, found.node, walked); !expanded) return expanded;
      for (const WalkedRecord& r : walked.records) {
        if (auto taken = take({walked.owner, r.type, r.ttl, r.rdata}); !taken) return taken;
      }
    } else {
      if (auto edited = edit_owner(which == 0 ? found.node : NodeView()); !edited) return edited;
      if (auto given = owner_.each(take); !given) return given;
    }
    if (which <= 0) more_live = reader.next(found);
  }
  return {};
}

}  // namespace understudy::backend
