// The transfer decoder: messages of an AXFR in, checked records or one clear refusal out (RFC 5936). No
// sockets, no clock, no threads of its own; used by one thread at a time. Holds no more than one record.
//
//               +------ message() ------+
//               v                       |
//   begin --SOA of the apex--> records -+--the same SOA--> complete
//     |                           |
//     +---------- refused <-------+     (any error; nothing more is taken)
//
// Two layers: what every message of a stream must be (header, question, records that can be read, data that
// fits its type) stands in check_message() and read_record(); what the sequence of records means stands in
// take(). A transfer of differences (RFC 1995) is another sequence over the same first layer.
#pragma once

#include <vector>

#include "base/result.h"
#include "dns/message.h"
#include "dns/record.h"

namespace understudy::sync {

// Takes what a source delivers. The views live until it returns.
class RecordTarget {
 public:
  virtual ~RecordTarget() = default;
  virtual Result<> record(const dns::RecordView& record) = 0;
};

struct TransferRules {
  dns::Name apex;
  std::uint16_t id = 0;  // of our question
  std::uint64_t max_octets = limits::transfer_octets;
  std::uint64_t max_records = limits::transfer_records;
  bool refuse_out_of_zone = false;  // false: such records are dropped and counted
};

struct TransferCounts {
  std::uint64_t messages = 0, octets = 0;
  std::uint64_t records = 0;  // handed on; the SOA once
  std::uint64_t out_of_zone = 0;
  std::string first_out_of_zone;  // an owner to name in the log
};

class TransferDecoder {
 public:
  enum class State : std::uint8_t { running, complete, refused };

  TransferDecoder(TransferRules rules, RecordTarget& sink) : rules_(std::move(rules)), sink_(sink) {}

  // Takes the next message of the stream. After `complete` or `refused` every further message is refused.
  State message(dns::Octets octets);
  // The stream ended (closed or timed out) while running: the refusal that tells how far it came.
  Error ended_early() const;

  State state() const { return state_; }
  const Error& error() const { return error_; }  // where refused
  const TransferCounts& counts() const { return counts_; }
  // Of the zone that comes; set after the first message.
  std::optional<std::uint32_t> serial() const;

 private:
  bool refuse(std::string_view reason, std::string message);
  bool check_message(const dns::Header& header, dns::WireReader& reader);
  bool check_question(dns::WireReader& reader);
  bool answer_record(dns::WireReader& reader);
  bool skip_records(dns::WireReader& reader, unsigned count);
  bool read_record(dns::WireReader& reader, const dns::RecordHead& head);
  bool take(const dns::RecordView& record);
  bool take_soa(const dns::RecordView& record);
  bool hand_on(const dns::RecordView& record);

  const TransferRules rules_;
  RecordTarget& sink_;
  State state_ = State::running;
  Error error_{};
  TransferCounts counts_;
  unsigned empty_in_a_row_ = 0;
  dns::RecordHead head_;                 // reused, as its name is large
  std::vector<std::uint8_t> rdata_;      // of the record at hand
  std::vector<std::uint8_t> first_soa_;  // RDATA, empty before it came
};

}  // namespace understudy::sync
