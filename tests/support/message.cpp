#include "support/message.h"

#include <stdexcept>

namespace understudy::test {

namespace {

class Decoder {
 public:
  explicit Decoder(const Bytes& message) : message_(message) {}

  std::uint8_t u8() {
    return at_ < message_.size() ? message_[at_++] : throw std::runtime_error("message ends early");
  }
  std::uint16_t u16() {
    const unsigned high = u8();
    return static_cast<std::uint16_t>(high << 8 | u8());
  }
  std::uint32_t u32() {
    const std::uint32_t high = u16();
    return high << 16 | u16();
  }
  Bytes take(std::size_t count) {
    Bytes out;
    while (count-- > 0) out.push_back(u8());
    return out;
  }
  std::size_t position() const { return at_; }

  Labels name(bool may_be_compressed = true) {
    Labels out;
    std::size_t at = at_, lowest = at_, octets = 1;
    bool jumped = false;
    for (;;) {
      const std::uint8_t length = octet(at);
      if ((length & 0xc0) == 0xc0) {
        if (!may_be_compressed) throw std::runtime_error("compressed name in a type that may not have one");
        const std::size_t target = static_cast<std::size_t>(length & 0x3f) << 8 | octet(at + 1);
        if (!jumped) at_ = at + 2;
        jumped = true;
        // RFC 1035 4.1.4: a pointer to a prior occurrence of the name, which is never in the header.
        if (target >= lowest || target < 12) throw std::runtime_error("pointer that does not lead backwards");
        at = lowest = target;
        continue;
      }
      if (length > 63) throw std::runtime_error("label of a reserved kind");
      if (length == 0) break;
      std::string label;
      for (std::size_t i = 1; i <= length; ++i) label += static_cast<char>(octet(at + i));
      out.push_back(label);
      octets += 1u + length;
      if (octets > 255) throw std::runtime_error("name of more than 255 octets");
      at += 1u + length;
    }
    if (!jumped) at_ = at + 1;
    return out;
  }

  Bytes rdata(std::uint16_t rr_type) {
    const std::size_t length = u16();
    const std::size_t end = at_ + length;
    const NamePlaces places = names_of_type(rr_type);
    Bytes out;
    if (places.count > 0) {
      out = take(places.skip);
      for (unsigned i = 0; i < places.count; ++i) append_name(out, name(places.may_be_compressed));
    }
    if (at_ > end) throw std::runtime_error("name runs past RDLENGTH");
    const Bytes rest = take(end - at_);
    out.insert(out.end(), rest.begin(), rest.end());
    return out;
  }

 private:
  std::uint8_t octet(std::size_t at) const {
    return at < message_.size() ? message_[at] : throw std::runtime_error("message ends inside a name");
  }
  const Bytes& message_;
  std::size_t at_ = 0;
};

void read_opt(Decoder& in, Message& out, std::uint16_t size_field, std::uint32_t ttl_field) {
  ++out.opt_count;
  Opt opt;
  opt.udp_size = size_field;
  opt.version = static_cast<std::uint8_t>(ttl_field >> 16 & 255);
  opt.dnssec_ok = (ttl_field & 0x8000) != 0;
  opt.zero_bits = static_cast<std::uint16_t>(ttl_field & 0x7fff);
  opt.options = in.rdata(type::OPT);
  out.rcode |= ttl_field >> 24 << 4;
  out.opt = opt;
}

// RFC 8945 4.2: class ANY, TTL 0, names in full, nothing after it.
void read_tsig(Decoder& in, Message& out, std::uint16_t rr_class, std::uint32_t ttl) {
  if (rr_class != 255 || ttl != 0 || out.tsig)
    throw std::runtime_error("TSIG of another class or TTL, or two");
  Tsig tsig;
  const std::size_t length = in.u16(), end = in.position() + length;
  tsig.algorithm = in.name(false);
  tsig.time = std::uint64_t{in.u16()} << 32;
  tsig.time |= in.u32();
  tsig.fudge = in.u16();
  tsig.mac = in.take(in.u16());
  tsig.original_id = in.u16();
  tsig.error = in.u16();
  tsig.other = in.take(in.u16());
  if (in.position() != end) throw std::runtime_error("TSIG data of another length than it says");
  out.tsig = tsig;
}

void read_section(Decoder& in, Message& out, unsigned count, std::vector<Rr>& section) {
  for (; count > 0; --count) {
    Rr record;
    if (out.tsig) throw std::runtime_error("a record behind TSIG");
    const std::size_t at = in.position();
    record.owner = in.name();
    record.type = in.u16();
    const std::uint16_t rr_class = in.u16();
    record.ttl = in.u32();
    if (record.type == type::TSIG) {
      if (&section != &out.additional) throw std::runtime_error("TSIG where it may not be");
      read_tsig(in, out, rr_class, record.ttl);
      out.tsig->key = record.owner;
      out.tsig->at = at;
      continue;
    }
    if (record.type == type::OPT) {
      if (!record.owner.empty() || &section != &out.additional)
        throw std::runtime_error("OPT where it may not be");
      read_opt(in, out, rr_class, record.ttl);
      continue;
    }
    if (rr_class != 1 && (out.questions.empty() || rr_class != out.questions[0].qclass))
      throw std::runtime_error("record of a class that is neither IN nor the question's");
    record.rdata = in.rdata(record.type);
    section.push_back(record);
  }
}

}  // namespace

Bytes header(std::uint16_t id, std::uint16_t flags, std::uint16_t questions, std::uint16_t answers,
             std::uint16_t authorities, std::uint16_t additionals) {
  Bytes out;
  for (const std::uint16_t field : {id, flags, questions, answers, authorities, additionals})
    append16(out, field);
  return out;
}

Bytes encode(const Query& query) {
  Bytes out = header(query.id, query.flags, 1, 0, 0, query.edns ? 1 : 0);
  append_name(out, query.name);
  append16(out, query.type);
  append16(out, query.qclass);
  if (query.edns) {
    out.push_back(0);
    append16(out, type::OPT);
    append16(out, query.udp_size);
    out.push_back(0);
    out.push_back(query.version);
    append16(out, query.dnssec_ok ? 0x8000 : 0);
    append16(out, static_cast<std::uint16_t>(query.options.size()));
    out.insert(out.end(), query.options.begin(), query.options.end());
  }
  return out;
}

Bytes option(std::uint16_t code, const Bytes& data) {
  Bytes out;
  append16(out, code);
  append16(out, static_cast<std::uint16_t>(data.size()));
  out.insert(out.end(), data.begin(), data.end());
  return out;
}

std::optional<Bytes> option_of(const Message& message, std::uint16_t code) {
  if (!message.opt) return std::nullopt;
  const Bytes& all = message.opt->options;
  for (std::size_t at = 0; at < all.size();) {
    const std::size_t size = static_cast<std::size_t>(all.at(at + 2) << 8 | all.at(at + 3));
    const auto data = all.begin() + static_cast<std::ptrdiff_t>(at + 4);
    if ((all[at] << 8 | all[at + 1]) == code) return Bytes(data, data + static_cast<std::ptrdiff_t>(size));
    at += 4 + size;
  }
  return std::nullopt;
}

Message decode(const Bytes& message) {
  Decoder in(message);
  Message out;
  out.size = message.size();
  out.id = in.u16();
  out.flags = in.u16();
  out.rcode = out.flags & 15u;
  const unsigned questions = in.u16(), answers = in.u16(), authorities = in.u16(), additionals = in.u16();
  for (unsigned i = 0; i < questions; ++i) {
    Question question;
    question.name = in.name();
    question.type = in.u16();
    question.qclass = in.u16();
    out.questions.push_back(question);
  }
  read_section(in, out, answers, out.answer);
  read_section(in, out, authorities, out.authority);
  read_section(in, out, additionals, out.additional);
  if (in.position() != message.size()) throw std::runtime_error("octets after the last record");
  return out;
}

std::string to_string(const Message& message) {
  std::string out =
      "rcode " + std::to_string(message.rcode) + (message.aa() ? " AA" : "") + (message.tc() ? " TC" : "");
  out += ", " + std::to_string(message.size) + " octets\n";
  return out + " answer\n" + to_string(message.answer) + " authority\n" + to_string(message.authority) +
         " additional\n" + to_string(message.additional);
}

}  // namespace understudy::test
