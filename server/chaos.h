// What the server says of itself in class CH: version.bind and its kin. Nothing, unless configured: it helps
// operators, and others too.
//
// Immutable after construction; any thread.
#pragma once

#include <string>
#include <vector>

#include "server/answer.h"

namespace understudy::server {

// Each empty: REFUSED. At most 255 octets, a character-string.
struct ChaosTexts {
  std::string version;   // version.bind, version.server
  std::string hostname;  // hostname.bind
  std::string id;        // id.server (RFC 4892)
};

class Chaos {
 public:
  explicit Chaos(const ChaosTexts& texts);
  // Fills a cleared answer; false where there is none, and the query is to be refused.
  bool answer(const dns::Question& question, Answer& answer) const;

 private:
  struct Row {
    Name name;
    std::vector<std::uint8_t> rrset;  // as in a node block
  };
  std::vector<Row> rows_;
};

}  // namespace understudy::server
