// Transfers that follow one another over one connection (RFC 7766 6.2.1, RFC 5936 4.1), and primaries that do
// not play along: connections are counted where they are accepted, and no zone may fail for any of it.
#include "unit/sync/sync_fixture.h"

namespace understudy::sync {
namespace {

// A primary of any zone over TCP alone, with manners of its own. One thread.
class MannerlyPrimary {
 public:
  enum class Manners { keeps, closes, cuts_second, answers_another, says_more };

  explicit MannerlyPrimary(Manners manners) : manners_(manners) {
    port_ = acceptor_.local_endpoint().port();
    accept();
    thread_ = std::thread([this] { context_.run(); });
  }
  ~MannerlyPrimary() {
    asio::post(context_, [this] { context_.stop(); });
    thread_.join();
  }
  SourceSpec source() const { return AxfrSource{{asio::ip::address_v4::loopback(), port_}}; }
  asio::ip::address address() const { return asio::ip::address_v4::loopback(); }

  // Says something on every connection although nobody asked: the zone with another serial.
  void say_unasked(std::string_view apex) {
    std::promise<void> said;
    asio::post(context_, [&] {
      Bytes query(12);
      const dns::Name owner = name(apex);
      query.insert(query.end(), owner.data(), owner.data() + owner.size());
      query.insert(query.end(), {0, 252, 0, 1});
      query[5] = 1;
      for (const auto& connection : connections_) send(*connection, zone(query, 99));
      said.set_value();
    });
    said.get_future().wait();
  }

  std::atomic<std::uint32_t> serial{1};
  std::atomic<unsigned> accepted{0}, whole{0}, increments{0};

 private:
  struct Connection {
    explicit Connection(asio::ip::tcp::socket&& s) : socket(std::move(s)) {}
    asio::ip::tcp::socket socket;
    std::array<std::uint8_t, 2> length{};
    Bytes query;
    unsigned asked = 0;
  };
  using Shared = std::shared_ptr<Connection>;

  void accept() {
    acceptor_.async_accept([this](boost::system::error_code error, asio::ip::tcp::socket socket) {
      if (error) return;
      ++accepted;
      connections_.push_back(std::make_shared<Connection>(std::move(socket)));
      listen_to(connections_.back());
      accept();
    });
  }
  void listen_to(const Shared& connection) {
    asio::async_read(connection->socket, asio::buffer(connection->length),
                     [this, connection](boost::system::error_code error, std::size_t) {
                       if (error) return;
                       connection->query.resize(dns::load16(connection->length.data()));
                       boost::system::error_code fault;
                       asio::read(connection->socket, asio::buffer(connection->query), fault);
                       if (!fault) answer(connection);
                     });
  }
  void answer(const Shared& connection) {
    Bytes& query = connection->query;
    const std::size_t type_at = 12 + dns::NameView::parse(dns::Octets(query).subspan(12))->size();
    dns::load16(&query[type_at]) == 251 ? ++increments : ++whole;
    const bool second = ++connection->asked == 2;
    Bytes message = zone(query, serial);
    if (second && manners_ == Manners::answers_another) message[0] ^= 0x55;
    if (second && manners_ == Manners::cuts_second) message.resize(message.size() / 2);
    Bytes stream = framed(message, second && manners_ == Manners::cuts_second);
    if (manners_ == Manners::says_more) {
      const Bytes more = framed(zone(query, 99), false);
      stream.insert(stream.end(), more.begin(), more.end());
    }
    boost::system::error_code ignored;
    asio::write(connection->socket, asio::buffer(stream), ignored);
    const bool hangs_up = manners_ == Manners::closes || (second && manners_ == Manners::cuts_second);
    if (!hangs_up) return listen_to(connection);
    std::erase(connections_, connection);
    connection->socket.close(ignored);
  }
  static Bytes framed(const Bytes& message, bool cut) {
    Bytes stream(2);
    dns::store16(stream.data(), static_cast<std::uint16_t>(cut ? 2 * message.size() : message.size()));
    stream.insert(stream.end(), message.begin(), message.end());
    return stream;
  }
  static void send(Connection& connection, const Bytes& message) {
    boost::system::error_code ignored;
    asio::write(connection.socket, asio::buffer(framed(message, false)), ignored);
  }
  static Bytes zone(const Bytes& query, std::uint32_t serial) {
    const dns::Name apex(*dns::NameView::parse(dns::Octets(query).subspan(12)));
    Bytes m(query.begin(), query.begin() + static_cast<std::ptrdiff_t>(12 + apex.size() + 4));
    dns::store16(&m[2], 0x8400);
    for (const std::size_t count : {6, 8, 10}) dns::store16(&m[count], 0);
    append_record(m, apex, dns::RRType::SOA, soa_rdata(serial));
    append_record(m, apex, dns::RRType::NS,
                  *dns::parse_rdata_text(dns::RRType::NS, "ns.example.net.", name(".")));
    append_record(m, apex, dns::RRType::SOA, soa_rdata(serial));
    return m;
  }

  const Manners manners_;
  asio::io_context context_;
  asio::ip::tcp::acceptor acceptor_{context_, {asio::ip::address_v4::loopback(), 0}};
  std::vector<Shared> connections_;
  std::uint16_t port_ = 0;
  std::thread thread_;
};
using Manners = MannerlyPrimary::Manners;

class ConnectionsTest : public SyncTest {
 protected:
  static constexpr unsigned zones = 10;

  // The first zone arrives before the others are known, then they come one after another.
  void open(MannerlyPrimary& from) {
    source_ = &from;
    secondary->connections_kept = std::chrono::hours(1);
    std::vector<ZoneSettings> all;
    for (unsigned n = 0; n < zones; ++n) all.push_back(zone(apex(n), {from.source()}));
    secondary->open(std::move(all));
    run_until_tried();
  }
  static std::string apex(unsigned n) { return "z" + std::to_string(n) + "."; }
  // All of them anew, one at a time.
  void fetch_all() {
    for (unsigned n = 0; n < zones; ++n) {
      source_->serial = source_->serial + 1;
      const auto answer = secondary->ask(apex(n), true);
      ASSERT_TRUE(answer) << answer.error().message;
      EXPECT_EQ(secondary->status(apex(n)).row.serial, source_->serial);
    }
  }
  // Nothing went wrong that a zone or an operator would notice.
  void expect_no_failure() {
    for (unsigned n = 0; n < zones; ++n) {
      const ZoneStatus status = secondary->status(apex(n));
      EXPECT_FALSE(status.last_refusal);
      EXPECT_EQ(status.primaries.at(0).failing_since, 0);
      EXPECT_FALSE(status.primaries.at(0).failure);
    }
    for (const auto& transfer : secondary->sync->totals().transfers_in) EXPECT_EQ(transfer.result, "ok");
  }
  std::vector<std::string_view> learnt() { return secondary->status(apex(0)).primaries.at(0).learnt; }

  MannerlyPrimary* source_ = nullptr;
};

TEST_F(ConnectionsTest, TransfersFollowOneAnother) {
  MannerlyPrimary from(Manners::keeps);
  open(from);
  const unsigned before = from.accepted;
  EXPECT_LE(before, zones);
  fetch_all();
  EXPECT_EQ(from.accepted, before);
  EXPECT_EQ(from.whole, 2 * zones);
  EXPECT_TRUE(learnt().empty());
  expect_no_failure();
}

TEST_F(ConnectionsTest, APrimaryThatClosesIsLearnt) {
  MannerlyPrimary from(Manners::closes);
  open(from);
  fetch_all();
  EXPECT_EQ(learnt(), std::vector<std::string_view>{"no-reuse"});
  const unsigned asked = from.whole, before = from.accepted;
  fetch_all();
  EXPECT_EQ(from.whole, asked + zones);  // once each
  EXPECT_EQ(from.accepted, before + zones);
  expect_no_failure();
}

TEST_F(ConnectionsTest, WhatIsCutInTheMidstOrOutOfTurnIsFetchedAnew) {
  for (const Manners manners : {Manners::cuts_second, Manners::answers_another}) {
    MannerlyPrimary from(manners);
    open(from);
    fetch_all();
    EXPECT_GT(from.whole, 2 * zones);
    expect_no_failure();
    secondary->close();
    std::filesystem::remove_all(directory_ + "/mirror");
    std::filesystem::create_directory(directory_ + "/mirror");
  }
}

// RFC 5936 2.2 ends a transfer with the second SOA: what stands behind it belongs to nothing that was asked.
TEST_F(ConnectionsTest, AConnectionWithMoreBehindTheEndIsNotKept) {
  MannerlyPrimary from(Manners::says_more);
  open(from);
  const unsigned before = from.accepted;
  fetch_all();
  EXPECT_EQ(from.accepted, before + zones);
  expect_no_failure();
}

TEST_F(ConnectionsTest, NobodySpeaksUnaskedOnAnIdleConnection) {
  MannerlyPrimary from(Manners::keeps);
  open(from);
  const unsigned before = from.accepted;
  from.say_unasked(apex(0));
  from.serial = 2;
  const auto answer = secondary->ask(apex(0), true);
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(secondary->status(apex(0)).row.serial, 2);
  EXPECT_EQ(from.accepted, before + 1);
  expect_no_failure();
}

TEST_F(ConnectionsTest, ANotifyOfANewerVersionIsAnsweredByTheQuestionForIt) {
  secondary->open({zone("example.")});
  run_until_tried();
  const int probes = primary.probes;
  const auto told = [&](const asio::ip::address& from, std::optional<std::uint32_t> serial) {
    ++primary.serial;
    const int before = secondary->publications;
    secondary->sync->notified(secondary->entry("example."), from, serial);
    secondary->run_until([&] { return secondary->publications > before; });
  };
  told(primary.endpoint().address, 2);
  EXPECT_EQ(primary.probes, probes);
  EXPECT_EQ(primary.increments, 1);
  // Somebody else's word is reason to ask, and no more.
  told(asio::ip::make_address("192.0.2.1"), 3);
  EXPECT_EQ(primary.probes, probes + 1);
  EXPECT_EQ(primary.increments, 2);
  // RFC 1996 3.7: it need not tell the serial.
  told(primary.endpoint().address, std::nullopt);
  EXPECT_EQ(primary.probes, probes + 1);
  EXPECT_EQ(primary.increments, 3);
}

// RFC 1995 2: to the question for differences "current" is an answer too.
TEST_F(ConnectionsTest, ANotifyWithoutASerialAndWithoutReasonChangesNothing) {
  secondary->open({zone("example.")});
  run_until_tried();
  const int probes = primary.probes;
  secondary->sync->notified(secondary->entry("example."), primary.endpoint().address, std::nullopt);
  secondary->run_until(
      [&] { return primary.increments == 1 && !secondary->status("example.").transferring; });
  EXPECT_EQ(primary.probes, probes);
  EXPECT_EQ(secondary->publications, 1);
  EXPECT_FALSE(secondary->status("example.").last_refusal);
}

}  // namespace
}  // namespace understudy::sync
