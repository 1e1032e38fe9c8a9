// Differences so small that they may fit a datagram: IXFR over UDP (RFC 1995 2).
//
// Belongs to one query pipeline, which it gets its memory with; afterwards nothing allocates. Looks at no
// more than `most_versions` versions and `plain_octets` of changes; what is more goes over TCP.
#pragma once

#include "backend/change.h"
#include "server/answer.h"

namespace understudy::server {

class SmallDifferences {
 public:
  // Fills `answer`, which holds the SOA of `live` alone, with what leads there from the serial that the
  // client has: the SOAs and differences of RFC 1995 4. False where there is no such way, or a long one; then
  // `answer` is as it was. What it borrows lives until the next call.
  bool add(backend::Reader& reader, backend::ZoneId zone, backend::Version live, std::uint32_t since,
           Answer& answer);

 private:
  // Several times what a datagram holds, since names are whole here.
  static constexpr std::size_t plain_octets = 8u << 10;
  static constexpr std::size_t most_versions = 16;
  // TTL and counts stand in front of an RR's data in a node block.
  static constexpr std::size_t block_octets = 2 * plain_octets;

  struct Step {
    std::size_t at = 0, size = 0;  // in plain_
  };
  struct Soas {
    std::optional<dns::RecordView> before, after;
  };

  bool read(Octets chunk);
  Octets plain(const Step& step) const { return Octets(plain_).subspan(step.at, step.size); }
  static Soas soas_of(Octets plain);
  bool put(const dns::RecordView& record, Answer& answer);
  bool put_all(Octets plain, bool added, Answer& answer);

  backend::ChunkExpander expander_;
  std::array<std::uint8_t, plain_octets> plain_;
  std::array<Step, most_versions> steps_;  // the newest first
  std::size_t step_count_ = 0, plain_used_ = 0;
  std::array<std::uint8_t, block_octets> blocks_;
  std::size_t blocks_used_ = 0;
};

}  // namespace understudy::server
