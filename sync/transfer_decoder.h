// The transfer decoder: messages of an AXFR or IXFR in, checked records or one clear refusal out (RFC 5936,
// RFC 1995). No sockets, no clock, no threads of its own; used by one thread at a time. Holds no more than
// two records.
//
//                        AXFR                 any record
//   begin --first SOA--> zone --the same SOA--> complete
//                |        ^                      ^   ^
//           IXFR |        | anything but an SOA  |   | the message ends, and the SOA is not newer than ours
//                v        |                      |   |
//              second ----+----------------------|---+
//                | our SOA                       |
//                v                               | the first SOA again
//             removals --SOA of a newer version--> additions
//                ^                               |
//                +------ the SOA of that version-+
//
// From any state to `refused` on any error; then nothing more is taken. Two layers: what every message of a
// stream must be (header, question, records that can be read, data that fits its type) stands in
// check_message() and read_record(); what the sequence of records means stands in take().
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
  // Of a whole zone.
  virtual Result<> record(const dns::RecordView& record) = 0;
  // Of differences; only where they were asked for. All versions on the way are run through, oldest first; of
  // their SOAs only the last one is told, as an addition behind everything else.
  virtual Result<> changed(bool added, const dns::RecordView& record);
};

struct TransferRules {
  dns::Name apex;
  std::uint16_t id = 0;  // of our question
  std::uint64_t max_octets = limits::transfer_octets;
  std::uint64_t max_records = limits::transfer_records;
  bool refuse_out_of_zone = false;  // false: such records are dropped and counted
  // The serial that we have: what changed since is asked for (IXFR). Nothing: the whole zone (AXFR).
  std::optional<std::uint32_t> have_serial = {};

  dns::RRType question_type() const { return have_serial ? dns::RRType::IXFR : dns::RRType::AXFR; }
};

// What a transfer turned out to be.
enum class TransferKind : std::uint8_t {
  axfr,
  ixfr,        // differences
  axfr_style,  // asked for differences, the primary sent the whole zone
  current,     // asked for differences, there are none
  file,        // no transfer at all: read from a zone file
  catalog,     // nor here: made of what is served
};
std::string_view to_string(TransferKind kind);

struct TransferCounts {
  TransferKind kind = TransferKind::axfr;
  std::uint32_t serial = 0;  // of the version that the primary has
  std::uint64_t messages = 0, octets = 0;
  std::uint64_t records = 0;  // handed on; the SOA once
  std::uint64_t out_of_zone = 0;
  std::string first_out_of_zone;             // an owner to name in the log
  std::optional<std::uint32_t> expire = {};  // EXPIRE (RFC 7314), where the primary told it
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
  // A newer SOA came, alone in its message: there is something to fetch, but not (yet) here.
  bool is_undecided() const { return phase_ == Phase::second && state_ == State::running; }

 private:
  bool refuse(std::string_view reason, std::string message);
  bool check_message(const dns::Header& header, dns::WireReader& reader);
  bool check_question(dns::WireReader& reader);
  bool answer_record(dns::WireReader& reader);
  bool skip_records(dns::WireReader& reader, unsigned count);
  bool read_record(dns::WireReader& reader, const dns::RecordHead& head);
  bool take(const dns::RecordView& record);
  bool take_soa(const dns::RecordView& record);
  bool take_first_soa(const dns::RecordView& record);
  bool take_second_soa();
  bool take_closing_soa();
  bool begin_zone();
  bool begin_additions();
  bool end_additions();
  bool hand_on(const dns::RecordView& record);

  // Where in the sequence of records the next one stands.
  enum class Phase : std::uint8_t { first, second, zone, removals, additions };

  const TransferRules rules_;
  RecordTarget& sink_;
  State state_ = State::running;
  Error error_{};
  TransferCounts counts_;
  unsigned empty_in_a_row_ = 0;
  dns::RecordHead head_;                 // reused, as its name is large
  std::vector<std::uint8_t> rdata_;      // of the record at hand
  std::vector<std::uint8_t> first_soa_;  // RDATA with its names in lower case; empty before it came
  Phase phase_ = Phase::first;
  dns::Record newest_;         // IXFR: the SOA that came first, as it came
  std::uint32_t reached_ = 0;  // IXFR: the serial of the version that the differences so far lead to
};

}  // namespace understudy::sync
