// RFC 1995: Incremental Zone Transfer in DNS. The client's side: octets of a reply in, a version of the zone
// out.
#include <gtest/gtest.h>

#include "backend/zone_editor.h"
#include "support/test_mirror.h"
#include "sync/transfer_decoder.h"

namespace understudy::test {

namespace {

using State = sync::TransferDecoder::State;

// The zone of section 7 in its three versions.
std::string soa(int serial) {
  return "jain.ad.jp. 60 SOA ns.jain.ad.jp. mohta.jain.ad.jp. " + std::to_string(serial) +
         " 600 600 3600000 604800\n";
}
const std::string always = "jain.ad.jp. 60 NS ns.jain.ad.jp.\nns.jain.ad.jp. 60 A 133.69.136.1\n";
const std::string nezu = "nezu.jain.ad.jp. 60 A 133.69.136.5\n";
const std::string bb4 = "jain-bb.jain.ad.jp. 60 A 133.69.136.4\n";
const std::string bb3 = "jain-bb.jain.ad.jp. 60 A 133.69.136.3\n";
const std::string bb2 = "jain-bb.jain.ad.jp. 60 A 192.41.197.2\n";
const std::string first = soa(1) + always + nezu;
const std::string third = soa(3) + always + bb3 + bb2;

// A secondary that has the first version, and the reply to its IXFR.
class Rfc1995 : public ::testing::Test, public sync::RecordTarget {
 protected:
  Rfc1995() : server_({zone("jain.ad.jp.", first)}) {
    const auto reader = std::move(*server_.mirror().reader());
    EXPECT_TRUE(reader->renew());
    live_ = *reader->zone(apex_);
    editor_ = std::make_unique<backend::ZoneEditor>(backend::BuildOptions{apex_, "/tmp", 100, false}, live_);
  }
  static sync::TransferRules rules() {
    sync::TransferRules made;
    made.apex = *dns::Name::from_text("jain.ad.jp.");
    made.have_serial = 1;
    return made;
  }
  static Rr plain(const dns::RecordView& r) {
    return {name(dns::to_string(r.owner)),
            static_cast<std::uint16_t>(r.type),
            r.ttl,
            {r.rdata.begin(), r.rdata.end()}};
  }

  Result<> record(const dns::RecordView& record) override {
    taken_.push_back(plain(record));
    return {};
  }
  Result<> changed(bool added, const dns::RecordView& record) override {
    return editor_->edit(added, record);
  }

  State receive(std::string_view records) {
    Bytes octets{0, 0, 0x84, 0, 0, 1, 0, 0, 0, 0, 0, 0};
    append_name(octets, name("jain.ad.jp."));
    append16(octets, type::IXFR);
    append16(octets, 1);
    const std::vector<Rr> answers = rrs(records);
    octets[7] = static_cast<std::uint8_t>(answers.size());
    for (const Rr& record : answers) {
      append_name(octets, record.owner);
      append16(octets, record.type);
      append16(octets, 1);
      append32(octets, record.ttl);
      append16(octets, static_cast<std::uint16_t>(record.rdata.size()));
      octets.insert(octets.end(), record.rdata.begin(), record.rdata.end());
    }
    return decoder_.message(octets);
  }

  // The zone once the differences are put in place.
  std::string version() {
    const auto reader = std::move(*server_.mirror().reader());
    auto edited = editor_->finish(*reader);
    if (!edited) return edited.error().message;
    std::vector<backend::NewVersion> next(1);
    next[0].apex = apex_;
    next[0].row = live_;
    ++next[0].row.version;
    next[0].content = backend::Content::patch;
    next[0].nodes = std::move((*edited)->nodes);
    next[0].change = std::move((*edited)->change);
    EXPECT_TRUE(server_.mirror().writer().publish(next));
    return served();
  }
  std::string served() {
    const auto reader = std::move(*server_.mirror().reader());
    EXPECT_TRUE(reader->renew());
    const auto walk = backend::walk_generation(*reader, live_.generation);
    std::vector<Rr> records;
    for (backend::WalkedNode node; *walk->next(node);) {
      for (const backend::WalkedRecord& r : node.records) {
        records.push_back(plain({node.owner, r.type, r.ttl, r.rdata}));
      }
    }
    return shown(records);
  }

  const dns::Name apex_ = *dns::Name::from_text("jain.ad.jp.");
  TestMirror server_;
  backend::ZoneRow live_;
  std::unique_ptr<backend::ZoneEditor> editor_;
  sync::TransferDecoder decoder_{rules(), *this};
  std::vector<Rr> taken_;
};

// 4: "one or more difference sequences is returned. The list of difference sequences is preceded and followed
// by a copy of the server's current version of the SOA."
TEST_F(Rfc1995, Section7TheIncrementalMessage) {
  EXPECT_EQ(receive(soa(3) + soa(1) + nezu + soa(2) + bb4 + bb2 + soa(2) + bb4 + soa(3) + bb3 + soa(3)),
            State::complete);
  EXPECT_EQ(decoder_.counts().kind, sync::TransferKind::ixfr);
  EXPECT_EQ(version(), shown(third));
}

// 6: "An IXFR server may optionally condense multiple difference sequences into a single difference
// sequence".
TEST_F(Rfc1995, Section7TheCondensedMessage) {
  EXPECT_EQ(receive(soa(3) + soa(1) + nezu + soa(3) + bb3 + bb2 + soa(3)), State::complete);
  EXPECT_EQ(version(), shown(third));
}

// 4: "If incremental zone transfer is not available, the entire zone is returned. The first and the last RR
// of the response is the SOA record of the zone. I.e. the behavior is the same as an AXFR response except the
// query type is IXFR."
TEST_F(Rfc1995, Section7TheFullZone) {
  EXPECT_EQ(receive(third + soa(3)), State::complete);
  EXPECT_EQ(decoder_.counts().kind, sync::TransferKind::axfr_style);
  EXPECT_EQ(shown(taken_), shown(third));
}

// 2: "If an IXFR query with the same or newer version number than that of the server is received, it is
// replied to with a single SOA record of the server's current version".
TEST_F(Rfc1995, Section2ASingleSoaOfOurVersion) {
  EXPECT_EQ(receive(soa(1)), State::complete);
  EXPECT_EQ(decoder_.counts().kind, sync::TransferKind::current);
}

// 2: a single SOA of a newer version, as over UDP where the reply does not fit, is neither differences nor a
// zone: over TCP there is nothing left but to ask for the whole zone.
TEST_F(Rfc1995, Section2ASingleSoaOfANewerVersion) {
  EXPECT_EQ(receive(soa(3)), State::running);
  EXPECT_EQ(decoder_.ended_early().reason, "ixfr-soa-only");
}

// 4: "An IXFR client, should only replace an older version with a newer version after all the differences
// have been successfully processed."
TEST_F(Rfc1995, Section4NothingBeforeAllIsProcessed) {
  EXPECT_EQ(receive(soa(3) + soa(1) + nezu + soa(2) + bb4 + bb2), State::running);
  EXPECT_EQ(decoder_.ended_early().reason, "truncated");
  EXPECT_EQ(served(), shown(first));
  EXPECT_EQ(receive(soa(2) + bb3 + soa(3) + bb3 + soa(3)), State::complete);
  EXPECT_NE(version().find("removes jain-bb.jain.ad.jp. 60 A, which is not there"), std::string::npos);
  EXPECT_EQ(served(), shown(first));
}

// 4: "The first RR of the deleted RRs is the older SOA RR and the first RR of the added RRs is the newer SOA
// RR."
TEST_F(Rfc1995, Section4EachDifferenceContinuesFromTheOneBefore) {
  EXPECT_EQ(receive(soa(3) + soa(1) + nezu + soa(2) + bb4 + soa(1) + bb4 + soa(3) + bb3 + soa(3)),
            State::refused);
  EXPECT_EQ(decoder_.error().reason, "ixfr-gap");
}

// 4: "The sequences of differential information are ordered oldest first newest last."
TEST_F(Rfc1995, Section4OldestFirst) {
  EXPECT_EQ(receive(soa(3) + soa(2) + bb4 + soa(3) + bb3 + soa(1) + nezu + soa(2) + bb4 + soa(3)),
            State::refused);
  EXPECT_EQ(decoder_.error().reason, "ixfr-gap");
}

// 4: "RRs in the incremental transfer messages may be partial. That is, if a single RR of multiple RRs of the
// same RR type changes, only the changed RR is transferred."
TEST_F(Rfc1995, Section4OnlyTheChangedRr) {
  EXPECT_EQ(receive(soa(2) + soa(1) + soa(2) + "ns.jain.ad.jp. 60 A 133.69.136.2\n" + soa(2)),
            State::complete);
  EXPECT_EQ(version(), shown(soa(2) + always + nezu + "ns.jain.ad.jp. 60 A 133.69.136.2\n"));
}

}  // namespace

}  // namespace understudy::test
