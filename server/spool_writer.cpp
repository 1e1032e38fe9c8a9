#include "server/spool_writer.h"

#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "backend/reasons.h"

namespace understudy::server {

using dns::NameView;

namespace {

// The hash of label + suffix, from the suffix's.
std::uint64_t add_label(std::uint64_t hash, const std::uint8_t* label) {
  constexpr std::uint64_t factor = 0x9E3779B97F4A7C15u;
  std::size_t left = std::size_t{*label} + 1;
  for (; left >= 8; left -= 8, label += 8) {
    hash = (hash ^ dns::load64(label)) * factor;
    hash ^= hash >> 29;
  }
  std::uint64_t rest = left;
  for (std::size_t i = 0; i < left; ++i) rest = rest << 8 | label[i];
  hash = (hash ^ rest) * factor;
  return hash ^ hash >> 32;
}

}  // namespace

SpoolWriter::SpoolWriter(int file, NameView apex)
    : file_(file), apex_(apex), buffer_(chunk_octets + 2 + limits::message_octets), table_(slots) {}

bool SpoolWriter::may_compress(dns::RRType type) {
  switch (static_cast<std::uint16_t>(type)) {
    case 2:
    case 3:
    case 4:
    case 5:
    case 6:
    case 7:
    case 8:
    case 9:
    case 12:
    case 14:
    case 15:
      return true;
    default:
      return false;
  }
}

void SpoolWriter::put(const void* octets, std::size_t size) {
  std::memcpy(buffer_.data() + end_, octets, size);
  end_ += size;
}

void SpoolWriter::put16(std::uint16_t value) {
  dns::store16(buffer_.data() + end_, value);
  end_ += 2;
}

void SpoolWriter::put32(std::uint32_t value) {
  dns::store32(buffer_.data() + end_, value);
  end_ += 4;
}

void SpoolWriter::begin_message() {
  const bool first = message_number_ == 0;
  ++message_number_;
  in_message_ = true;
  message_records_ = 0;
  message_at_ = end_;
  end_ += 2 + dns::header_octets;
  dns::Header header;
  header.flags = dns::flag::qr | dns::flag::aa;
  header.questions = first ? 1 : 0;
  dns::store_header(message(), header);
  if (!first) return;
  // No pointer may lead here: it will be the name as the client wrote it, and case is to be kept (RFC
  // 5936 3.4).
  put(apex_.data(), apex_.size());
  put16(static_cast<std::uint16_t>(dns::RRType::AXFR));
  put16(static_cast<std::uint16_t>(dns::RRClass::IN));
}

void SpoolWriter::end_message() {
  dns::store16(buffer_.data() + message_at_, static_cast<std::uint16_t>(message_size()));
  dns::store16(message() + 6, message_records_);
  in_message_ = false;
}

Result<> SpoolWriter::flush() {
  const std::uint8_t* from = buffer_.data();
  while (end_ > 0) {
    const ssize_t n = ::write(file_, from, end_);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return Error{"spool-io", std::string("writing a transfer's spool: ") + std::strerror(errno)};
    from += n;
    end_ -= static_cast<std::size_t>(n);
    written_ += static_cast<std::uint64_t>(n);
  }
  return {};
}

void SpoolWriter::set_owner(NameView owner) {
  owner_ = owner;
  owner_message_ = 0;
}

// Room for a record with nothing compressed; what is smaller in the end leaves a few octets of the message
// unused.
Result<> SpoolWriter::make_room(std::size_t rdata_size) {
  const std::size_t worst = owner_.size() + 10 + rdata_size;
  if (dns::header_octets + worst > limits::message_octets) {
    return Error{backend::reason::rrset_too_large,
                 "a record at " + dns::to_string(owner_) + " does not fit a message"};
  }
  if (in_message_ && message_records_ > 0 && message_size() + worst > message_end) end_message();
  if (in_message_) return {};
  if (end_ >= chunk_octets) {
    if (auto flushed = flush(); !flushed) return flushed;
  }
  begin_message();
  return {};
}

void SpoolWriter::put_head(dns::RRType type, std::uint32_t ttl) {
  if (owner_message_ == message_number_) {
    put16(static_cast<std::uint16_t>(0xC000 | owner_place_));
  } else {
    owner_place_ = static_cast<std::uint16_t>(message_size());
    put_name(owner_);
    // A pointer needs a name of at least two octets in reach; the root's one octet is repeated as it is.
    if (owner_place_ < message_end && owner_.size() > 1) owner_message_ = message_number_;
  }
  put16(static_cast<std::uint16_t>(type));
  put16(static_cast<std::uint16_t>(dns::RRClass::IN));
  put32(ttl);
  ++message_records_;
  ++records_;
}

Result<> SpoolWriter::add(dns::RRType type, std::uint32_t ttl, dns::Octets rdata) {
  if (auto room = make_room(rdata.size()); !room) return room;
  put_head(type, ttl);
  put16(static_cast<std::uint16_t>(rdata.size()));
  put(rdata.data(), rdata.size());
  return {};
}

Result<> SpoolWriter::add_compressing(dns::RRType type, std::uint32_t ttl, dns::Octets rdata) {
  if (auto room = make_room(rdata.size()); !room) return room;
  put_head(type, ttl);
  const std::size_t length_at = end_;
  end_ += 2;
  std::size_t at = 0;
  for (const dns::RdataName& name : dns::names_in(type, rdata)) {
    if (!name.compressible) continue;
    put(rdata.data() + at, name.offset - at);
    put_name(name.name);
    at = name.offset + name.name.size();
  }
  put(rdata.data() + at, rdata.size() - at);
  dns::store16(buffer_.data() + length_at, static_cast<std::uint16_t>(end_ - length_at - 2));
  return {};
}

// True where the name that stands at `place` of the message, pointers followed, is `name` octet for octet.
bool SpoolWriter::stands_at(std::size_t place, const std::uint8_t* name) const {
  const std::uint8_t* base = buffer_.data() + message_at_ + 2;
  const std::uint8_t* at = base + place;
  for (;;) {
    while (*at >= 0xC0) at = base + (dns::load16(at) & 0x3FFF);
    if (*at != *name) return false;
    if (*at == 0) return true;
    const std::size_t label = std::size_t{*at} + 1;
    if (std::memcmp(at, name, label) != 0) return false;
    at += label;
    name += label;
  }
}

// The longest suffix that stands in the message already becomes a pointer; what is new can be pointed to from
// now on.
void SpoolWriter::put_name(NameView name) {
  std::array<std::uint8_t, dns::NameKey::max_labels> starts;
  std::array<std::uint64_t, dns::NameKey::max_labels> hashes;
  unsigned labels = 0;
  for (std::size_t at = 0; name.data()[at] != 0; at += std::size_t{name.data()[at]} + 1) {
    starts[labels++] = static_cast<std::uint8_t>(at);
  }
  std::uint64_t hash = 0;
  for (unsigned i = labels; i-- > 0;) hashes[i] = hash = add_label(hash, name.data() + starts[i]);
  const std::size_t begin = end_, name_place = message_size();
  put(name.data(), name.size());  // in full first: what is entered in the table must stand in the message
  for (unsigned i = 0; i < labels; ++i) {
    const auto tag = static_cast<std::uint16_t>(hashes[i] >> 48);
    std::size_t slot = hashes[i] % slots;
    for (; table_[slot].message == message_number_; slot = (slot + 1) % slots) {
      if (table_[slot].hash != tag || !stands_at(table_[slot].place, name.data() + starts[i])) continue;
      end_ = begin + starts[i];
      put16(static_cast<std::uint16_t>(0xC000 | table_[slot].place));
      return;
    }
    const std::size_t place = name_place + starts[i];
    if (place < message_end) table_[slot] = {message_number_, static_cast<std::uint16_t>(place), tag};
  }
}

Result<> SpoolWriter::finish() {
  if (in_message_) end_message();
  return flush();
}

}  // namespace understudy::server
