// Edits of a live zone: what is put in place is what writing the zone anew makes, and what cannot be is
// refused.
#include "backend/zone_editor.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <set>
#include <sstream>

#include "backend/change.h"
#include "dns/presentation.h"

namespace understudy::backend {
namespace {

using Bytes = std::vector<std::uint8_t>;
using Lines = std::set<std::string>;  // "OWNER TTL TYPE RDATA"
using Nodes = std::map<Bytes, Bytes>;

Name name(std::string_view text) { return *Name::from_text(text); }

struct Parsed {
  Name owner;
  RRType type{};
  std::uint32_t ttl = 0;
  Bytes rdata;
  operator dns::RecordView() const { return {owner, type, ttl, rdata}; }
};

Parsed parse(const std::string& line) {
  std::istringstream in(line);
  std::string owner, type, rdata;
  Parsed made;
  in >> owner >> made.ttl >> type;
  std::getline(in >> std::ws, rdata);
  made.owner = name(owner);
  made.type = *dns::parse_type(type);
  made.rdata = dns::parse_rdata_text(made.type, rdata, name(".")).value();
  return made;
}

Lines lines_of(std::string_view text) {
  Lines lines;
  std::istringstream in{std::string(text)};
  for (std::string line; std::getline(in, line);) {
    if (!line.empty()) lines.insert(line);
  }
  return lines;
}

std::string soa(int serial) { return "z. 60 SOA ns.z. h.z. " + std::to_string(serial) + " 1 2 3 4"; }

class ZoneEditing : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (std::filesystem::temp_directory_path() / "editing-XXXXXX").string();
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    directory_ = pattern;
    mirror_ = std::move(*open_mirror({.directory = directory_, .map_octets = 1u << 30}));
    reader_ = std::move(*mirror_->reader());
    options_ = {name("z."), directory_, 100'000, false};
  }
  void TearDown() override {
    reader_.reset();
    mirror_.reset();
    std::filesystem::remove_all(directory_);
  }

  Nodes built(const Lines& lines, BuildSummary* summary = nullptr) {
    ZoneBuilder builder(options_);
    // The SOA first, as in a transfer.
    for (const bool is_soa : {true, false}) {
      for (const std::string& line : lines) {
        const Parsed record = parse(line);
        if ((record.type == RRType::SOA) != is_soa) continue;
        EXPECT_TRUE(builder.add(record));
      }
    }
    Nodes nodes;
    const auto finished = builder.finish([&](std::vector<StoredNode> batch) {
      for (StoredNode& node : batch) nodes[node.key] = node.block;
      return Result<>();
    });
    EXPECT_TRUE(finished) << finished.error().message;
    if (finished && summary != nullptr) *summary = *finished;
    return nodes;
  }

  // The zone of serial 1: apex, and these records.
  void publish(std::string_view text) {
    zone_ = lines_of(text);
    zone_.insert(soa(1));
    zone_.insert("z. 60 NS ns.z.");
    BuildSummary summary;
    std::vector<NewVersion> next(1);
    for (const auto& [key, block] : built(zone_, &summary)) {
      next[0].nodes.push_back({key, block});
      next[0].change.zone_octets += key.size() + block.size();
    }
    next[0].apex = name("z.");
    next[0].content = Content::nodes;
    next[0].row = *mirror_->writer().ensure_zone(name("z."));
    next[0].row.version = 1;
    next[0].row.records = summary.records;
    next[0].row.nodes = summary.nodes;
    next[0].row.digest = summary.digest;
    ASSERT_TRUE(mirror_->writer().publish(next));
    live_ = next[0].row;
  }

  // "+ OWNER ..." and "- OWNER ..." lines, in their order; the SOA of serial 2 behind them.
  Result<std::optional<EditedZone>> edit(std::string_view text, EditBounds bounds = {}) {
    editor_ = std::make_unique<ZoneEditor>(options_, live_, bounds);
    std::istringstream in{std::string(text)};
    for (std::string line; std::getline(in, line);) {
      if (line.empty()) continue;
      const bool added = line[0] == '+';
      EXPECT_TRUE(editor_->edit(added, parse(line.substr(2))));
      added ? void(zone_.insert(line.substr(2))) : void(zone_.erase(line.substr(2)));
    }
    EXPECT_TRUE(editor_->edit(true, parse(soa(2))));
    zone_.erase(soa(1));
    zone_.insert(soa(2));
    return editor_->finish(*reader_);
  }

  Nodes live_nodes() {
    Nodes nodes;
    EXPECT_TRUE(reader_->renew());
    FoundNode found;
    for (bool more = reader_->seek(live_.generation, {}, found); more; more = reader_->next(found)) {
      const Octets block = found.node.octets();
      nodes[{found.key.begin(), found.key.end()}] = {block.begin(), block.end()};
    }
    reader_->reset();
    return nodes;
  }

  // Edits, and compares all there is to compare with the zone written anew.
  void expect_like_anew(std::string_view text) {
    const auto edited = edit(text);
    ASSERT_TRUE(edited) << edited.error().message;
    ASSERT_TRUE(*edited);
    const EditedZone& version = **edited;
    BuildSummary summary;
    const Nodes anew = built(zone_, &summary);
    Nodes nodes = live_nodes();
    for (const StoredNode& node : version.nodes) {
      ASSERT_TRUE(node.block.empty() ? nodes.contains(node.key) : nodes[node.key] != node.block);
      node.block.empty() ? void(nodes.erase(node.key)) : void(nodes[node.key] = node.block);
    }
    EXPECT_EQ(nodes, anew);
    EXPECT_EQ(version.summary.records, summary.records);
    EXPECT_EQ(version.summary.nodes, summary.nodes);
    EXPECT_EQ(version.summary.digest, summary.digest);
    EXPECT_EQ(version.summary.serial, 2u);
    EXPECT_EQ(version.change.added - version.change.removed, summary.records - live_.records);
    std::uint64_t octets = 0;
    for (const auto& [key, block] : anew) octets += key.size() + block.size();
    EXPECT_EQ(version.change.zone_octets, octets);
  }
  std::string_view refusal(std::string_view text) {
    const auto edited = edit(text);
    return edited ? std::string_view() : edited.error().reason;
  }

  std::string directory_;
  BuildOptions options_;
  std::unique_ptr<Mirror> mirror_;
  std::unique_ptr<Reader> reader_;
  std::unique_ptr<ZoneEditor> editor_;
  ZoneRow live_;
  Lines zone_;
};

TEST_F(ZoneEditing, touches_the_owner_and_the_apex) {
  publish("a.z. 60 A 192.0.2.1\na.z. 60 A 192.0.2.2\nb.z. 60 A 192.0.2.1");
  expect_like_anew("- a.z. 60 A 192.0.2.1\n+ a.z. 60 A 192.0.2.3");
  const auto edited = edit("- b.z. 60 A 192.0.2.1");
  ASSERT_TRUE(edited && *edited);
  EXPECT_EQ((*edited)->nodes.size(), 2u);
  EXPECT_EQ((*edited)->change.removed, 2u);
  EXPECT_EQ((*edited)->change.added, 1u);
}

TEST_F(ZoneEditing, tells_its_change_in_canonical_order) {
  publish("b.z. 60 A 192.0.2.1");
  const auto edited = edit("+ c.b.z. 60 A 192.0.2.3\n- b.z. 60 A 192.0.2.1\n+ a.z. 60 A 192.0.2.2");
  ASSERT_TRUE(edited && *edited);
  ASSERT_EQ((*edited)->change.chunks.size(), 1u);
  ChunkExpander expander;
  Bytes plain;
  ASSERT_TRUE(expander.expand((*edited)->change.chunks[0], plain));
  ChunkReader read(plain);
  std::string told;
  while (const auto change = read.next())
    told += (change->added ? "+" : "-") + to_string(change->record.owner) + ' ';
  EXPECT_EQ(told, "-z. +z. +a.z. -b.z. +c.b.z. ");
}

TEST_F(ZoneEditing, makes_empty_non_terminals) {
  publish("a.z. 60 A 192.0.2.1");
  expect_like_anew("+ e.d.c.b.a.z. 60 A 192.0.2.1\n+ e.x.c.b.a.z. 60 A 192.0.2.1\n+ y.f.z. 60 A 192.0.2.1");
}

TEST_F(ZoneEditing, removes_empty_non_terminals) {
  publish(
      "e.d.c.b.a.z. 60 A 192.0.2.1\nx.c.b.a.z. 60 A 192.0.2.1\ny.f.z. 60 A 192.0.2.1\ny.f.z. 60 TXT \"t\"");
  expect_like_anew("- e.d.c.b.a.z. 60 A 192.0.2.1\n- y.f.z. 60 A 192.0.2.1");
}

TEST_F(ZoneEditing, removes_a_whole_tree_and_all_that_held_it) {
  publish("e.d.c.b.a.z. 60 A 192.0.2.1\nx.c.b.a.z. 60 A 192.0.2.1\nb.a.z. 60 TXT \"t\"\ng.z. 60 A 192.0.2.1");
  expect_like_anew("- x.c.b.a.z. 60 A 192.0.2.1\n- b.a.z. 60 TXT \"t\"\n- e.d.c.b.a.z. 60 A 192.0.2.1");
}

TEST_F(ZoneEditing, owners_and_empty_non_terminals_take_turns) {
  publish("b.a.z. 60 A 192.0.2.1\nd.c.z. 60 A 192.0.2.1\nc.z. 60 A 192.0.2.1\nf.e.z. 60 A 192.0.2.1");
  expect_like_anew(
      "+ a.z. 60 A 192.0.2.1\n- c.z. 60 A 192.0.2.1\n- f.e.z. 60 A 192.0.2.1\n+ g.e.z. 60 A 192.0.2.1");
}

TEST_F(ZoneEditing, a_cut_covers_what_is_below) {
  publish(
      "a.z. 60 A 192.0.2.1\nb.a.z. 60 A 192.0.2.1\nd.c.b.a.z. 60 NS ns.z.\ne.d.c.b.a.z. 60 A 192.0.2.1\nb.z. "
      "60 A 192.0.2.1");
  expect_like_anew("+ a.z. 60 NS ns.a.z.\n+ ns.a.z. 60 A 192.0.2.9\n- e.d.c.b.a.z. 60 A 192.0.2.1");
}

TEST_F(ZoneEditing, a_cut_uncovers_what_is_below) {
  publish(
      "a.z. 60 NS ns.z.\nb.a.z. 60 A 192.0.2.1\nd.c.b.a.z. 60 NS ns.z.\ne.d.c.b.a.z. 60 A 192.0.2.1\nf.a.z. "
      "60 DNAME x.\ng.f.a.z. 60 A 192.0.2.1");
  expect_like_anew("- a.z. 60 NS ns.z.\n+ h.g.f.a.z. 60 A 192.0.2.1");
}

TEST_F(ZoneEditing, a_cut_below_a_cut_changes_nothing_below) {
  publish("a.z. 60 NS ns.z.\nb.a.z. 60 A 192.0.2.1\nc.b.a.z. 60 A 192.0.2.1");
  expect_like_anew("+ b.a.z. 60 NS ns.z.");
  const auto edited = edit("+ d.a.z. 60 NS ns.z.");
  ASSERT_TRUE(edited && *edited);
  EXPECT_EQ((*edited)->nodes.size(), 2u);
}

TEST_F(ZoneEditing, a_dname_at_the_apex_covers_all) {
  publish(
      "a.z. 60 A 192.0.2.1\nb.a.z. 60 NS ns.z.\nc.b.a.z. 60 A 192.0.2.1\n"
      "0p9mhaveqvm6t7vbl5lop2u3t2rp3tom.z. 60 NSEC3 1 0 0 - 2t7b4g4vsa5smi47k61mv5bv1a22bojr A");
  expect_like_anew("+ z. 60 DNAME y.");
}

TEST_F(ZoneEditing, a_dname_and_a_cut_take_turns) {
  publish("a.z. 60 DNAME y.\nb.a.z. 60 A 192.0.2.1\nc.z. 60 NS ns.z.\nd.c.z. 60 A 192.0.2.1");
  expect_like_anew("- a.z. 60 DNAME y.\n+ a.z. 60 NS ns.z.\n- c.z. 60 NS ns.z.\n+ c.z. 60 DNAME y.");
}

TEST_F(ZoneEditing, wildcards_come_and_go) {
  publish(
      "*.a.z. 60 A 192.0.2.1\nb.a.z. 60 A 192.0.2.1\nc.z. 60 A 192.0.2.1\nx.*.d.z. 60 A 192.0.2.1\ne.d.z. 60 "
      "A 192.0.2.1\n"
      "*.f.z. 60 A 192.0.2.1\n*.z. 60 A 192.0.2.1");
  expect_like_anew(
      "- *.a.z. 60 A 192.0.2.1\n+ *.c.z. 60 A 192.0.2.1\n- x.*.d.z. 60 A 192.0.2.1\n- *.f.z. 60 A 192.0.2.1\n"
      "+ y.*.g.z. 60 A 192.0.2.1\n- *.z. 60 A 192.0.2.1");
}

TEST_F(ZoneEditing, a_wildcard_that_stays_as_empty_non_terminal) {
  publish("*.a.z. 60 A 192.0.2.1\nx.*.a.z. 60 A 192.0.2.1");
  expect_like_anew("- *.a.z. 60 A 192.0.2.1");
}

TEST_F(ZoneEditing, nsec3_records_stand_apart) {
  publish(
      "a.z. 60 A 192.0.2.1\n0p9mhaveqvm6t7vbl5lop2u3t2rp3tom.z. 60 NSEC3 1 0 0 - "
      "2t7b4g4vsa5smi47k61mv5bv1a22bojr A");
  expect_like_anew(
      "- 0p9mhaveqvm6t7vbl5lop2u3t2rp3tom.z. 60 NSEC3 1 0 0 - 2t7b4g4vsa5smi47k61mv5bv1a22bojr A\n"
      "+ 0P9MHAVEQVM6T7VBL5LOP2U3T2RP3TOM.z. 60 NSEC3 1 0 0 - 35mthgpgcu1qg68fab165klnsnk3dpvl A\n"
      "+ 2t7b4g4vsa5smi47k61mv5bv1a22bojr.z. 60 NSEC3 1 0 0 - 0p9mhaveqvm6t7vbl5lop2u3t2rp3tom NS\n");
}

TEST_F(ZoneEditing, nsec3_records_away_from_the_apex) {
  const std::string nsec3 = " 60 NSEC3 1 0 0 - 2t7b4g4vsa5smi47k61mv5bv1a22bojr A\n";
  const std::string hash = "0p9mhaveqvm6t7vbl5lop2u3t2rp3tom.";
  publish(hash + "a.z." + nsec3 + "b.a.z. 60 A 192.0.2.1\n" + hash + "c.d.z." + nsec3);
  expect_like_anew("- " + hash + "c.d.z." + nsec3 + "- b.a.z. 60 A 192.0.2.1\n+ " + hash + "e.f.z." + nsec3 +
                   "+ g.e.f.z. 60 A 192.0.2.1");
}

TEST_F(ZoneEditing, edits_of_one_owner_are_done_in_order) {
  publish("a.z. 60 A 192.0.2.1");
  expect_like_anew(
      "+ b.c.z. 60 A 192.0.2.1\n- a.z. 60 A 192.0.2.1\n+ a.z. 60 A 192.0.2.2\n- b.c.z. 60 A 192.0.2.1\n"
      "- a.z. 60 A 192.0.2.2\n+ a.z. 90 A 192.0.2.1");
}

TEST_F(ZoneEditing, case_is_that_of_the_first_record) {
  publish("a.z. 60 A 192.0.2.1\nB.z. 60 A 192.0.2.1\nc.z. 60 MX 1 a.z.");
  expect_like_anew(
      "- a.z. 60 A 192.0.2.1\n+ A.z. 60 A 192.0.2.1\n+ B.z. 60 A 192.0.2.2\n- c.z. 60 MX 1 a.z.\n+ c.z. 60 "
      "MX 1 A.z.");
  // Names in RDATA are the same name in any case (RFC 4343), so that this removes the MX.
  const auto edited = edit("- C.z. 60 MX 1 A.Z.");
  EXPECT_TRUE(edited && *edited);
}

TEST_F(ZoneEditing, the_lowest_ttl_is_that_of_the_rrset) {
  publish("a.z. 60 A 192.0.2.1");
  expect_like_anew("+ a.z. 30 A 192.0.2.2\n+ a.z. 90 A 192.0.2.3");
}

TEST_F(ZoneEditing, what_cannot_be_done_is_a_conflict) {
  publish("a.z. 60 A 192.0.2.1\nb.a.z. 60 A 192.0.2.1");
  EXPECT_EQ(refusal("- a.z. 60 A 192.0.2.2"), "ixfr-conflict");
  EXPECT_EQ(refusal("- c.z. 60 A 192.0.2.1"), "ixfr-conflict");
  EXPECT_EQ(refusal("- a.z. 61 A 192.0.2.1"), "ixfr-conflict");
  EXPECT_EQ(refusal("+ a.z. 60 A 192.0.2.1"), "ixfr-conflict");
  EXPECT_EQ(refusal("+ A.z. 61 A 192.0.2.1"), "ixfr-conflict");
  EXPECT_EQ(refusal("- a.z. 60 A 192.0.2.1\n- a.z. 60 A 192.0.2.1"), "ixfr-conflict");
  EXPECT_EQ(refusal("- b.a.z. 60 A 192.0.2.1\n+ b.a.z. 60 A 192.0.2.1\n+ b.a.z. 60 A 192.0.2.1"),
            "ixfr-conflict");
}

TEST_F(ZoneEditing, checks_what_a_builder_checks) {
  publish("a.z. 60 A 192.0.2.1\nc.z. 60 CNAME a.z.");
  EXPECT_EQ(refusal("- z. 60 NS ns.z."), "apex-ns-missing");
  EXPECT_EQ(refusal("+ a.z. 60 SOA ns.z. h.z. 1 2 3 4 5"), "second-soa");
  EXPECT_EQ(refusal("+ a.z. 60 CNAME b.z."), "cname-and-other-data");
  EXPECT_EQ(refusal("+ c.z. 60 A 192.0.2.1"), "cname-and-other-data");
  EXPECT_EQ(refusal("+ c.z. 60 CNAME b.z."), "cname-and-other-data");
  options_.records_per_name = 3;
  EXPECT_EQ(refusal("+ a.z. 60 A 192.0.2.2\n+ a.z. 60 A 192.0.2.3"), "");
  EXPECT_EQ(refusal("+ a.z. 60 A 192.0.2.2\n+ a.z. 60 A 192.0.2.3\n+ a.z. 60 A 192.0.2.4"), "limit-name");
  options_.records_per_name = 100'000;
  std::string large;
  for (int i = 0; i < 300; ++i)
    large += "+ t.z. 60 TXT \"" + std::to_string(i) + std::string(240, 'x') + "\"\n";
  EXPECT_EQ(refusal(large), "rrset-too-large");
}

TEST_F(ZoneEditing, the_soa_is_needed) {
  publish("a.z. 60 A 192.0.2.1");
  ZoneEditor without(options_, live_);
  ASSERT_TRUE(without.edit(false, parse(soa(1))));
  EXPECT_EQ(without.finish(*reader_).error().reason, "soa-missing");
  ZoneEditor untouched(options_, live_);
  ASSERT_TRUE(untouched.edit(false, parse("a.z. 60 A 192.0.2.1")));
  EXPECT_EQ((*untouched.finish(*reader_))->summary.serial, 1u);
}

// Beyond each of the bounds there is no patch, but all records of the version.
TEST_F(ZoneEditing, too_much_is_given_whole) {
  for (const EditBounds& bounds : {EditBounds{.patch_octets = 10}, EditBounds{.patch_octets = 200},
                                   EditBounds{.change_octets = 10}, EditBounds{.redone_nodes = 1}}) {
    publish("a.z. 60 A 192.0.2.1\nb.a.z. 60 A 192.0.2.1\nc.a.z. 60 A 192.0.2.1\nD.z. 60 A 192.0.2.1");
    const auto edited = edit("+ a.z. 60 NS ns.z.\n- D.z. 60 A 192.0.2.1\n+ e.z. 60 A 192.0.2.1", bounds);
    ASSERT_TRUE(edited) << edited.error().message;
    ASSERT_FALSE(*edited);
    ZoneBuilder builder(options_);
    ASSERT_TRUE(
        editor_->replay(*reader_, [&](const dns::RecordView& record) { return builder.add(record); }));
    Nodes nodes;
    BuildSummary summary, anew;
    summary = *builder.finish([&](std::vector<StoredNode> batch) {
      for (StoredNode& node : batch) nodes[node.key] = node.block;
      return Result<>();
    });
    EXPECT_EQ(nodes, built(zone_, &anew));
    EXPECT_EQ(summary.digest, anew.digest);
    EXPECT_EQ(editor_->replay(*reader_,
                              [](const dns::RecordView&) {
                                return Error{"full", ""};
                              })
                  .error()
                  .reason,
              "full");
    TearDown();
    SetUp();
  }
}

}  // namespace
}  // namespace understudy::backend
