// Primaries of one zone, at ports of their own, that publish its editions: well, late, in pieces, and with
// every lie that a secondary can tell from the truth. What no secondary could tell (a primary that makes up
// a zone, and is consistent about it) is not among them.
#pragma once

#include "simulation/editions.h"
#include "support/message.h"

namespace understudy::test {

class SimulatedPrimaries final : public Network {
 public:
  static constexpr std::uint16_t first_port = 5300;

  SimulatedPrimaries(Kernel& kernel, Editions& editions, unsigned count);

  enum class State { up, refusing, silent };
  struct Primary {
    State state = State::up;
    unsigned lies = 0;        // of so many answers in a hundred
    std::size_t edition = 0;  // that it has
  };
  std::vector<Primary>& all() { return primaries_; }
  // When one of them last said anything that may count as "the zone is current", or delivered.
  Time last_word() const { return last_word_; }

  void datagram(Flow flow, std::uint16_t port, const Bytes& octets) override;
  void connecting(Flow flow, std::uint16_t port) override;
  void octets(Flow flow, const Bytes& octets) override;
  void closed(Flow flow) override { connections_.erase(flow); }

 private:
  struct Connection {
    std::uint16_t port = 0;
    Bytes received;
  };
  // A message on its way out, before it is octets.
  struct Reply {
    std::uint16_t flags = 0x8400;
    std::vector<Rr> answer;
    std::uint16_t id = 0, rr_class = 1;
    bool cut = false;
    Labels question;
    std::uint16_t type = 0;
  };
  struct Differences {
    std::vector<Rr> records;
    bool whole = false;
  };
  Primary& at(std::uint16_t port) { return primaries_.at(port - first_port); }
  Time delay();
  bool lies(const Primary& primary) { return kernel_.chance(primary.lies); }
  Reply reply_to(const Message& query) const;
  static Bytes encoded(const Reply& reply);
  std::optional<Bytes> soa_answer(const Primary& primary, const Message& query, bool datagram);
  void answer(Flow flow, const Primary& primary, const Message& query);
  void transfer(Flow flow, const Primary& primary, const Message& query);
  std::vector<Rr> zone(std::size_t edition) const;
  Differences differences(std::size_t from, std::size_t to, bool lie);
  void lie_about_zone(std::vector<Rr>& records, const Primary& primary);
  void lie_about_messages(std::vector<Reply>& messages);
  void deliver(Flow flow, const Bytes& stream, bool lie);

  Kernel& kernel_;
  Editions& editions_;
  std::vector<Primary> primaries_;
  std::map<Flow, Connection> connections_;
  Time last_word_{0};
};

}  // namespace understudy::test
