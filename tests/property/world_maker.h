// Small random zones with everything that makes a lookup hard, and questions that hit it. Everything follows
// from the seed; one thread.
#pragma once

#include <random>

#include "support/plain_dns.h"

namespace understudy::test {

struct RandomZone {
  Labels apex;
  std::vector<Rr> records;
};
using World = std::vector<RandomZone>;

class WorldMaker {
 public:
  explicit WorldMaker(std::uint64_t seed) : random_(seed) {}

  World make_world();
  // The same zone a while later: some RRs gone, others come, a TTL or a name's case changed, the serial one
  // more.
  RandomZone make_next(const RandomZone& zone);
  Labels make_question_name(const World& world);
  std::uint16_t make_question_type();
  std::size_t below(std::size_t bound) { return static_cast<std::size_t>(random_() % bound); }
  bool chance(unsigned percent) { return below(100) < percent; }

 private:
  RandomZone make_zone(const Labels& apex);
  void add_signatures(RandomZone& zone);
  void add_something(RandomZone& zone);
  void add_plain(RandomZone& zone, const Labels& owner);
  void add_delegation(RandomZone& zone, const Labels& owner);
  void add_addresses(RandomZone& zone, const Labels& owner);
  void add_link(RandomZone& zone, const Labels& owner, std::uint16_t type);
  // Adds it unless it would put a CNAME beside other data, or a second CNAME or DNAME at a name.
  void add(RandomZone& zone, const Labels& owner, std::uint16_t type, Bytes rdata);
  Labels owner_in(const RandomZone& zone);
  Labels target_for(const RandomZone& zone);
  std::string label();
  std::uint32_t ttl();
  Labels mixed_case(Labels labels);

  std::mt19937_64 random_;
};

}  // namespace understudy::test
