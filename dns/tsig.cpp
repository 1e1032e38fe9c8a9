#include "dns/tsig.h"

#include <openssl/crypto.h>

#include <ctime>

namespace understudy::dns {
namespace {

// RFC 8945 10: what both sides allow the clocks.
constexpr std::uint16_t usual_fudge = 300;
// RFC 8945 5.3.1.
constexpr unsigned most_unsigned = 99;
constexpr std::size_t head_octets = 10;        // type, class, TTL, RDLENGTH
constexpr std::size_t fixed_octets = 16;       // of RDATA: all but the algorithm, the MAC and the other data
constexpr std::size_t server_time_octets = 6;  // the other data of BADTIME

enum class Place : std::uint8_t { nowhere, last, wrong };

// Looks for the TSIG record, which must be the last of the additional section. `wrong` also where the records
// cannot be walked.
Place find_tsig(Octets message, std::size_t& at) {
  if (message.size() < header_octets) return Place::wrong;
  const Header header = load_header(message.data());
  WireReader reader(message, header_octets);
  for (unsigned i = 0; i < header.questions; ++i) {
    reader.skip_name();
    reader.skip(4);
  }
  const unsigned records = 0u + header.answers + header.authorities + header.additionals;
  for (unsigned i = 1; i <= records && reader.ok(); ++i) {
    at = reader.position();
    reader.skip_name();
    const RRType type{reader.u16()};
    reader.skip(6);
    reader.skip(reader.u16());
    if (!reader.ok() || type != RRType::TSIG) continue;
    return i == records && header.additionals != 0 && reader.remaining() == 0 ? Place::last : Place::wrong;
  }
  return reader.ok() ? Place::nowhere : Place::wrong;
}

// RFC 8945 5.2.2.1: no MAC is longer than its hash, nor shorter than half of it or ten octets.
bool is_sendable(std::size_t mac_octets, std::size_t hash_octets) {
  return mac_octets <= hash_octets && mac_octets >= std::max<std::size_t>(10, hash_octets / 2);
}

bool same_mac(Octets came, const TsigMac& made) {
  return came.size() <= made.size && CRYPTO_memcmp(came.data(), made.octets.data(), came.size()) == 0;
}

bool in_time(UnixTime now, std::uint64_t time, std::uint16_t fudge) {
  const auto here = static_cast<std::uint64_t>(now);
  return (here > time ? here - time : time - here) <= fudge;
}

std::string clock_text(std::uint64_t time) {
  // 48 bits reach further than the calendar of the library.
  const auto seconds = static_cast<std::time_t>(std::min<std::uint64_t>(time, 253402300799u));
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  std::array<char, 32> text{};
  return {text.data(), std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%SZ", &parts)};
}

void add_mac(TsigDigest& digest, Octets mac) {
  digest.add16(static_cast<std::uint16_t>(mac.size()));
  digest.add(mac);
}

// RFC 8945 4.3.2: the message as it was before the record was added, with the ID it then had.
void add_message(TsigDigest& digest, Octets message, const TsigRecord& record) {
  std::array<std::uint8_t, header_octets> header;
  std::memcpy(header.data(), message.data(), header.size());
  store16(header.data(), record.original_id);
  store16(header.data() + 10, static_cast<std::uint16_t>(load16(header.data() + 10) - 1));
  digest.add(header);
  digest.add(message.subspan(header_octets, record.at - header_octets));
}

void add_timers(TsigDigest& digest, const TsigRecord& record) {
  digest.add48(record.time);
  digest.add16(record.fudge);
}

// RFC 8945 4.3.3.
void add_variables(TsigDigest& digest, const TsigRecord& record) {
  digest.add(record.key.lowered().view().octets());
  digest.add16(static_cast<std::uint16_t>(RRClass::ANY));
  digest.add16(0);  // TTL
  digest.add16(0);
  digest.add(record.algorithm.lowered().view().octets());
  add_timers(digest, record);
  digest.add16(record.error);
  digest.add16(static_cast<std::uint16_t>(record.other.size()));
  digest.add(record.other);
}

// The MAC is the record's; room was made by the caller. Returns the message's new size.
std::size_t append_record(std::span<std::uint8_t> room, std::size_t size, const TsigRecord& record) {
  std::uint8_t* p = room.data() + size;
  const auto put = [&p](Octets octets) {
    if (!octets.empty()) std::memcpy(p, octets.data(), octets.size());
    p += octets.size();
  };
  const auto put16 = [&p](std::size_t value) {
    store16(p, static_cast<std::uint16_t>(value));
    p += 2;
  };
  put(record.key.view().octets());
  put16(static_cast<std::uint16_t>(RRType::TSIG));
  put16(static_cast<std::uint16_t>(RRClass::ANY));
  put16(0);  // TTL
  put16(0);
  put16(record.algorithm.size() + fixed_octets + record.mac.size() + record.other.size());
  put(record.algorithm.view().octets());
  put16(static_cast<std::uint16_t>(record.time >> 32));
  put16(static_cast<std::uint16_t>(record.time >> 16));
  put16(static_cast<std::uint16_t>(record.time));
  put16(record.fudge);
  put16(record.mac.size());
  put(record.mac);
  put16(record.original_id);
  put16(record.error);
  put16(record.other.size());
  put(record.other);
  store16(room.data() + 10, static_cast<std::uint16_t>(load16(room.data() + 10) + 1));
  return static_cast<std::size_t>(p - room.data());
}

}  // namespace

bool read_tsig(Octets message, std::size_t at, TsigRecord& record) {
  WireReader reader(message, at);
  RecordHead head;
  record.at = at;
  if (!read_record_head(reader, head) || head.type != RRType::TSIG) return false;
  // RFC 8945 4.2.
  if (head.rclass != RRClass::ANY || head.ttl != 0) return false;
  if (head.rdata_at + head.rdlength != message.size()) return false;
  record.key = head.owner;
  reader.name(record.algorithm);
  record.time = std::uint64_t{reader.u16()} << 32;
  record.time |= reader.u32();
  record.fudge = reader.u16();
  record.mac = reader.octets(reader.u16());
  record.original_id = reader.u16();
  record.error = reader.u16();
  record.other = reader.octets(reader.u16());
  return reader.ok() && reader.remaining() == 0;
}

Error TsigVerifier::refused(std::string_view reason, std::string why) const {
  const std::string where =
      messages_ > 0 ? "message " + std::to_string(messages_ + 1) + " of the response" : "the response";
  return {reason, where + " " + std::move(why)};
}

bool TsigVerifier::sign(std::vector<std::uint8_t>& query) {
  TsigRecord record;
  record.at = query.size();
  record.key = key_->name();
  record.algorithm = key_->algorithm_name();
  record.time = static_cast<std::uint64_t>(clock_.wall());
  record.fudge = usual_fudge;
  record.original_id = load16(query.data());
  TsigDigest digest(*key_);
  digest.add(query);
  add_variables(digest, record);
  if (!digest.end(prior_)) return false;
  record.mac = prior_.view();
  const std::size_t size = query.size();
  query.resize(size + record.key.size() + head_octets + record.algorithm.size() + fixed_octets + prior_.size);
  append_record(query, size, record);
  messages_ = unsigned_in_a_row_ = 0;
  digest_.reset();
  return true;
}

// Every digest begins with the MAC before it.
TsigDigest TsigVerifier::begin_digest() const {
  TsigDigest digest(*key_);
  add_mac(digest, prior_.view());
  return digest;
}

Result<> TsigVerifier::check(Octets message) {
  TsigRecord record;
  std::size_t at = 0;
  const Place place = find_tsig(message, at);
  if (place == Place::nowhere) return check_unsigned(message);
  if (place == Place::wrong || !read_tsig(message, at, record)) {
    return refused("malformed",
                   "cannot be read, or has a TSIG record that is malformed or not its last record");
  }
  return check_signed(message, record);
}

Result<> TsigVerifier::check_unsigned(Octets message) {
  if (messages_ == 0) {
    const Rcode rcode = load_header(message.data()).rcode();
    return refused(tsig_reason::missing, "(" + to_string(rcode) +
                                             ") is not signed, though the request was, with the key " +
                                             to_string(key_->name()));
  }
  if (++unsigned_in_a_row_ > most_unsigned) {
    return refused(tsig_reason::missing,
                   "is the " + std::to_string(unsigned_in_a_row_) + "th in a row without a signature");
  }
  if (!digest_) digest_.emplace(begin_digest());
  digest_->add(message);
  ++messages_;
  return {};
}

Error TsigVerifier::told(const TsigRecord& record) const {
  const std::string key = to_string(key_->name());
  switch (TsigError{record.error}) {
    case TsigError::badkey:
      return refused(tsig_reason::badkey, "says BADKEY: that server does not know the key " + key +
                                              ", or not with " + std::string(to_string(key_->algorithm())));
    case TsigError::badsig:
      return refused(tsig_reason::badsig, "says BADSIG: that server has another secret for the key " + key);
    case TsigError::badtime: {
      std::string theirs = "unknown";
      if (record.other.size() == server_time_octets) {
        theirs =
            clock_text(std::uint64_t{load16(record.other.data())} << 32 | load32(record.other.data() + 2));
      }
      return refused(tsig_reason::badtime, "says BADTIME: its clock says " + theirs + ", ours " +
                                               clock_text(static_cast<std::uint64_t>(clock_.wall())) +
                                               "; set the wrong one right");
    }
    case TsigError::badtrunc:
      return refused(tsig_reason::badtrunc,
                     "says BADTRUNC: that server wants longer signatures with the key " + key);
    default:
      return refused(tsig_reason::badsig, "has the TSIG error " + std::to_string(record.error));
  }
}

Result<> TsigVerifier::check_time(std::uint64_t time, std::uint16_t fudge) const {
  const UnixTime now = clock_.wall();
  if (in_time(now, time, fudge)) return {};
  return refused(tsig_reason::badtime, "was signed at " + clock_text(time) + " by its clock, but ours says " +
                                           clock_text(static_cast<std::uint64_t>(now)) + ", and " +
                                           std::to_string(fudge) +
                                           " seconds are allowed; set the wrong one right");
}

// RFC 8945 5.4, in the order of 5.2: key, MAC, time, truncation.
Result<> TsigVerifier::check_signed(Octets message, const TsigRecord& record) {
  if (!(record.key == key_->name()) || !(record.algorithm == key_->algorithm_name())) {
    return refused(tsig_reason::badkey, "is signed with the key " + to_string(record.key) + " and " +
                                            to_string(record.algorithm) + " instead of " +
                                            to_string(key_->name()) + " and " +
                                            to_string(key_->algorithm_name()));
  }
  // Whether or not it is signed itself (5.3.2), it is no answer.
  if (record.error != 0) return told(record);
  if (!is_sendable(record.mac.size(), key_->mac_octets()))
    return refused("malformed", "has a MAC of " + std::to_string(record.mac.size()) + " octets");
  TsigDigest digest = digest_ ? std::move(*digest_) : begin_digest();
  digest_.reset();
  add_message(digest, message, record);
  // 5.3.1: only the timers, but in the first message.
  messages_ == 0 ? add_variables(digest, record) : add_timers(digest, record);
  TsigMac made;
  if (!digest.end(made) || !same_mac(record.mac, made)) {
    return refused(tsig_reason::badsig, "has a wrong signature: the secrets of the key " +
                                            to_string(key_->name()) +
                                            " differ, or somebody changes messages on their way");
  }
  if (auto timely = check_time(record.time, record.fudge); !timely) return timely;
  if (record.mac.size() < key_->mac_octets())
    return refused(tsig_reason::badtrunc, "has a shortened signature, which is not taken");
  prior_ = made;
  unsigned_in_a_row_ = 0;
  ++messages_;
  return {};
}

Result<> TsigVerifier::end() const {
  if (messages_ != 0 && unsigned_in_a_row_ == 0) return {};
  return Error{tsig_reason::missing, "the last message of the response is not signed"};
}

TsigSigner::Verdict TsigSigner::check(Octets query, std::size_t at, const TsigKeyRing* keys) {
  key_.reset();
  prior_.size = 0;
  chained_ = false;
  TsigRecord record;
  if (!read_tsig(query, at, record)) return Verdict::formerr;
  name_ = record.key;
  algorithm_ = record.algorithm;
  time_ = record.time;
  fudge_ = record.fudge;
  if (keys != nullptr) key_ = keys->find(record.key);
  if (key_ && !(record.algorithm == key_->algorithm_name())) key_.reset();
  if (key_ && !is_sendable(record.mac.size(), key_->mac_octets())) return Verdict::formerr;
  error_ = judge(query, record);
  return error_ == TsigError::none ? Verdict::good : Verdict::notauth;
}

// RFC 8945 5.2.1 to 5.2.4, in that order.
TsigError TsigSigner::judge(Octets query, const TsigRecord& record) {
  if (!key_) return TsigError::badkey;
  TsigDigest digest(*key_);
  add_message(digest, query, record);
  add_variables(digest, record);
  TsigMac made;
  if (!digest.end(made) || !same_mac(record.mac, made)) {
    key_.reset();
    return TsigError::badsig;
  }
  // As it came: perhaps shortened (5.2.2.1).
  std::memcpy(prior_.octets.data(), record.mac.data(), record.mac.size());
  prior_.size = record.mac.size();
  if (!in_time(clock_->wall(), record.time, record.fudge)) return TsigError::badtime;
  return record.mac.size() < key_->mac_octets() ? TsigError::badtrunc : TsigError::none;
}

std::size_t TsigSigner::octets() const {
  return name_.size() + head_octets + algorithm_.size() + fixed_octets + (key_ ? key_->mac_octets() : 0) +
         (error_ == TsigError::badtime ? server_time_octets : 0);
}

std::size_t TsigSigner::sign(std::span<std::uint8_t> room, std::size_t size) {
  TsigRecord record;
  record.at = size;
  record.key = name_;
  record.algorithm = algorithm_;
  const auto now = static_cast<std::uint64_t>(clock_->wall());
  record.time = now;
  record.fudge = usual_fudge;
  record.original_id = load16(room.data());
  record.error = static_cast<std::uint16_t>(error_);
  std::array<std::uint8_t, 8> server_time;
  if (error_ == TsigError::badtime) {
    // RFC 8945 5.2.3: the client's own time, so that it can believe what is told; and ours beside it.
    record.time = time_;
    record.fudge = fudge_;
    store64(server_time.data(), now);
    record.other = Octets(server_time).last(server_time_octets);
  }
  TsigMac mac;
  if (key_) {
    TsigDigest digest(*key_);
    add_mac(digest, prior_.view());
    digest.add(room.first(size));
    chained_ ? add_timers(digest, record) : add_variables(digest, record);
    digest.end(mac);  // without memory: a record without a MAC, which nobody believes
    prior_ = mac;
    chained_ = true;
  }
  record.mac = mac.view();
  return append_record(room, size, record);
}

}  // namespace understudy::dns
