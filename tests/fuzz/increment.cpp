// A reply to IXFR, from its octets to the nodes: differences are refused, or what they put in place is what
// writing the zone anew makes of the same records.
#include <map>

#include "backend/key_order.h"
#include "backend/zone_editor.h"
#include "dns/presentation.h"
#include "fuzz/fuzz.h"
#include "sync/transfer_decoder.h"

namespace understudy::fuzz {
namespace {

using backend::BuildSummary;
using backend::StoredNode;

struct KeyLess {
  using is_transparent = void;
  bool operator()(Octets a, Octets b) const { return backend::order(a, b) < 0; }
};
using Nodes = std::map<Bytes, Bytes, KeyLess>;

const char* const zone_text[][3] = {
    {"example.", "SOA", "ns.example. host.example. 1 2 3 4 5"},
    {"example.", "NS", "ns.example."},
    {"ns.example.", "A", "192.0.2.1"},
    {"a.b.c.example.", "A", "192.0.2.1"},
    {"cut.example.", "NS", "ns.cut.example."},
    {"ns.cut.example.", "A", "192.0.2.2"},
    {"x.y.cut.example.", "NS", "ns.example."},
    {"*.w.example.", "MX", "1 ns.example."},
    {"*.w.example.", "TXT", "\"t\""},
    {"d.example.", "DNAME", "e."},
    {"below.d.example.", "A", "192.0.2.3"},
    {"k.example.", "CNAME", "ns.example."},
    {"v.*.z.example.", "A", "192.0.2.4"},
    {"0p9mhaveqvm6t7vbl5lop2u3t2rp3tom.example.", "NSEC3", "1 0 0 - 2t7b4g4vsa5smi47k61mv5bv1a22bojr A"}};

backend::BuildOptions options() { return {*dns::Name::from_text("example."), "/nonexistent", 20, false}; }

// Nodes in memory, as one generation.
class Memory final : public backend::Reader {
 public:
  explicit Memory(Nodes nodes) : nodes_(std::move(nodes)) {}
  const Nodes& nodes() const { return nodes_; }
  Result<std::uint64_t> renew() override { return 1; }
  void reset() override {}
  bool find(backend::Generation, dns::NameKey&, backend::FoundNode&) override { std::abort(); }
  bool find_exact(backend::Generation, dns::NameKey&, std::size_t, backend::FoundNode&) override {
    std::abort();
  }
  bool seek(backend::Generation, Octets from, backend::FoundNode& found) override {
    at_ = nodes_.lower_bound(from);
    return give(found);
  }
  bool next(backend::FoundNode& found) override {
    ++at_;
    return give(found);
  }
  std::optional<backend::ZoneRow> zone(dns::NameView) override { return std::nullopt; }
  std::optional<backend::TimerRow> timers(backend::ZoneId) override { return std::nullopt; }
  std::vector<std::pair<dns::Name, backend::ZoneRow>> zones() override { return {}; }
  std::vector<backend::VersionRow> versions(backend::ZoneId) override { return {}; }
  std::optional<backend::VersionRow> version(backend::ZoneId, backend::Version) override {
    return std::nullopt;
  }
  std::optional<backend::VersionRow> version_after(backend::ZoneId, backend::Version) override {
    return std::nullopt;
  }
  std::optional<backend::HeldVersion> held(backend::ZoneId) override { return std::nullopt; }
  backend::Standing standing(backend::ZoneId) override { return {}; }
  Octets change_chunk(backend::ZoneId, backend::Version, std::uint32_t) override { return {}; }
  std::vector<backend::AddedZone> added() override { return {}; }
  std::vector<backend::UnservedZone> unserved() override { return {}; }
  std::vector<backend::AuditRow> audit_rows(backend::ZoneId, backend::AuditKind) override { return {}; }

 private:
  bool give(backend::FoundNode& found) {
    if (at_ == nodes_.end()) return false;
    found.key = at_->first;
    found.node = backend::NodeView(at_->second);
    return true;
  }
  const Nodes nodes_;
  Nodes::const_iterator at_;
};

Nodes finish(backend::ZoneBuilder& builder, Result<BuildSummary>& summary) {
  Nodes nodes;
  summary = builder.finish([&](std::vector<StoredNode> batch) {
    for (StoredNode& node : batch) nodes[node.key] = node.block;
    return Result<>();
  });
  return nodes;
}

struct Live {
  Live() : reader(build()) {}
  Nodes build() {
    backend::ZoneBuilder builder(options());
    for (const auto& [owner, type, text] : zone_text) {
      const auto rr_type = *dns::parse_type(type);
      const auto rdata = dns::parse_rdata_text(rr_type, text, dns::Name());
      check(rdata && builder.add({*dns::Name::from_text(owner), rr_type, 60, *rdata}), "the zone is no zone");
    }
    Result<BuildSummary> summary = BuildSummary();
    Nodes nodes = finish(builder, summary);
    check(summary.has_value(), "the zone is refused");
    row.records = summary->records;
    row.nodes = summary->nodes;
    row.digest = summary->digest;
    row.serial = 1;
    return nodes;
  }
  backend::ZoneRow row;
  Memory reader;
};

class Target final : public sync::RecordTarget {
 public:
  explicit Target(backend::ZoneEditor& editor) : editor_(editor) {}
  Result<> record(const dns::RecordView&) override {
    check(!differences_, "records of a zone among differences");
    return {};
  }
  Result<> changed(bool added, const dns::RecordView& record) override {
    differences_ = true;
    check(record.owner.is_at_or_below(*dns::Name::from_text("example.")), "a record outside of the zone");
    if (record.type == dns::RRType::SOA) check(added && ++soas_ == 1, "an SOA on the way");
    return editor_.edit(added, record);
  }
  unsigned soas() const { return soas_; }

 private:
  backend::ZoneEditor& editor_;
  bool differences_ = false;
  unsigned soas_ = 0;
};

void check_in_place(Live& live, backend::ZoneEditor& editor,
                    const std::optional<backend::EditedZone>& edited) {
  backend::ZoneBuilder builder(options());
  const auto replayed = editor.replay(live.reader, [&](const dns::RecordView& r) { return builder.add(r); });
  check(replayed.has_value(), "edits that can be done once cannot be done again");
  Result<BuildSummary> anew = BuildSummary();
  const Nodes expected = finish(builder, anew);
  if (!edited) return;
  check(anew.has_value(), "what was put in place is no zone");
  Nodes nodes = live.reader.nodes();
  for (const StoredNode& node : edited->nodes) {
    if (node.block.empty()) {
      check(nodes.erase(node.key) == 1, "a node goes that is not there");
    } else {
      nodes[node.key] = node.block;
    }
  }
  check(nodes == expected, "in place and anew are not the same");
  check(edited->summary.records == anew->records && edited->summary.nodes == anew->nodes, "wrong counts");
  check(edited->summary.digest == anew->digest && edited->summary.serial == anew->serial,
        "a wrong digest or serial");
}

}  // namespace
}  // namespace understudy::fuzz

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace understudy;
  using State = sync::TransferDecoder::State;
  static fuzz::Live live;
  fuzz::Feed feed({data, size});
  sync::TransferRules rules;
  rules.apex = *dns::Name::from_text("example.");
  rules.id = 7;
  rules.max_records = 100;
  rules.have_serial = 1;
  backend::EditBounds bounds;
  if ((feed.u8() & 1) != 0) bounds.redone_nodes = 1;
  backend::ZoneEditor editor(fuzz::options(), live.row, bounds);
  fuzz::Target target(editor);
  sync::TransferDecoder decoder(rules, target);
  while (!feed.empty() && decoder.state() == State::running) decoder.message(feed.piece());
  if (decoder.state() != State::complete || decoder.counts().kind != sync::TransferKind::ixfr) return 0;
  fuzz::check(target.soas() == 1, "differences without a new SOA");
  const auto edited = editor.finish(live.reader);
  if (edited) fuzz::check_in_place(live, editor, *edited);
  return 0;
}
