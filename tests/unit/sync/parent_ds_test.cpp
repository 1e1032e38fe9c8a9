// What an answer to the DS question says of a zone without signatures.
#include "sync/parent_ds.h"

#include <gtest/gtest.h>

#include "dns/presentation.h"

namespace understudy::sync {
namespace {

using State = ParentDs::State;
using Bytes = std::vector<std::uint8_t>;

const dns::Name apex = *dns::Name::from_text("child.example.");

// A response to "child.example. DS"; each record is in the answer or in the authority section.
class Response {
 public:
  explicit Response(unsigned rcode = 0) : octets_(12) {
    dns::Header header;
    header.flags = static_cast<std::uint16_t>(dns::flag::qr | rcode);
    header.questions = 1;
    dns::store_header(octets_.data(), header);
    octets_.insert(octets_.end(), apex.data(), apex.data() + apex.size());
    octets_.insert(octets_.end(), {0, 43, 0, 1});
  }
  Response& answer(std::string_view owner, dns::RRType type, std::string_view rdata) {
    return add(owner, type, rdata, 7);
  }
  Response& authority(std::string_view owner, dns::RRType type, std::string_view rdata) {
    return add(owner, type, rdata, 9);
  }
  const Bytes& octets() const { return octets_; }
  State says() const { return ds_in(octets_, apex).state; }

 private:
  Response& add(std::string_view owner_text, dns::RRType type, std::string_view text, std::size_t count_at) {
    const dns::Name owner = *dns::Name::from_text(owner_text);
    const Bytes rdata = *dns::parse_rdata_text(type, text, owner);
    octets_.insert(octets_.end(), owner.data(), owner.data() + owner.size());
    const std::size_t at = octets_.size();
    octets_.resize(at + 10);
    dns::store16(&octets_[at], static_cast<std::uint16_t>(type));
    dns::store16(&octets_[at + 2], 1);
    dns::store16(&octets_[at + 8], static_cast<std::uint16_t>(rdata.size()));
    octets_.insert(octets_.end(), rdata.begin(), rdata.end());
    ++octets_[count_at];
    return *this;
  }
  Bytes octets_;
};

constexpr std::string_view soa = "ns. host. 1 2 3 4 5",
                           ds = "1 13 2 "
                                "0000000000000000000000000000000000000000000000000000000000000000";

TEST(ParentDs, ADsRecordIsOne) {
  EXPECT_EQ(Response().answer("child.example.", dns::RRType::DS, ds).says(), State::present);
  EXPECT_EQ(Response().answer("CHILD.example.", dns::RRType::DS, ds).says(), State::present);
  // Another owner's says nothing; nor does one beside the answer.
  EXPECT_EQ(Response().answer("other.example.", dns::RRType::DS, ds).says(), State::unknown);
  EXPECT_EQ(Response().authority("child.example.", dns::RRType::DS, ds).says(), State::unknown);
}

TEST(ParentDs, ThatThereIsNoneIsTheParentsToSay) {
  EXPECT_EQ(Response().authority("example.", dns::RRType::SOA, soa).says(), State::none);
  EXPECT_EQ(Response(3).authority(".", dns::RRType::SOA, soa).says(), State::none);  // NXDOMAIN
  // RFC 4035 3.1.4.1: the child's own server knows of no DS, whatever the parent has.
  EXPECT_EQ(Response().authority("child.example.", dns::RRType::SOA, soa).says(), State::unknown);
  EXPECT_EQ(Response().authority("elsewhere.", dns::RRType::SOA, soa).says(), State::unknown);
  // A referral, or nothing at all.
  EXPECT_EQ(Response().authority("example.", dns::RRType::NS, "ns.").says(), State::unknown);
  EXPECT_EQ(Response().says(), State::unknown);
}

TEST(ParentDs, WhoCannotTellIsNotBelieved) {
  for (const unsigned rcode : {1u, 2u, 4u, 5u})
    EXPECT_EQ(Response(rcode).authority("example.", dns::RRType::SOA, soa).says(), State::unknown);
  const Bytes whole = Response().answer("child.example.", dns::RRType::DS, ds).octets();
  for (std::size_t size = 0; size < whole.size() - 40; ++size)
    EXPECT_EQ(ds_in(dns::Octets(whole).first(size), apex).state, State::unknown) << size;
}

}  // namespace
}  // namespace understudy::sync
