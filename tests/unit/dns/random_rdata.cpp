#include "random_rdata.h"

#include <algorithm>

namespace understudy::dns {

const std::vector<std::uint16_t>& RandomRdata::types() {
  static const std::vector<std::uint16_t> all = {
      1,  2,  3,  4,   5,   6,   7,   8,   9,   10,  11,  12,  13,  14,  15,  16,  17,    18,    19,   20,
      21, 22, 23, 24,  25,  26,  27,  28,  29,  30,  31,  32,  33,  34,  35,  36,  37,    39,    42,   43,
      44, 45, 46, 47,  48,  49,  50,  51,  52,  53,  55,  56,  57,  58,  59,  60,  61,    62,    63,   64,
      65, 66, 99, 104, 105, 106, 107, 108, 109, 256, 257, 258, 259, 260, 261, 262, 32768, 32769, 65280};
  return all;
}

void RandomRdata::number(unsigned octets) {
  // Edges often: all zeros, all ones.
  const unsigned edge = below(8);
  for (unsigned i = 0; i < octets; ++i) {
    out_.push_back(static_cast<std::uint8_t>(edge == 0 ? 0 : edge == 1 ? 255 : below(256)));
  }
}

void RandomRdata::blob(unsigned least, unsigned most) {
  for (unsigned size = least + below(most - least + 1); size > 0; --size) small(256);
}

void RandomRdata::string(unsigned least, unsigned most) {
  const unsigned size = below(20) == 0 ? most : least + below(std::min(most - least, 20u) + 1);
  out_.push_back(static_cast<std::uint8_t>(size));
  for (unsigned i = 0; i < size; ++i) {
    out_.push_back(static_cast<std::uint8_t>(plain_ ? 'a' + below(26) : below(256)));
  }
}

Name RandomRdata::name() {
  static constexpr std::string_view odd("\0\1.\\\"@$;() *aZ\x7f\xff", 16);
  Name out;
  for (unsigned labels = below(below(10) == 0 ? 127 : 5); labels > 0; --labels) {
    Bytes label(1 + below(below(10) == 0 ? 63 : 5));
    for (auto& c : label) {
      const unsigned letter = 'a' + below(26);
      const auto strange = static_cast<unsigned char>(odd[below(static_cast<unsigned>(odd.size()))]);
      c = static_cast<std::uint8_t>(plain_ || below(2) == 0 ? letter : strange);
    }
    if (const auto longer = Name::prepend(label, out)) out = *longer;
  }
  return out;
}

void RandomRdata::append_name() {
  const Name made = name();
  out_.insert(out_.end(), made.data(), made.data() + made.size());
}

void RandomRdata::bitmap() {
  unsigned window = below(3);
  for (unsigned windows = below(3) + plain_; windows > 0 && window < 256;
       --windows, window += 1 + below(100)) {
    Bytes bits(1 + below(32));
    for (auto& c : bits) c = static_cast<std::uint8_t>(below(4) == 0 ? below(256) : 0);
    bits.back() = static_cast<std::uint8_t>(1u << below(8));
    // Type 0 cannot be named: bit 0 of window 0 stays clear.
    if (window == 0) bits[0] = static_cast<std::uint8_t>((bits[0] & 0x7f) | (bits.size() == 1 ? 0x40 : 0));
    out_.push_back(static_cast<std::uint8_t>(window));
    out_.push_back(static_cast<std::uint8_t>(bits.size()));
    out_.insert(out_.end(), bits.begin(), bits.end());
  }
}

void RandomRdata::service_parameters() {
  const auto head = [&](unsigned key, std::size_t size) {
    for (const std::size_t v : {std::size_t{key}, size}) {
      out_.push_back(static_cast<std::uint8_t>(v >> 8));
      out_.push_back(static_cast<std::uint8_t>(v));
    }
  };
  if (below(2)) head(0, 4), out_.insert(out_.end(), {0, 1, 0, 3});
  if (below(2)) {  // alpn, with the octets that need two layers of escapes
    const std::string item = plain_ ? "h2" : "a,b\\\"c\x01";
    head(1, item.size() + 1 + 3);
    out_.push_back(static_cast<std::uint8_t>(item.size()));
    out_.insert(out_.end(), item.begin(), item.end());
    out_.insert(out_.end(), {2, 'h', '3'});
  }
  if (below(3) == 0) head(2, 0);
  if (below(2)) head(3, 2), number(2);
  if (below(2)) head(4, 8), number(8);
  if (below(2)) head(5, 5), number(5);
  if (below(2)) head(6, 16), number(16);
  if (below(2)) head(7, 3), out_.insert(out_.end(), {'/', 'q', '{'});
  if (below(3) == 0) head(8, 0);
  if (!plain_ && below(4) == 0) head(9, 300), blob(300, 300);
  if (below(4) == 0) head(65333, 0);
}

void RandomRdata::prefix_list() {
  for (unsigned items = below(4); items > 0; --items) {
    const bool v4 = below(2) != 0;
    const unsigned octets = below((v4 ? 4 : 16) + 1);
    out_.insert(out_.end(), {0, static_cast<std::uint8_t>(v4 ? 1 : 2)});
    out_.push_back(static_cast<std::uint8_t>(octets * 8));
    out_.push_back(static_cast<std::uint8_t>((below(2) << 7) | octets));
    // RFC 3123 4: no trailing zero octets.
    for (unsigned i = 0; i < octets; ++i) out_.push_back(static_cast<std::uint8_t>(1 + below(255)));
  }
}

void RandomRdata::location() {
  out_.push_back(0);
  for (int i = 0; i < 3; ++i) out_.push_back(static_cast<std::uint8_t>((1 + below(9)) << 4 | below(10)));
  const std::uint32_t equator = 1u << 31;
  const std::uint32_t span[2] = {90u * 3600000, 180u * 3600000};
  for (const std::uint32_t degrees : span) {
    const std::uint32_t value = equator - degrees + below(2 * degrees + 1);
    for (int shift = 24; shift >= 0; shift -= 8) out_.push_back(static_cast<std::uint8_t>(value >> shift));
  }
  number(4);
}

void RandomRdata::gateway(unsigned type) {
  if (type == 1) number(4);
  if (type == 2) number(16);
  if (type == 3) append_name();
}

void RandomRdata::hip() {
  const unsigned tag = 1 + below(20), key = 1 + below(200);
  out_.insert(out_.end(), {static_cast<std::uint8_t>(tag), 2, 0, static_cast<std::uint8_t>(key)});
  blob(tag + key, tag + key);
  for (unsigned servers = below(3); servers > 0; --servers) append_name();
}

bool RandomRdata::make_rfc1035(std::uint16_t type) {
  switch (type) {
    case 1:
      number(4);
      return true;
    case 2:
    case 3:
    case 4:
    case 5:
    case 7:
    case 8:
    case 9:
    case 12:
    case 23:
    case 39:
      append_name();
      return true;
    case 6:
      append_name();
      append_name();
      for (int i = 0; i < 5; ++i) number(4);
      return true;
    case 10:
    case 22:
    case 31:
    case 32:
    case 34:
    case 259:
    case 65280:
      blob(1, 40);
      return true;
    case 11:
      number(4);
      small(256);
      blob(0, 20);
      return true;
    case 13:
      string(0, 255);
      string(0, 255);
      return true;
    case 14:
    case 17:
    case 58:
      append_name();
      append_name();
      return true;
    case 15:
    case 18:
    case 21:
    case 36:
    case 107:
      number(2);
      append_name();
      return true;
    case 16:
    case 56:
    case 99:
    case 258:
    case 261:
    case 262:
      for (unsigned n = 1 + below(4); n > 0; --n) string(0, 255);
      return true;
    case 19:
      string(0, 255);
      return true;
    case 20:
      string(0, 255);
      if (below(2)) string(0, 255);
      return true;
    case 26:
      number(2);
      append_name();
      append_name();
      return true;
    case 27:
      string(1, 9);
      string(1, 9);
      string(1, 9);
      return true;
    case 28:
      number(16);
      return true;
    case 29:
      location();
      return true;
    case 33:
      number(6);
      append_name();
      return true;
    case 35:
      number(4);
      for (int i = 0; i < 3; ++i) string(0, 255);
      append_name();
      return true;
    case 42:
      prefix_list();
      return true;
    default:
      return false;
  }
}

bool RandomRdata::make_dnssec(std::uint16_t type) {
  switch (type) {
    case 24:
    case 46:
      out_ = {0, 1};
      number(16);
      if (plain_) out_[8] = out_[12] = 0x65;  // ldns writes times far from now as dates before 1970

      append_name();
      blob(1, 80);
      return true;
    case 25:
      number(2);
      small(256);
      small(256);
      blob(0, 80);
      return true;
    case 30:
      append_name();
      blob(1, 16);
      return true;
    case 37:
      number(4);
      small(256);
      blob(1, 80);
      return true;
    case 43:
    case 59:
    case 32768:
    case 32769:
      number(2);
      small(256);
      small(256);
      blob(1, 48);
      return true;
    case 44:
      small(256);
      small(256);
      blob(1, 32);
      return true;
    case 47:
      append_name();
      bitmap();
      return true;
    case 48:
    case 57:
    case 60:
      number(2);
      small(256);
      small(256);
      blob(1, 80);
      return true;
    case 49:
    case 61:
      blob(1, 80);
      return true;
    case 50:
      number(4);
      string(0, 255);
      plain_ ? string(20, 20) : string(1, 255);  // ldns reads no others than SHA-1
      bitmap();
      return true;
    case 51:
      number(4);
      string(0, 255);
      return true;
    case 52:
    case 53:
      number(3);
      blob(1, 64);
      return true;
    case 62:
      number(6);
      bitmap();
      return true;
    case 63:
      number(6);
      blob(12, 64);
      return true;
    default:
      return false;
  }
}

Bytes RandomRdata::make(std::uint16_t type) {
  out_.clear();
  if (make_rfc1035(type) || make_dnssec(type)) return out_;
  switch (type) {
    case 45: {
      const unsigned kind = below(4);
      small(256);
      out_.push_back(static_cast<std::uint8_t>(kind));
      small(256);
      gateway(kind);
      blob(0, 40);
      break;
    }
    case 55:
      hip();
      break;
    case 64:
    case 65:
      number(2);
      append_name();
      service_parameters();
      break;
    case 66:
      out_ = {0, 59};
      small(256);
      number(2);
      append_name();
      break;
    case 104:
    case 106:
      number(10);
      break;
    case 105:
      number(6);
      break;
    case 108:
      number(6);
      break;
    case 109:
      number(8);
      break;
    case 256:
      number(4);
      blob(1, 60);
      break;
    case 257: {
      small(256);
      const std::string tag = "issue";
      out_.push_back(5);
      out_.insert(out_.end(), tag.begin(), tag.end());
      blob(0, 60);
      break;
    }
    case 260: {
      const unsigned kind = below(4);
      small(256);
      out_.push_back(static_cast<std::uint8_t>(below(2) << 7 | kind));
      gateway(kind);
      break;
    }
    default:
      break;
  }
  return out_;
}

}  // namespace understudy::dns
