// Messages of transfers written octet by octet, and what a decoder makes of them.
#pragma once

#include "dns/presentation.h"
#include "sync/reasons.h"
#include "sync/transfer_decoder.h"

namespace understudy::sync {

using Bytes = std::vector<std::uint8_t>;

// A response written octet by octet, so that anything can be wrong with it. Names are written whole.
struct Writer {
  Bytes octets;
  void u8(unsigned v) { octets.push_back(static_cast<std::uint8_t>(v)); }
  void u16(unsigned v) { u8(v >> 8), u8(v & 255); }
  void u32(std::uint32_t v) { u16(v >> 16), u16(v & 0xffff); }
  void name(std::string_view text) { put(dns::Name::from_text(text)->view().octets()); }
  void put(dns::Octets more) { octets.insert(octets.end(), more.begin(), more.end()); }
};

inline Bytes soa(std::uint32_t serial, std::string_view primary = "ns.example.") {
  Writer w;
  w.name(primary), w.name("host.example.");
  for (const std::uint32_t v : {serial, 3600u, 600u, 86400u, 300u}) w.u32(v);
  return w.octets;
}

struct Rr {
  std::string owner;
  unsigned type;
  Bytes rdata;
  unsigned rclass = 1;
  std::uint32_t ttl = 300;
};
inline Rr soa_rr(std::uint32_t serial, std::string_view owner = "example.") {
  return {std::string(owner), 6, soa(serial)};
}
inline Rr a_rr(std::string_view owner, unsigned last = 1) {
  return {std::string(owner), 1, {192, 0, 2, static_cast<std::uint8_t>(last)}};
}

struct Shape {
  unsigned id = 7, flags = 0x8400, qtype = 252, qclass = 1;
  std::string qname = "example.";
  bool question = true;
  std::vector<Rr> authorities, additionals;
};

inline Bytes message(const std::vector<Rr>& answers, const Shape& shape = {}) {
  Writer w;
  w.u16(shape.id), w.u16(shape.flags), w.u16(shape.question ? 1 : 0),
      w.u16(static_cast<unsigned>(answers.size()));
  w.u16(static_cast<unsigned>(shape.authorities.size())),
      w.u16(static_cast<unsigned>(shape.additionals.size()));
  if (shape.question) w.name(shape.qname), w.u16(shape.qtype), w.u16(shape.qclass);
  for (const auto* section : {&answers, &shape.authorities, &shape.additionals}) {
    for (const Rr& rr : *section) {
      w.name(rr.owner), w.u16(rr.type), w.u16(rr.rclass), w.u32(rr.ttl);
      w.u16(static_cast<unsigned>(rr.rdata.size())), w.put(rr.rdata);
    }
  }
  return w.octets;
}

class Collector final : public RecordTarget {
 public:
  Result<> record(const dns::RecordView& r) override {
    if (refuse) return Error{"full", "the target is full"};
    lines.push_back(dns::to_string(r.owner) + " " + std::to_string(r.ttl) + " " + dns::to_string(r.type) +
                    " " + std::to_string(r.rdata.size()));
    return {};
  }
  // What differences remove and add has a sign in front.
  Result<> changed(bool added, const dns::RecordView& r) override {
    const Result<> taken = record(r);
    if (taken) lines.back().insert(0, added ? "+ " : "- ");
    return taken;
  }
  std::vector<std::string> lines;
  bool refuse = false;
};

struct Decoded {
  TransferDecoder::State state;
  std::string reason, text;
  std::vector<std::string> lines;
  TransferCounts counts;
  Error early;  // what is told where the stream ends now
};

inline TransferRules default_rules() {
  TransferRules rules;
  rules.apex = *dns::Name::from_text("example.");
  rules.id = 7;
  return rules;
}

inline Decoded decode(const std::vector<Bytes>& messages, TransferRules rules = default_rules()) {
  Collector collector;
  TransferDecoder decoder(rules, collector);
  for (const Bytes& m : messages) {
    if (decoder.message(m) != TransferDecoder::State::running) break;
  }
  return {decoder.state(),         std::string(decoder.error().reason),
          decoder.error().message, collector.lines,
          decoder.counts(),        decoder.ended_early()};
}

}  // namespace understudy::sync
