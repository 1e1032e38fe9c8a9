#include "backend/zone_builder.h"

#include <algorithm>
#include <bit>

#include "backend/content_digest.h"
#include "backend/denial_chain.h"
#include "backend/owner_key.h"
#include "backend/reasons.h"
#include "backend/record_sorter.h"

namespace understudy::backend {
namespace {

std::uint64_t hash_of(Octets key) {
  return std::hash<std::string_view>()({reinterpret_cast<const char*>(key.data()), key.size()});
}

bool starts_with(Octets key, Octets prefix) {
  return key.size() >= prefix.size() && std::equal(prefix.begin(), prefix.end(), key.begin());
}

// The octets of the first `labels` labels of a key.
std::size_t prefix_size(Octets key, unsigned labels) {
  std::size_t at = 0;
  while (labels > 0) labels -= key[at++] == 0;
  return at;
}

}  // namespace

struct ZoneBuilder::Impl {
  explicit Impl(BuildOptions given)
      : options(std::move(given)),
        apex_key(options.apex),
        apex_labels(apex_key.label_count()),
        sorter(options.spool_directory) {}

  Result<> add(const dns::RecordView& record);
  Result<> add_node(const Sink& sink);
  Result<> add_missing_ancestors(Octets key, unsigned labels, const Sink& sink);
  Result<> store(Octets key, Octets block, const Sink& sink);
  Result<> check_apex() const;
  // Flags that depend on where the node stands; notes the cut or DNAME that covers what follows.
  std::uint8_t place_flags(Octets key, bool opens_cover, unsigned labels, unsigned& cover_labels);
  bool is_wildcard_parent(Octets name) const {
    const std::uint64_t hash = hash_of(name);
    return may_be_parent[hash % may_be_parent.size()] &&
           std::binary_search(wildcard_parents.begin(), wildcard_parents.end(), hash);
  }
  void index_wildcard_parents();

  BuildOptions options;
  dns::NameKey apex_key;
  unsigned apex_labels;
  RecordSorter sorter;
  // Hashes of the keys under which a "*" stands. Two names of one hash would cost a look-up, not a wrong
  // answer.
  std::vector<std::uint64_t> wildcard_parents;
  std::vector<bool> may_be_parent;  // by hash, a bit each: most names need no search

  ContentDigest digest;
  DenialChain chain;
  NodeBuilder node;
  BuildSummary summary;
  std::vector<std::uint8_t> key, previous;  // of the node being built, and of the one stored last
  std::vector<std::uint8_t> cover;          // of the topmost cut or DNAME that may cover what follows
  bool have_cover = false;
  unsigned cover_labels = 0;
  std::vector<StoredNode> batch;
  std::size_t batch_octets = 0;
  unsigned soa_count = 0;
};

ZoneBuilder::ZoneBuilder(BuildOptions options) : impl_(std::make_unique<Impl>(std::move(options))) {}
ZoneBuilder::~ZoneBuilder() = default;

Result<> ZoneBuilder::add(const dns::RecordView& record) { return impl_->add(record); }

Result<> ZoneBuilder::Impl::add(const dns::RecordView& record) {
  dns::NameKey name;
  assign_owner_key(name, record);
  // A "*" label anywhere makes a wildcard of the name that begins there, be it an empty non-terminal (RFC
  // 4592 2.1.1).
  unsigned labels = name.label_count();
  for (NameView n = record.owner; labels > apex_labels; n = n.parent(), --labels) {
    if (!n.is_wildcard()) continue;
    const std::uint64_t hash = hash_of(name.octets().first(name.prefix_size(labels - 1)));
    if (wildcard_parents.empty() || wildcard_parents.back() != hash) wildcard_parents.push_back(hash);
  }
  return sorter.add(name, record);
}

void ZoneBuilder::Impl::index_wildcard_parents() {
  std::sort(wildcard_parents.begin(), wildcard_parents.end());
  may_be_parent.assign(std::bit_ceil(16 * wildcard_parents.size() + 1), false);
  for (const std::uint64_t hash : wildcard_parents) may_be_parent[hash % may_be_parent.size()] = true;
}

Result<> ZoneBuilder::Impl::store(Octets node_key, Octets block, const Sink& sink) {
  chain.see(node_key, NodeView(block));
  batch.push_back({{node_key.begin(), node_key.end()}, {block.begin(), block.end()}});
  batch_octets += node_key.size() + block.size() + 16;
  ++summary.nodes;
  previous.assign(node_key.begin(), node_key.end());
  if (batch_octets < limits::commit_octets) return {};
  batch_octets = 0;
  return sink(std::exchange(batch, {}));
}

std::uint8_t ZoneBuilder::Impl::place_flags(Octets node_key, bool opens_cover, unsigned labels,
                                            unsigned& node_cover_labels) {
  std::uint8_t flags = is_wildcard_parent(node_key) ? node_flag::wildcard_child : std::uint8_t{0};
  node_cover_labels = 0;
  if (have_cover && starts_with(node_key, cover)) {
    node_cover_labels = cover_labels;
    return flags | node_flag::occluded;
  }
  have_cover = opens_cover;
  if (opens_cover) {
    cover.assign(node_key.begin(), node_key.end());
    cover_labels = labels;
  }
  return flags;
}

// Names without records on the way down to `key` (empty non-terminals) are nodes too.
Result<> ZoneBuilder::Impl::add_missing_ancestors(Octets node_key, unsigned labels, const Sink& sink) {
  std::size_t same = 0;
  unsigned common = 0;
  while (same < previous.size() && same < node_key.size() && previous[same] == node_key[same]) {
    common += node_key[same++] == 0;
  }
  for (unsigned depth = std::max(common, apex_labels) + 1; depth < labels; ++depth) {
    const std::vector<std::uint8_t> ancestor(
        node_key.begin(), node_key.begin() + static_cast<std::ptrdiff_t>(prefix_size(node_key, depth)));
    unsigned node_cover_labels = 0;
    const std::uint8_t flags = place_flags(ancestor, false, depth, node_cover_labels);
    const std::array<std::uint8_t, 4> block{flags, static_cast<std::uint8_t>(node_cover_labels), 0, 0};
    if (auto stored = store(ancestor, block, sink); !stored) return stored;
  }
  return {};
}

Result<> ZoneBuilder::Impl::check_apex() const {
  if (!node.has_type(RRType::NS)) {
    return Error{reason::apex_ns_missing,
                 "the zone " + to_string(options.apex) + " has no NS records at its apex"};
  }
  return {};
}

// Stores the node whose records were gathered in `node`.
Result<> ZoneBuilder::Impl::add_node(const Sink& sink) {
  if (dns::is_nsec3_key(key)) {
    // Neither below anything nor above; only where it does not stand right below the apex, as RFC 5155 3
    // wants it, there may be names on the way that nothing else makes.
    const Octets zone = Octets(key).first(dns::nsec3_hash_place(key) - 1);
    if (auto added = add_missing_ancestors(zone, dns::key_label_count(zone) + 1, sink); !added) return added;
    auto block = node.finish(0, 0, &digest);
    if (!block) return block.error();
    summary.records += node.record_count();
    return store(key, *block, sink);
  }
  const unsigned labels = dns::key_label_count(key);
  const bool is_apex = labels == apex_labels;
  if (is_apex) {
    if (auto checked = check_apex(); !checked) return checked;
  }
  if (options.drop_cname_conflicts && node.has_other_than_cname()) {
    summary.dropped_cnames += node.drop_type(RRType::CNAME);
  }
  if (auto added = add_missing_ancestors(key, labels, sink); !added) return added;
  const bool cut = !is_apex && node.has_type(RRType::NS);
  const bool dname = node.has_type(RRType::DNAME);
  unsigned node_cover_labels = 0;
  std::uint8_t flags = place_flags(key, cut || dname, labels, node_cover_labels);
  if (is_apex) flags |= node_flag::apex;
  if (cut) flags |= node_flag::cut;
  if (dname) flags |= node_flag::dname;
  auto block = node.finish(flags, node_cover_labels, &digest);
  if (!block) return block.error();
  summary.records += node.record_count();
  return store(key, *block, sink);
}

Result<BuildSummary> ZoneBuilder::finish(const Sink& sink) {
  Impl& self = *impl_;
  self.index_wildcard_parents();
  if (auto sorted = self.sorter.finish(); !sorted) return sorted.error();
  RecordSorter::Sorted record;
  bool first = true;
  for (;;) {
    const auto more = self.sorter.next(record);
    if (!more) return more.error();
    const bool new_owner =
        first || !*more || record.key.size() != self.key.size() || !starts_with(record.key, self.key);
    if (new_owner && !first) {
      if (auto added = self.add_node(sink); !added) return added.error();
    }
    if (!*more) break;
    if (new_owner) {
      first = false;
      self.key.assign(record.key.begin(), record.key.end());
      const auto owner = dns::name_of_key(record.key);
      if (!owner) return Error{reason::mirror_io, "a sorted record came back damaged from the spool"};
      self.node.begin(record.owner.empty() ? owner->view()
                                           : NameView::unchecked(record.owner.data(), record.owner.size()));
    }
    if (record.type == RRType::SOA) {
      if (self.key.size() != self.apex_key.size() || ++self.soa_count > 1) {
        return Error{reason::second_soa,
                     "the zone " + to_string(self.options.apex) + " has more than one SOA record"};
      }
      self.summary.soa = dns::Soa::of(record.rdata);
      self.summary.serial = self.summary.soa.serial;
    }
    if (self.node.added() == self.options.records_per_name) {
      const auto owner = dns::name_of_key(self.key);
      return Error{reason::too_many_at_name, to_string(*owner) + " has more than " +
                                                 std::to_string(self.options.records_per_name) + " records"};
    }
    self.node.add(record.type, record.ttl, record.rdata);
  }
  if (self.soa_count == 0) {
    return Error{reason::soa_missing,
                 "the zone " + to_string(self.options.apex) + " has no SOA record at its apex"};
  }
  if (!self.batch.empty()) {
    if (auto stored = sink(std::exchange(self.batch, {})); !stored) return stored.error();
  }
  self.summary.digest = self.digest.value();
  self.chain.finish();
  self.summary.chain_gaps = self.chain.gaps();
  self.summary.first_chain_gap = self.chain.first_gap();
  return self.summary;
}

}  // namespace understudy::backend
