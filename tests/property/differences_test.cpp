// Random zones that change, and a client that has any of their versions: what the server sends it by IXFR
// makes the live version of it.
//
// UNDERSTUDY_PROPERTY_SEED repeats a run.
#include <cstdlib>
#include <iostream>
#include <set>

#include "property/world_maker.h"
#include "support/test_server.h"

namespace understudy::test {
namespace {

std::uint64_t seed() {
  const char* text = std::getenv("UNDERSTUDY_PROPERTY_SEED");
  return text == nullptr ? 20261130 : std::strtoull(text, nullptr, 10);
}

void set_serial(RandomZone& zone, std::uint32_t serial) {
  for (Rr& record : zone.records) {
    if (record.type == type::SOA) dns::store32(record.rdata.data() + record.rdata.size() - 20, serial);
  }
}

// The records of a response that may have many messages: it is over when the next query is answered.
std::vector<Rr> transfer(const net::Endpoint& server, const std::string& apex, const Bytes& asked) {
  TcpClient client(server);
  client.send(framed(asked));
  client.send(framed(encode(query(apex, type::SOA, 2))));
  std::vector<Rr> records;
  for (;;) {
    const Message message = decode(client.message().value());
    if (message.id == 2) return records;
    records.insert(records.end(), message.answer.begin(), message.answer.end());
  }
}

class Client {
 public:
  // Section 4 of RFC 1995, word by word; anything else fails the test.
  void take(const std::vector<Rr>& response) {
    ASSERT_GE(response.size(), 2u);
    ASSERT_EQ(response.front(), response.back());
    if (response[1].type != type::SOA) {
      ++whole;
      records = {response.begin(), response.end() - 1};
      return;
    }
    auto at = response.begin() + 1;
    const auto end = response.end() - 1;
    while (at != end) {
      ++sequences;
      ASSERT_EQ(at->type, type::SOA);
      remove(*at++);
      for (; at != end && at->type != type::SOA; ++at) remove(*at);
      ASSERT_NE(at, end);
      add(*at++);
      for (; at != end && at->type != type::SOA; ++at) add(*at);
    }
  }

  std::set<Rr> records;
  unsigned whole = 0, sequences = 0;

 private:
  void remove(const Rr& record) { EXPECT_EQ(records.erase(record), 1u) << to_string(record); }
  void add(const Rr& record) { EXPECT_TRUE(records.insert(record).second) << to_string(record); }
};

TEST(Differences, MakeTheLiveVersionOfAnyOther) {
  std::cout << "UNDERSTUDY_PROPERTY_SEED=" << seed() << std::endl;
  unsigned whole = 0, apart = 0, condensed = 0;
  for (std::uint64_t chain = 0; chain < 6; ++chain) {
    WorldMaker maker(seed() + chain);
    std::vector<RandomZone> versions{maker.make_world().front()};
    // Others beside, so that a difference is less than the zone.
    for (std::uint8_t i = 0; i < 60; ++i)
      versions[0].records.push_back(
          {join("other" + std::to_string(i), versions[0].apex), type::A, 60, {10, 0, 0, i}});
    const std::string apex = text_of(versions[0].apex);
    std::vector<std::set<Rr>> contents;  // of each version, as it was sent whole
    std::optional<TestServer> server;
    backend::ZonePolicy policy;
    policy.allow_transfer = {net::Prefix::parse("127.0.0.1").value()};
    constexpr std::uint32_t first = 0xFFFFFFF0u;  // serials wrap on the way
    for (std::uint32_t i = 0; i < 24; ++i) {
      if (i > 0) {
        // The last ones come and go between two states, so that little is left of much.
        const bool back = i >= 16 || (i >= 2 && maker.chance(20));
        versions.push_back(back ? versions[i - 2] : maker.make_next(versions.back()));
      }
      set_serial(versions.back(), first + i);
      const ZoneText text{versions.back().apex, versions.back().records, backend::Service::serving, policy};
      if (!server) {
        server.emplace(std::vector<ZoneText>{text});
      } else {
        server->mirror().serve({text});
      }
      const auto all = transfer(server->address(), apex, encode(query(apex, type::AXFR, 1)));
      contents.emplace_back(all.begin(), all.end());
      for (std::uint32_t back = 1; back <= i; back += back < 3 ? 1 : 4) {
        Client client;
        client.records = contents[i - back];
        client.take(transfer(server->address(), apex, ixfr_query(apex, first + i - back, 1)));
        ASSERT_TRUE(client.records == contents[i]) << "chain " << chain << ", " << back << " before " << i;
        whole += client.whole;
        apart += client.sequences > 1;
        condensed += client.sequences == 1 && back > 1;
      }
    }
  }
  EXPECT_GT(whole, 0u);
  EXPECT_GT(apart, 0u);
  EXPECT_GT(condensed, 0u);
}

}  // namespace
}  // namespace understudy::test
