// Whom a zone agent asks, and what it asks for besides the zone: several primaries with histories of their
// own, one that refuses EDNS, the parent of an unsigned zone; and when the first signature ends. Name servers
// in this process, a real mirror, and no waiting but for what must happen.
#include <gtest/gtest.h>

#include "support/message.h"
#include "support/sync_run.h"
#include "unit/net/responder.h"

namespace understudy::sync {
namespace {

using test::Bytes;

// A name server of z. whose zone says in a name which serial it has, and signs that name until a day that
// depends on it; it gives the zone whole, or what changed since any serial. It knows what the parent knows,
// too.
class Server {
 public:
  Server()
      : responder_([this](const Bytes& q) { return answer(q); },
                   [this](const Bytes& q) { return answer(q); }) {}
  SourceSpec source() const { return AxfrSource{responder_.endpoint()}; }
  net::Endpoint endpoint() const { return responder_.endpoint(); }
  static std::uint32_t signature_end(std::uint32_t serial) { return 2'000'000'000 + serial * 86400; }

  std::atomic<std::uint32_t> serial{1};
  std::atomic<bool> refuses{false}, refuses_edns{false}, is_signed{false}, has_ds{false};
  std::atomic<int> whole{0}, changes{0}, with_edns{0};

 private:
  void add(Bytes& out, std::size_t count_at, const std::string& owner, std::uint16_t type,
           const Bytes& rdata) {
    test::append_name(out, test::name(owner));
    test::append16(out, type);
    test::append16(out, 1);
    test::append32(out, 60);
    test::append16(out, static_cast<std::uint16_t>(rdata.size()));
    out.insert(out.end(), rdata.begin(), rdata.end());
    ++out[count_at];
  }
  void add(Bytes& out, std::string_view line, std::size_t count_at = 7) {
    const test::Rr record = test::rr(line);
    add(out, count_at, std::string(line.substr(0, line.find(' '))), record.type, record.rdata);
  }
  void add_soa(Bytes& out, std::uint32_t of, std::size_t count_at = 7) {
    add(out, "z. 60 SOA ns. h. " + std::to_string(of) + " 3600 600 86400 300", count_at);
  }
  void add_signature(Bytes& out, const std::string& owner, std::uint16_t covered, std::uint32_t end) {
    Bytes rdata;
    test::append16(rdata, covered);
    rdata.insert(rdata.end(), {13, 2});
    for (const std::uint32_t number : {300u, end, 1'000'000'000u}) test::append32(rdata, number);
    rdata.insert(rdata.end(), {0, 7, 1, 'z', 0, 'x'});
    add(out, 7, owner, 46, rdata);
  }
  void add_own(Bytes& out, std::uint32_t of) {
    const std::string owner = "s" + std::to_string(of) + ".z.";
    add(out, owner + " 60 A 192.0.2.1");
    if (is_signed) add_signature(out, owner, test::type::A, signature_end(of));
  }
  std::vector<Bytes> answer(const Bytes& octets) {
    constexpr std::uint16_t ixfr = 251, ds = 43;
    const test::Message query = test::decode(octets);
    const std::uint16_t type = query.questions.at(0).type;
    if (query.opt) ++with_edns;
    const unsigned rcode = refuses ? 2 : query.opt && refuses_edns ? 1 : 0;
    Bytes out = test::header(query.id, static_cast<std::uint16_t>(0x8400 | rcode), 1, 0, 0, 0);
    test::append_name(out, query.questions[0].name);
    test::append16(out, type);
    test::append16(out, 1);
    if (rcode != 0) return {out};
    if (type == ds) {
      has_ds ? add(out, 7, "z.", ds, Bytes(36, 1)) : add(out, ". 60 SOA ns. h. 1 2 3 4 5", 9);
      return {out};
    }
    const std::uint32_t mine = serial;
    add_soa(out, mine);
    if (type == ixfr) {
      ++changes;
      const Bytes& rdata = query.authority.at(0).rdata;
      const std::uint32_t have = dns::load32(&rdata[rdata.size() - 20]);
      add_soa(out, have);
      add_own(out, have);
      add_soa(out, mine);
      add_own(out, mine);
      add_soa(out, mine);
    } else if (type == test::type::AXFR) {
      ++whole;
      add(out, "z. 60 NS ns.");
      if (is_signed) add_signature(out, "z.", test::type::SOA, signature_end(1000));
      add_own(out, mine);
      add_soa(out, mine);
    }
    return {out};
  }

  net::Responder responder_;
};

class WaysIn : public test::SyncRun {
 protected:
  WaysIn() { settings_.apex = apex_; }
  void open() {
    start(clock_, {settings_});
    run_until([this] { return sync_->all_tried(); });
  }
  template <class Order>
  std::string ask(Order order) {
    std::optional<std::string> said;
    order([&](Result<std::string> r) { said = r ? *r : std::string(r.error().reason); });
    run_until([&] { return said.has_value(); });
    return *said;
  }
  std::string refresh() {
    return ask([this](Sync::Done done) { sync_->refresh(apex_, std::move(done)); });
  }
  ZoneStatus status() { return *sync_->status(apex_); }
  std::uint32_t served() { return status().row.serial; }
  std::vector<bool> pinned() {
    std::vector<bool> all;
    for (const PrimaryStatus& primary : status().primaries) all.push_back(primary.pinned);
    return all;
  }

  const dns::Name apex_ = *dns::Name::from_text("z.");
  ZoneSettings settings_;
  SystemClock clock_;
};

TEST_F(WaysIn, TheOneThatGaveTheZoneIsWaitedFor) {
  Server one, two;
  settings_.sources = {one.source(), two.source()};
  settings_.pin_tolerance = Seconds(3600);
  open();
  EXPECT_EQ(pinned(), (std::vector{true, false}));
  two.serial = 2;
  EXPECT_NE(refresh().find("another primary is ahead"), std::string::npos);
  EXPECT_EQ(served(), 1u);
  EXPECT_EQ(status().primary_serial, 2u);
  one.serial = 2;
  EXPECT_EQ(refresh(), "transferred version 2");
  EXPECT_EQ(one.changes, 1);
  EXPECT_EQ(two.whole + two.changes, 0);
  // Where it fails nothing is waited for; the other one's zone comes whole.
  one.refuses = true, two.serial = 3;
  EXPECT_EQ(refresh(), "transferred version 3");
  EXPECT_EQ(two.whole, 1);
  EXPECT_EQ(two.changes, 0);
  EXPECT_EQ(pinned(), (std::vector{false, true}));
  // From then on its differences lead on, and a restart remembers whose they are.
  close();
  open();
  EXPECT_EQ(pinned(), (std::vector{false, true}));
  one.refuses = false, one.serial = 3, two.serial = 4;
  EXPECT_EQ(refresh(), "transferred version 4");
  EXPECT_EQ(two.whole, 1);
  EXPECT_EQ(two.changes, 1);
  EXPECT_EQ(one.changes, 1);
}

TEST_F(WaysIn, TheNewestIsMovedToWhenTheTimeIsOver) {
  Server one, two, three;
  settings_.sources = {one.source(), two.source(), three.source()};
  settings_.pin_tolerance = Seconds(0);
  open();
  two.serial = 2, three.serial = 3;
  EXPECT_EQ(refresh(), "transferred version 2");
  EXPECT_EQ(served(), 3u);
  EXPECT_EQ(two.whole + two.changes + three.changes, 0);
  EXPECT_EQ(three.whole, 1);
  EXPECT_EQ(pinned(), (std::vector{false, false, true}));
}

// The one that stands first had a version that waits for an operator; the zone comes from the second one.
TEST_F(WaysIn, WhatIsHeldOfOneHidesNothingOfTheOneThatGaveTheZone) {
  Server one, two;
  one.refuses = true;
  settings_.sources = {one.source(), two.source()};
  settings_.pin_tolerance = Seconds(0);
  open();
  ASSERT_EQ(pinned(), (std::vector{false, true}));
  ask([this](Sync::Done done) { sync_->hold(apex_, std::move(done)); });
  one.refuses = false, one.serial = 5;
  refresh();
  ASSERT_TRUE(status().held);
  ASSERT_EQ(status().held->row.serial, 5u);
  EXPECT_NE(refresh().find("is held"), std::string::npos) << "nothing new of either";
  two.serial = 7;
  refresh();
  EXPECT_EQ(status().held->row.serial, 7u);
  EXPECT_EQ(status().held->row.source, to_string(two.source()));
  EXPECT_EQ(served(), 1u);
}

TEST_F(WaysIn, DifferencesAreNotAskedForWhereTheSourceSaysSo) {
  Server one;
  AxfrSource source = std::get<AxfrSource>(one.source());
  source.ixfr = false;
  settings_.sources = {source};
  open();
  one.serial = 2;
  EXPECT_EQ(refresh(), "transferred version 2");
  EXPECT_EQ(one.whole, 2);
  EXPECT_EQ(one.changes, 0);
}

TEST_F(WaysIn, OneThatRefusesEdnsIsAskedWithout) {
  Server one;
  one.refuses_edns = true;
  settings_.sources = {one.source()};
  open();
  EXPECT_EQ(served(), 1u);
  EXPECT_EQ(status().primaries.at(0).learnt, std::vector<std::string_view>{"no-edns"});
  one.serial = 2;
  EXPECT_EQ(refresh(), "transferred version 2");
  EXPECT_EQ(one.with_edns, 1);
}

TEST_F(WaysIn, AnUnsignedZoneUnderADsRecordIsHeldButNeverStopped) {
  Server one, parent;
  parent.has_ds = true;
  settings_.sources = {one.source()};
  settings_.gate.parent_ds = Act::hold;
  settings_.gate.parent_resolvers = {parent.endpoint()};
  open();
  ASSERT_TRUE(status().held);
  EXPECT_EQ(status().held->reason, "ds-at-parent");
  EXPECT_EQ(status().row.version, 0u);
  ask([this](Sync::Done done) { sync_->accept(apex_, 1, std::move(done)); });
  EXPECT_EQ(served(), 1u);
  EXPECT_EQ(status().parent_ds.state, ParentDs::State::present);
  one.serial = 2;
  EXPECT_EQ(refresh(), "transferred version 2");
  EXPECT_EQ(status().parent_ds.state, ParentDs::State::present);
  parent.has_ds = false;
  refresh();
  run_until([this] { return status().parent_ds.state == ParentDs::State::none; });
}

TEST_F(WaysIn, WhereTheParentCannotTellTheZoneIsServedWithAnAlarm) {
  Server one, parent;
  parent.refuses = true;  // SERVFAIL
  settings_.sources = {one.source()};
  settings_.gate.parent_ds = Act::hold;
  settings_.gate.parent_resolvers = {parent.endpoint()};
  open();
  EXPECT_EQ(served(), 1u);
  EXPECT_EQ(status().parent_ds.state, ParentDs::State::unknown);
  EXPECT_NE(status().parent_ds.message.find("SERVFAIL"), std::string::npos) << status().parent_ds.message;
}

TEST_F(WaysIn, TheFirstEndOfASignatureIsKnownAtAnyTime) {
  Server one;
  one.is_signed = true;
  settings_.sources = {one.source()};
  open();
  const auto told = [&](std::uint32_t of) {
    run_until([&] { return status().signatures_end == Server::signature_end(of); });
  };
  told(1);
  for (const std::uint32_t next : {2u, 5u, 9u}) {
    one.serial = next;
    refresh();
    EXPECT_EQ(status().signatures_end, Server::signature_end(next)) << "with the difference";
  }
  EXPECT_EQ(one.changes, 3);
  close();
  open();
  told(9);
}

}  // namespace
}  // namespace understudy::sync
