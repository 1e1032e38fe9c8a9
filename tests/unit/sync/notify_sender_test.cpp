// NOTIFY out to many zones and to secondaries that do not answer; what one zone and one secondary see stands
// in tests/rfc/rfc1996_out_test.cpp.
#include "sync/notify_sender.h"

#include <gtest/gtest.h>

#include <boost/asio.hpp>
#include <set>

#include "dns/presentation.h"

namespace understudy::sync {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using Bytes = std::vector<std::uint8_t>;

// Answers when it is told to: keeps what came unanswered until then.
class FarEnd {
 public:
  explicit FarEnd(asio::io_context& context) : socket_(context, {asio::ip::address_v4::loopback(), 0}) {
    socket_.set_option(asio::socket_base::receive_buffer_size(8 << 20));
    receive();
  }
  net::Endpoint endpoint() const {
    return {socket_.local_endpoint().address(), socket_.local_endpoint().port()};
  }
  void answer_all() {
    for (const auto& [sender, octets] : std::exchange(unanswered, {})) {
      Bytes answer = octets;
      answer[2] |= 0x80;
      socket_.send_to(asio::buffer(answer), sender);
    }
  }

  bool deaf = false;  // never answers
  std::vector<std::pair<asio::ip::udp::endpoint, Bytes>> unanswered;
  std::set<std::string> zones;  // that it was told of
  std::size_t copies = 0;

 private:
  void receive() {
    buffer_.resize(4096);
    socket_.async_receive_from(
        asio::buffer(buffer_), sender_, [this](boost::system::error_code error, std::size_t size) {
          if (error) return;
          const Bytes octets(buffer_.begin(), buffer_.begin() + static_cast<std::ptrdiff_t>(size));
          ++copies;
          zones.insert(dns::to_string(*dns::NameView::parse(dns::Octets(octets).subspan(12))));
          if (!deaf) unanswered.emplace_back(sender_, octets);
          receive();
        });
  }

  asio::ip::udp::socket socket_;
  asio::ip::udp::endpoint sender_;
  Bytes buffer_;
};

class NotifySenderTest : public ::testing::Test {
 protected:
  void notify(const std::string& zone, const std::vector<net::Endpoint>& secondaries, unsigned serial = 1) {
    const dns::Name apex = dns::Name::from_text(zone).value();
    const std::string soa = "ns.example. host.example. " + std::to_string(serial) + " 1 2 3 4";
    const Bytes rdata = dns::parse_rdata_text(dns::RRType::SOA, soa, apex).value();
    sender().notify({apex, dns::RRType::SOA, 300, rdata}, {secondaries.begin(), secondaries.end()},
                    std::nullopt);
  }
  template <class Done>
  void run_until(Done done) {
    const auto end = std::chrono::steady_clock::now() + 120s;
    while (!done()) {
      ASSERT_LT(std::chrono::steady_clock::now(), end);
      context_.restart();
      context_.run_one_for(100ms);
    }
  }
  std::uint64_t count(std::string_view result) {
    const auto found = sender().counts().find(result);
    return found == sender().counts().end() ? 0 : found->second;
  }
  NotifySender& sender() {
    if (!sender_) sender_ = std::make_unique<NotifySender>(context_.get_executor(), clock_, patience_);
    return *sender_;
  }

  asio::io_context context_;
  SystemClock clock_;
  NotifyPatience patience_;
  std::unique_ptr<NotifySender> sender_;
};

// Ten thousand zones are published at once: all of them are told, and never more than a lane's worth is
// unanswered.
TEST_F(NotifySenderTest, TenThousandZonesAtOnce) {
  patience_.first_wait = 60s;  // nothing is sent twice, however slow this machine is
  FarEnd secondary(context_);
  for (int i = 0; i < 10'000; ++i) notify("z" + std::to_string(i) + ".example.", {secondary.endpoint()});
  std::size_t most = 0;
  run_until([&] {
    most = std::max(most, secondary.unanswered.size());
    if (secondary.unanswered.size() >= NotifySender::most_per_secondary || secondary.copies > 9'900)
      secondary.answer_all();
    return count("ok") == 10'000;
  });
  EXPECT_EQ(secondary.zones.size(), 10'000u);
  EXPECT_EQ(secondary.copies, 10'000u);
  EXPECT_LE(most, NotifySender::most_per_secondary);
}

// One that never answers has a few under way and then one; the other one is told of everything meanwhile.
TEST_F(NotifySenderTest, ADeadSecondaryDelaysNoOther) {
  patience_ = {.copies = 2, .first_wait = 100ms};
  FarEnd dead(context_), live(context_);
  dead.deaf = true;
  for (int i = 0; i < 1'000; ++i)
    notify("z" + std::to_string(i) + ".example.", {dead.endpoint(), live.endpoint()});
  run_until([&] {
    live.answer_all();
    return count("ok") == 1'000;
  });
  EXPECT_EQ(live.zones.size(), 1'000u);
  EXPECT_LT(dead.zones.size(), 1'000u);
  EXPECT_TRUE(sender().status(dns::Name::from_text("z999.example.").value()).size() == 2);
}

// It comes back: what waited for it is told now, with nothing published anew.
TEST_F(NotifySenderTest, WhatWaitedIsToldOnceASecondaryIsBack) {
  patience_ = {.copies = 2, .first_wait = 100ms};
  FarEnd secondary(context_);
  secondary.deaf = true;
  constexpr std::size_t all = 300;
  for (std::size_t i = 0; i < all; ++i) notify("z" + std::to_string(i) + ".example.", {secondary.endpoint()});
  run_until([&] { return count("timeout") >= NotifySender::most_per_secondary; });
  secondary.deaf = false;
  run_until([&] {
    secondary.answer_all();
    return count("ok") + count("timeout") == all;
  });
  // Those under way when it was dead were given up; one or two more, perhaps, on a slow machine.
  EXPECT_GE(count("ok"), all / 2);
  EXPECT_EQ(secondary.zones.size(), all);
}

// A closed port is another kind of silence: the secondary may be starting.
TEST_F(NotifySenderTest, AClosedPortIsTriedAgain) {
  patience_ = {.copies = 14, .first_wait = 1ms};
  net::Endpoint address;
  {
    const FarEnd gone(context_);
    address = gone.endpoint();
  }
  notify("example.", {address});
  run_until([&] { return true; });
  asio::ip::udp::socket socket(context_);
  run_until([&] {
    boost::system::error_code taken;
    if (!socket.is_open()) {
      socket.open(asio::ip::udp::v4());
      socket.bind(address.udp(), taken);
      if (taken) socket.close();
    }
    if (!socket.is_open() || socket.available() == 0) return false;
    Bytes octets(512);
    asio::ip::udp::endpoint sender;
    octets.resize(socket.receive_from(asio::buffer(octets), sender));
    octets[2] |= 0x80;
    socket.send_to(asio::buffer(octets), sender);
    return true;
  });
  run_until([&] { return count("ok") == 1; });
}

TEST_F(NotifySenderTest, AZoneThatWentIsToldOfNoMore) {
  patience_ = {.copies = 10, .first_wait = 20ms};
  FarEnd secondary(context_);
  secondary.deaf = true;
  notify("gone.example.", {secondary.endpoint()});
  run_until([&] { return secondary.copies == 1; });
  sender().forget(dns::Name::from_text("GONE.example.").value());
  notify("other.example.", {secondary.endpoint()});
  run_until([&] { return secondary.zones.contains("other.example."); });
  EXPECT_TRUE(sender().status(dns::Name::from_text("gone.example.").value()).empty());
  EXPECT_TRUE(sender().counts().empty());
}

}  // namespace
}  // namespace understudy::sync
