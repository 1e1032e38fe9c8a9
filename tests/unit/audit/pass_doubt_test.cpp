// Differences that are told once, and those that neither another serial nor others beside them may hide for
// ever.
#include "unit/audit/pass_fixture.h"

namespace understudy::test {
namespace {

const Reply other_address{.answer = "www.example. 60 A 198.51.100.1"};
const Reply no_such_name{.rcode = 3,
                         .authority = "example. 300 SOA ns1.example. admin.example. 7 3600 600 86400 300"};

// An address with serials of its own, of a zone that changes all the time.
class ApartForEver : public Passes {
 protected:
  // Another version every five minutes, which it tells by another serial than ours; `answer` is what it says
  // then.
  void publish_every_five_minutes(const std::function<Reply(unsigned)>& answer) {
    for (unsigned version = 1; version <= 5; ++version) {
      theirs_["www.example. A"] = answer(version);
      theirs_["example. SOA"] = {.answer = "example. 3600 SOA ns1.example. admin.example. " +
                                           std::to_string(1000 + version) + " 3600 600 86400 300"};
      pass_.heard_serial(1000 + version, now_.steady);
      run();
      confirm();
      wait(300s);
      mirror_.serve(
          {zone("example.", zone_lines + "v" + std::to_string(version) + ".example. 60 A 192.0.2.7\n")});
      pass_.published();
    }
  }
};

TEST_F(ApartForEver, WhatStaysTheSameCountsInTheEnd) {
  publish_every_five_minutes([](unsigned) { return other_address; });
  ASSERT_EQ(mismatches().size(), 1u);
  EXPECT_EQ(to_string(mismatches().front().owner), "www.example.");
  pass_.heard_serial(1006, now_.steady);
  run();
  confirm();
  EXPECT_TRUE(pass_.complete()) << "the SOA is not waited for either";
}

// It is behind each time: what it says is another answer after ten minutes, and another one after twenty.
TEST_F(ApartForEver, WhatMovesOnIsOnItsWay) {
  publish_every_five_minutes([](unsigned version) {
    return Reply{.answer = "www.example. 60 A 198.51.100." + std::to_string((version - 1) / 2)};
  });
  EXPECT_TRUE(mismatches().empty());
}

class SomeExpected : public ManyExpected {
 protected:
  SomeExpected() : ManyExpected(2 * ZonePass::many) {}
};

TEST_F(SomeExpected, DoNotMakeOthersCountSooner) {
  run();
  confirm();
  ASSERT_EQ(pass_.tally().expected, 2 * ZonePass::many);
  theirs_["www.example. A"] = other_address;
  wait(1h);
  run();
  EXPECT_EQ(confirm(), static_cast<int>(ZonePass::confirmations) - 1);
  EXPECT_EQ(mismatches().size(), 1u);
}

// A client asked for the type that the name does not have: once told by that, then with the type that it has.
TEST_F(Passes, WhatAClientAsksOfAMissingNameIsNotToldBesideIt) {
  run();
  const auto client_asks = [this] {
    pass_.offer({product_name("ns1.example."), dns::RRType::AAAA, false, false, product_name("ns1.example.")},
                false);
    run();
    confirm();
  };
  theirs_["ns1.example. A"] = theirs_["ns1.example. AAAA"] = theirs_["ns1.example. MX"] = no_such_name;
  client_asks();
  ASSERT_EQ(mismatches().size(), 1u);
  EXPECT_EQ(to_string(mismatches().front().difference), "rcode");
  for (int i = 0; i < 3; ++i) {
    wait(1h);
    run();
    confirm();
    client_asks();
    ASSERT_EQ(mismatches().size(), 1u);
    EXPECT_EQ(to_string(mismatches().front().difference), "missing");
    EXPECT_EQ(pass_.tally().dynamic, 0u);
  }
}

// One type of it is gone, and asked for others the address says that there is no such name: two faults.
TEST_F(Passes, AMissingTypeHidesNoMissingName) {
  theirs_["www.example. TXT"] = {.authority = no_such_name.authority};
  theirs_["www.example. AAAA"] = no_such_name;
  run();
  confirm();
  ASSERT_EQ(mismatches().size(), 2u);
}

// It was not asked with success in this round, and so did not count in it.
TEST_F(Passes, WhatIsTakenBackWasCounted) {
  theirs_["ns1.example. AAAA"] = no_such_name;
  run();
  confirm();
  ASSERT_EQ(pass_.tally().mismatch, 1u);
  wait(1h);
  theirs_["ns1.example. A"] = no_such_name;
  const auto put = [this] {
    for (;;) {
      const auto ask = pass_.take(*reader_, now_).value();
      if (!ask) return;
      const bool lost = text(ask->question) == "ns1.example. AAAA";
      pass_.settle(*ask, ours(ask->question), lost ? audit::no_answer("timeout") : theirs(ask->question),
                   now_);
    }
  };
  put();
  for (int i = 0; i < 20; ++i) {
    wait(1s);
    put();
  }
  ASSERT_EQ(mismatches().size(), 1u);
  EXPECT_EQ(pass_.tally().mismatch, 1u);
  EXPECT_EQ(pass_.tally().unknown, 1u);
}

}  // namespace
}  // namespace understudy::test
