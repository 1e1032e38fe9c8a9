// Writes records as messages with compressed names, and the messages with their lengths into a file.
//
// One thread, one transfer. Messages end at 16 KiB: a compression pointer reaches no further (RFC
// 1035 4.1.4), so longer ones are larger in all, not smaller. Names are matched octet for octet, case
// included (RFC 5936 3.4).
#pragma once

#include <array>
#include <vector>

#include "base/result.h"
#include "dns/message.h"
#include "dns/name_key.h"
#include "dns/rdata.h"

namespace understudy::server {

class SpoolWriter {
 public:
  SpoolWriter(int file, dns::NameView apex);

  // All of one owner's records come one after the other; `owner` lives until the last of them is added.
  void set_owner(dns::NameView owner);
  // RDATA as the wire has it where names in it are not to be compressed; at most 65535 octets.
  Result<> add(dns::RRType type, std::uint32_t ttl, dns::Octets rdata);
  // The same for RDATA with names in full that the type lets be compressed.
  Result<> add_compressing(dns::RRType type, std::uint32_t ttl, dns::Octets rdata);
  // One of the two, for RDATA with names in full.
  Result<> add_whole(dns::RRType type, std::uint32_t ttl, dns::Octets rdata) {
    return may_compress(type) ? add_compressing(type, ttl, rdata) : add(type, ttl, rdata);
  }
  // The types whose names a sender may compress: those of RFC 1035 (RFC 3597 4) that are still data of zones.
  static bool may_compress(dns::RRType type);
  // Writes what is left.
  Result<> finish();

  std::uint64_t octets_written() const { return written_; }
  std::uint64_t records() const { return records_; }

 private:
  static constexpr std::size_t message_end = 0x4000;
  static constexpr std::size_t chunk_octets = 128u << 10;

  struct Slot {
    std::uint32_t message = 0;  // which message the entry belongs to; older ones are free
    std::uint16_t place = 0;    // of the name in the message
    std::uint16_t hash = 0;     // the bits that did not choose the slot
  };
  // A new name takes two octets at least of the 16 KiB that pointers reach: never full.
  static constexpr std::size_t slots = 8192;

  Result<> make_room(std::size_t rdata_size);
  void begin_message();
  void end_message();
  Result<> flush();
  void put_head(dns::RRType type, std::uint32_t ttl);
  void put_name(dns::NameView name);
  void put(const void* octets, std::size_t size);
  void put16(std::uint16_t value);
  void put32(std::uint32_t value);
  std::uint8_t* message() { return buffer_.data() + message_at_ + 2; }
  std::size_t message_size() const { return end_ - message_at_ - 2; }
  bool stands_at(std::size_t place, const std::uint8_t* name) const;

  int file_;
  dns::Name apex_;
  std::vector<std::uint8_t> buffer_;
  std::size_t message_at_ = 0, end_ = 0;  // in buffer_: the length field of the message under way; its end
  std::uint32_t message_number_ = 0;
  std::uint16_t message_records_ = 0;
  bool in_message_ = false;
  std::uint64_t written_ = 0, records_ = 0;
  dns::NameView owner_;
  std::uint32_t owner_message_ = 0;  // the message in which the owner stands in full or by its parts, at
  std::uint16_t owner_place_ = 0;
  std::vector<Slot> table_;
};

}  // namespace understudy::server
