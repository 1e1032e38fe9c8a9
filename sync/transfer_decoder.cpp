#include "sync/transfer_decoder.h"

#include "dns/edns.h"
#include "dns/rdata.h"
#include "dns/serial.h"
#include "sync/reasons.h"
#include "sync/soa_probe.h"

namespace understudy::sync {
namespace {

// A server may send such messages while it works, but not for ever.
constexpr unsigned max_empty_messages = 32;

std::string named(const dns::RecordHead& head) {
  return dns::to_string(head.owner) + " " + dns::to_string(head.type);
}

}  // namespace

std::string_view to_string(TransferKind kind) {
  switch (kind) {
    case TransferKind::axfr:
      return "axfr";
    case TransferKind::ixfr:
      return "ixfr";
    case TransferKind::axfr_style:
      return "axfr-style";
    case TransferKind::current:
      return "current";
    case TransferKind::file:
      return "file";
    case TransferKind::catalog:
      return "catalog";
  }
  return "axfr";
}

Result<> RecordTarget::changed(bool, const dns::RecordView&) {
  return Error{reason::malformed, "differences came where none were asked for"};
}

bool TransferDecoder::refuse(std::string_view why, std::string message) {
  state_ = State::refused;
  error_ = {why, "message " + std::to_string(counts_.messages) + " of the transfer: " + std::move(message)};
  return false;
}

std::optional<std::uint32_t> TransferDecoder::serial() const {
  if (first_soa_.empty()) return std::nullopt;
  return dns::Soa::of(first_soa_).serial;
}

Error TransferDecoder::ended_early() const {
  if (counts_.messages == 0) return {reason::truncated, "the connection ended before the first message"};
  if (is_undecided()) {
    return {reason::ixfr_soa_only, "the primary answered with the SOA of serial " +
                                       std::to_string(*serial()) + " alone, neither differences nor a zone"};
  }
  if (counts_.kind == TransferKind::ixfr) {
    return {reason::truncated, "the differences ended after " + std::to_string(counts_.records) +
                                   " records, without the SOA that closes them"};
  }
  if (counts_.records <= 1) {
    return {reason::truncated, "the transfer ended after the SOA alone: the primary sent no zone"};
  }
  return {reason::truncated, "the transfer ended after " + std::to_string(counts_.records) +
                                 " records, without the SOA that closes it"};
}

TransferDecoder::State TransferDecoder::message(dns::Octets octets) {
  ++counts_.messages;
  counts_.octets += octets.size();
  if (state_ != State::running) {
    if (state_ == State::complete) refuse(reason::data_after_end, "a message behind the end of the zone");
    return state_;
  }
  if (octets.size() < dns::header_octets) {
    refuse(reason::malformed, "it is shorter than a header");
    return state_;
  }
  if (counts_.octets > rules_.max_octets) {
    refuse(reason::limit_octets,
           "more than the " + std::to_string(rules_.max_octets) + " octets that are allowed");
    return state_;
  }
  const dns::Header header = dns::load_header(octets.data());
  dns::WireReader reader(octets, dns::header_octets);
  if (!check_message(header, reader)) {
    if (error_.reason == reason_of(header.rcode())) error_.message += dns::extended_errors_of(octets);
    return state_;
  }
  empty_in_a_row_ = header.answers == 0 ? empty_in_a_row_ + 1 : 0;
  if (empty_in_a_row_ > max_empty_messages) {
    refuse(reason::empty_messages, std::to_string(empty_in_a_row_) + " messages in a row without a record");
    return state_;
  }
  for (unsigned i = 0; i < header.answers; ++i) {
    if (!answer_record(reader)) return state_;
  }
  // RFC 1995 2: our version or a newer one than the server's "is replied to with a single SOA record". A
  // newer SOA that is alone in its message is the first of more: PowerDNS sends it ahead of the zone.
  if (is_undecided() && !dns::Serial(*serial()).is_newer_than(dns::Serial(*rules_.have_serial))) {
    counts_.kind = TransferKind::current;
    state_ = State::complete;
  }
  // RFC 5936 2.2.4, 2.2.5: an empty authority section; OPT, TSIG and SIG(0) in the additional one. Neither is
  // data.
  const unsigned others = unsigned{header.authorities} + header.additionals;
  if (skip_records(reader, others) && reader.remaining() != 0) {
    refuse(reason::malformed, std::to_string(reader.remaining()) + " octets behind the last record");
  }
  return state_;
}

bool TransferDecoder::check_message(const dns::Header& header, dns::WireReader& reader) {
  if (!header.is_response()) return refuse(reason::malformed, "it is a query, not a response");
  if (header.opcode() != dns::Opcode::query) return refuse(reason::malformed, "its opcode is not QUERY");
  if (header.id != rules_.id) return refuse(reason::malformed, "its ID is not that of our question");
  if (header.rcode() != dns::Rcode::noerror) {
    return refuse(reason_of(header.rcode()), "the primary answered " + dns::to_string(header.rcode()));
  }
  if ((header.flags & dns::flag::tc) != 0) return refuse(reason::truncated, "the TC bit is set over TCP");
  // RFC 5936 2.2.1: one question in the first message, none or one in those after it.
  if (header.questions > 1) return refuse(reason::malformed, "it has more than one question");
  if (header.questions == 1) return check_question(reader);
  if (counts_.messages == 1) return refuse(reason::malformed, "it has no question");
  return true;
}

bool TransferDecoder::check_question(dns::WireReader& reader) {
  dns::Name name;
  reader.name(name);
  const dns::RRType type{reader.u16()};
  const dns::RRClass qclass{reader.u16()};
  if (!reader.ok()) return refuse(reason::malformed, "its question cannot be read");
  if (!(name == rules_.apex) || type != rules_.question_type() || qclass != dns::RRClass::IN) {
    return refuse(reason::malformed, "its question is " + dns::to_string(name) + " " + dns::to_string(type) +
                                         ", which is not what we asked");
  }
  return true;
}

bool TransferDecoder::skip_records(dns::WireReader& reader, unsigned count) {
  for (unsigned i = 0; i < count; ++i) {
    if (!dns::read_record_head(reader, head_)) return refuse(reason::malformed, "a record cannot be read");
    const dns::Octets data = reader.octets(head_.rdlength);
    if (head_.type == dns::RRType::OPT && !counts_.expire) counts_.expire = dns::expire_among(data);
  }
  return true;
}

bool TransferDecoder::answer_record(dns::WireReader& reader) {
  if (!dns::read_record_head(reader, head_)) return refuse(reason::malformed, "a record cannot be read");
  if (state_ == State::complete) return refuse(reason::data_after_end, named(head_) + " behind the last SOA");
  if (head_.rclass != dns::RRClass::IN) {
    return refuse(reason::wrong_class, named(head_) + " has class " +
                                           std::to_string(static_cast<unsigned>(head_.rclass)) + ", not IN");
  }
  if (dns::is_meta_type(head_.type)) {
    return refuse(reason::meta_type, named(head_) + " is of a type that is never data of a zone");
  }
  return read_record(reader, head_);
}

bool TransferDecoder::read_record(dns::WireReader& reader, const dns::RecordHead& head) {
  rdata_.clear();
  if (const dns::RdataFault fault = dns::expand_rdata(reader, head.type, head.rdlength, rdata_)) {
    return refuse(reason::bad_rdata, named(head) + ": " + fault);
  }
  // RFC 2181 8: a TTL with the highest bit set counts as 0.
  const std::uint32_t ttl = head.ttl > 0x7fffffffu ? 0 : head.ttl;
  return take({head.owner.view(), head.type, ttl, rdata_});
}

bool TransferDecoder::take(const dns::RecordView& record) {
  if (record.type == dns::RRType::SOA) return take_soa(record);
  if (phase_ == Phase::first) {
    return refuse(reason::soa_missing, named(head_) + " comes first, where the SOA must");
  }
  // RFC 1995 4: differences begin with two SOAs; what does not is the zone, as AXFR would send it.
  if (phase_ == Phase::second && !begin_zone()) return false;
  if (!record.owner.is_at_or_below(rules_.apex)) {
    if (rules_.refuse_out_of_zone) return refuse(reason::out_of_zone, named(head_) + " is outside the zone");
    if (counts_.out_of_zone++ == 0) counts_.first_out_of_zone = named(head_);
    return true;
  }
  return hand_on(record);
}

bool TransferDecoder::take_soa(const dns::RecordView& record) {
  const bool at_apex = record.owner.equals(rules_.apex);
  if (phase_ == Phase::first && !at_apex)
    return refuse(reason::soa_missing, named(head_) + " comes first, where the zone's SOA must");
  if (phase_ == Phase::first) return take_first_soa(record);
  if (!at_apex) return refuse(reason::second_soa, named(head_) + ": only the apex has an SOA");
  // Names compare without case: a server may compress the closing SOA against names in another spelling.
  dns::lower_names(record.type, rdata_);
  switch (phase_) {
    case Phase::second:
      return take_second_soa();
    case Phase::removals:
      return begin_additions();
    case Phase::additions:
      return end_additions();
    default:
      return take_closing_soa();
  }
}

bool TransferDecoder::take_first_soa(const dns::RecordView& record) {
  first_soa_.assign(record.rdata.begin(), record.rdata.end());
  dns::lower_names(record.type, first_soa_);
  counts_.serial = *serial();
  if (rules_.have_serial) {
    newest_ = {dns::Name(record.owner), record.type, record.ttl, {record.rdata.begin(), record.rdata.end()}};
    phase_ = Phase::second;
    return true;
  }
  phase_ = Phase::zone;
  return hand_on(record);
}

// An AXFR-style reply: the SOA was the first record of the zone.
bool TransferDecoder::begin_zone() {
  phase_ = Phase::zone;
  counts_.kind = TransferKind::axfr_style;
  return hand_on({newest_.owner, newest_.type, newest_.ttl, newest_.rdata});
}

bool TransferDecoder::take_second_soa() {
  const std::uint32_t old = dns::Soa::of(rdata_).serial;
  if (rdata_ == first_soa_) {
    // A zone of nothing but its SOA, as AXFR would send it.
    if (!begin_zone()) return false;
    return take_closing_soa();
  }
  if (old != *rules_.have_serial) {
    return refuse(reason::ixfr_gap, "its differences begin at serial " + std::to_string(old) +
                                        ", but we have " + std::to_string(*rules_.have_serial));
  }
  counts_.kind = TransferKind::ixfr;
  phase_ = Phase::removals;
  reached_ = old;
  return true;
}

bool TransferDecoder::begin_additions() {
  const std::uint32_t next = dns::Soa::of(rdata_).serial;
  if (!dns::Serial(next).is_newer_than(dns::Serial(reached_))) {
    return refuse(reason::ixfr_gap, "a difference leads from serial " + std::to_string(reached_) + " to " +
                                        std::to_string(next) + ", which is not newer");
  }
  phase_ = Phase::additions;
  reached_ = next;
  return true;
}

// Behind what a difference adds: the next difference, or the SOA that closes all of them.
bool TransferDecoder::end_additions() {
  if (reached_ == *serial()) {
    if (!take_closing_soa()) return false;
    return hand_on({newest_.owner, newest_.type, newest_.ttl, newest_.rdata});
  }
  const std::uint32_t old = dns::Soa::of(rdata_).serial;
  if (old != reached_) {
    return refuse(reason::ixfr_gap, "a difference begins at serial " + std::to_string(old) +
                                        ", but the one before leads to " + std::to_string(reached_));
  }
  phase_ = Phase::removals;
  return true;
}

bool TransferDecoder::take_closing_soa() {
  if (rdata_ != first_soa_) {
    return refuse(reason::soa_mismatch,
                  "it ends with serial " + std::to_string(dns::Soa::of(rdata_).serial) + " but began with " +
                      std::to_string(*serial()) +
                      ", or other fields of the SOA differ: the zone changed meanwhile");
  }
  state_ = State::complete;
  return true;
}

bool TransferDecoder::hand_on(const dns::RecordView& record) {
  if (counts_.records >= rules_.max_records) {
    return refuse(reason::limit_records,
                  "more than the " + std::to_string(rules_.max_records) + " records that are allowed");
  }
  ++counts_.records;
  Result<> taken = counts_.kind == TransferKind::ixfr ? sink_.changed(phase_ == Phase::additions, record)
                                                      : sink_.record(record);
  if (taken) return true;
  state_ = State::refused;
  error_ = std::move(taken).error();
  return false;
}

}  // namespace understudy::sync
