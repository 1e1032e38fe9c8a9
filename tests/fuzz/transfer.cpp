// The transfer decoder: messages with their length in front; what it hands on lies in the zone and is sound,
// and it keeps its bounds.
#include "sync/transfer_decoder.h"

#include "dns/rdata.h"
#include "fuzz/fuzz.h"

namespace understudy::fuzz {
namespace {

class Checker final : public sync::RecordTarget {
 public:
  explicit Checker(const sync::TransferRules& rules) : rules_(rules) {}
  Result<> record(const dns::RecordView& record) override {
    check(record.owner.is_at_or_below(rules_.apex), "a record outside of the zone");
    check(!dns::is_meta_type(record.type), "a record of a type that is no data");
    check(record.ttl <= 0x7fffffff, "a TTL that is too large");  // RFC 2181 8
    check(dns::check_rdata(record.type, record.rdata) == nullptr, "a record with damaged data");
    if (record.type == dns::RRType::SOA) check(++soas_ == 1, "a second SOA");
    ++records_;
    return {};
  }
  std::uint64_t records() const { return records_; }
  unsigned soas() const { return soas_; }

 private:
  const sync::TransferRules& rules_;
  std::uint64_t records_ = 0;
  unsigned soas_ = 0;
};

}  // namespace
}  // namespace understudy::fuzz

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace understudy;
  using State = sync::TransferDecoder::State;
  fuzz::Feed feed({data, size});
  sync::TransferRules rules;
  rules.apex = *dns::Name::from_text("example.");
  rules.id = 7;
  rules.refuse_out_of_zone = (feed.u8() & 1) != 0;
  rules.max_records = 50;
  rules.max_octets = 4096;
  fuzz::Checker checker(rules);
  sync::TransferDecoder decoder(rules, checker);
  State state = State::running;
  while (!feed.empty()) {
    const State before = state;
    const fuzz::Bytes message = feed.piece();
    state = decoder.message(message);
    fuzz::check(state == decoder.state(), "two states");
    if (before != State::running) fuzz::check(state == State::refused, "a message after the end");
  }
  fuzz::check(checker.records() == decoder.counts().records, "records are counted wrongly");
  fuzz::check(checker.records() <= rules.max_records, "too many records");
  if (state == State::complete) fuzz::check(checker.soas() == 1, "a zone without an SOA is complete");
  if (state == State::refused) fuzz::check(!decoder.error().reason.empty(), "a refusal without a reason");
  if (state == State::running) fuzz::check(!decoder.ended_early().message.empty(), "an end without words");
  return 0;
}
