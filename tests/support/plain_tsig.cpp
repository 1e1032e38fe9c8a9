#include "support/plain_tsig.h"

#include <openssl/hmac.h>

namespace understudy::test {
namespace {

void append(Bytes& out, const Bytes& octets) { out.insert(out.end(), octets.begin(), octets.end()); }

void append48(Bytes& out, std::uint64_t value) {
  append16(out, static_cast<std::uint16_t>(value >> 32));
  append32(out, static_cast<std::uint32_t>(value));
}

Bytes wire(const Labels& name) {
  Bytes out;
  append_name(out, name);
  return out;
}

Bytes hmac(const Bytes& key, const Bytes& octets) {
  Bytes mac(32);
  unsigned size = 0;
  HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), octets.data(), octets.size(), mac.data(),
       &size);
  mac.resize(size);
  return mac;
}

// 4.3: what the MAC is of. `message` is without the record.
Bytes digested(const Bytes& message, const Tsig& tsig, const Chain& chain) {
  Bytes out;
  if (!chain.prior.empty()) {
    append16(out, static_cast<std::uint16_t>(chain.prior.size()));
    append(out, chain.prior);
  }
  append(out, chain.between);
  append(out, message);
  if (!chain.later) {
    append(out, wire(lowered(tsig.key)));
    append16(out, 255);
    append32(out, 0);
    append(out, wire(lowered(tsig.algorithm)));
  }
  append48(out, tsig.time);
  append16(out, tsig.fudge);
  if (chain.later) return out;
  append16(out, tsig.error);
  append16(out, static_cast<std::uint16_t>(tsig.other.size()));
  append(out, tsig.other);
  return out;
}

Bytes with_record(Bytes message, const Tsig& tsig) {
  Bytes rdata = wire(tsig.algorithm);
  append48(rdata, tsig.time);
  append16(rdata, tsig.fudge);
  append16(rdata, static_cast<std::uint16_t>(tsig.mac.size()));
  append(rdata, tsig.mac);
  append16(rdata, tsig.original_id);
  append16(rdata, tsig.error);
  append16(rdata, static_cast<std::uint16_t>(tsig.other.size()));
  append(rdata, tsig.other);
  append(message, wire(tsig.key));
  append16(message, type::TSIG);
  append16(message, 255);
  append32(message, 0);
  append16(message, static_cast<std::uint16_t>(rdata.size()));
  append(message, rdata);
  ++message[11];
  return message;
}

Tsig record_for(const Bytes& message, const Secret& secret, const Stamp& stamp) {
  Tsig tsig;
  tsig.key = secret.name;
  tsig.algorithm = name(secret.algorithm);
  tsig.time = stamp.time;
  tsig.fudge = stamp.fudge;
  tsig.original_id = static_cast<std::uint16_t>(message.at(0) << 8 | message.at(1));
  return tsig;
}

}  // namespace

Bytes with_tsig(const Bytes& message, const Secret& secret, const Stamp& stamp, const Chain& chain) {
  Tsig tsig = record_for(message, secret, stamp);
  tsig.mac = hmac(secret.octets, digested(message, tsig, chain));
  return with_record(message, tsig);
}

Bytes with_mac(const Bytes& message, const Secret& secret, const Stamp& stamp, const Bytes& mac,
               std::uint16_t error) {
  Tsig tsig = record_for(message, secret, stamp);
  tsig.mac = mac;
  tsig.error = error;
  return with_record(message, tsig);
}

bool is_signed(const Bytes& message, const Secret& secret, const Chain& chain) {
  const Message read = decode(message);
  if (!read.tsig || !same(read.tsig->key, secret.name) || !same(read.tsig->algorithm, name(secret.algorithm)))
    return false;
  Bytes before(message.begin(), message.begin() + static_cast<std::ptrdiff_t>(read.tsig->at));
  --before[11];
  before[0] = static_cast<std::uint8_t>(read.tsig->original_id >> 8);
  before[1] = static_cast<std::uint8_t>(read.tsig->original_id);
  return read.tsig->mac == hmac(secret.octets, digested(before, *read.tsig, chain));
}

Bytes mac_of(const Bytes& message) { return decode(message).tsig.value().mac; }

}  // namespace understudy::test
