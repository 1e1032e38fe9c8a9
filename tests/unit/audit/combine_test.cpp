// What the passes at several addresses say together.
#include "audit/passes.h"
#include "unit/audit/pass_fixture.h"

namespace understudy::test {
namespace {

// www.example. A is wrong at the one address, very much at the other.
class TwoAddresses : public Passes {
 protected:
  static constexpr std::uint64_t many = ZonePass::most_mismatches;

  TwoAddresses() {
    std::string lines = zone_lines;
    for (std::uint64_t i = 0; i < many; ++i)
      lines += "n" + std::to_string(i) + ".many.example. 60 A 192.0.2.1\n";
    mirror_.serve({zone("example.", lines)});
  }
  std::shared_ptr<ZonePass> pass_at(std::uint16_t port, const std::function<bool(const dns::Name&)>& wrong) {
    auto pass = std::make_shared<ZonePass>(product_name("example."),
                                           net::Endpoint{boost::asio::ip::address_v4::loopback(), port},
                                           shared(every_hour()), 1);
    pass->heard_serial(7, now_.steady);
    for (int i = 0; i < 50; ++i) {
      while (const auto ask = pass->take(*reader_, now_).value()) {
        const std::string owner = to_string(ask->question.name);
        const bool differs = ask->question.type == dns::RRType::A && wrong(ask->question.name);
        const audit::NormalAnswer theirs =
            differs ? normal(owner, "A", {.answer = owner + " 60 A 198.51.100.1"}) : ours(ask->question);
        pass->settle(*ask, ours(ask->question), theirs, now_);
      }
      wait(1s);
    }
    return pass;
  }
};

TEST_F(TwoAddresses, WhatIsWrongAtOneDoesNotHideTheOther) {
  const dns::Name below = product_name("many.example."), www = product_name("www.example.");
  const audit::Passes passes{pass_at(1,
                                     [&](const dns::Name& name) {
                                       return name.view().is_at_or_below(below) && !(name == below) &&
                                              !name.view().is_wildcard();
                                     }),
                             pass_at(2, [&](const dns::Name& name) { return name == www; })};
  const audit::ZoneComparison all = audit::combine(product_name("example."), passes, {}, now_.wall);
  EXPECT_EQ(all.mismatches.size(), many) << "the list is bounded";
  ASSERT_EQ(all.mismatching.size(), 2u);
  const auto rdata = static_cast<std::size_t>(Class::rdata);
  EXPECT_GE(all.mismatching[0][rdata], many - 1);  // made-up names are known as one
  EXPECT_EQ(all.mismatching[1][rdata], 1u);
  EXPECT_GT(all.oldest_mismatch, 1'000'000);
  EXPECT_LT(all.oldest_mismatch, now_.wall);
}

}  // namespace
}  // namespace understudy::test
