// Sync as a whole: a primary in this process, a real mirror in a temporary directory, the real clock. Tests
// wait for what must happen, never for a length of time.
#include "sync/sync.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <boost/asio.hpp>
#include <filesystem>
#include <fstream>
#include <thread>

#include "backend/lookup.h"
#include "dns/message.h"
#include "dns/presentation.h"
#include "net/dns_client.h"
#include "sync/reasons.h"

namespace understudy::sync {
namespace {

namespace asio = boost::asio;
using Bytes = std::vector<std::uint8_t>;

dns::Name name(std::string_view text) { return *dns::Name::from_text(text); }

Bytes soa_rdata(std::uint32_t serial) {
  const std::string text = "ns.example. host.example. " + std::to_string(serial) + " 3600 600 86400 300";
  return *dns::parse_rdata_text(dns::RRType::SOA, text, name("."));
}

void append_record(Bytes& message, const dns::Name& owner, dns::RRType type, const Bytes& rdata) {
  const std::size_t at = message.size() + owner.size();
  message.insert(message.end(), owner.data(), owner.data() + owner.size());
  message.resize(at + 10);
  dns::store16(&message[at], static_cast<std::uint16_t>(type));
  dns::store16(&message[at + 2], 1);
  dns::store32(&message[at + 4], 300);
  dns::store16(&message[at + 8], static_cast<std::uint16_t>(rdata.size()));
  message.insert(message.end(), rdata.begin(), rdata.end());
  dns::store16(&message[6], static_cast<std::uint16_t>(dns::load16(&message[6]) + 1));
}

// A primary of any zone: answers SOA over UDP and AXFR over TCP, and listens for NOTIFY of others.
class Primary {
 public:
  Primary() {
    acceptor_.listen();
    port_ = acceptor_.local_endpoint().port();
    udp_.open(asio::ip::udp::v4());
    udp_.bind({asio::ip::address_v4::loopback(), port_});
    receive();
    accept();
    thread_ = std::thread([this] { context_.run(); });
  }
  ~Primary() {
    asio::post(context_, [this] { context_.stop(); });
    thread_.join();
  }
  net::Endpoint endpoint() const { return {asio::ip::address_v4::loopback(), port_}; }

  std::atomic<std::uint32_t> serial{1};
  std::atomic<unsigned> hosts{3};
  std::atomic<bool> refuse{false}, break_transfer{false}, outside{false}, no_ixfr{false};
  std::atomic<int> probes{0}, transfers{0}, increments{0},
      notifies{0};  // transfers: IXFR too, which brings all

 private:
  static Bytes response_to(const Bytes& query, unsigned flags) {
    Bytes response = query;
    dns::store16(&response[2], static_cast<std::uint16_t>((query[2] & 0x78) << 8 | 0x8400 | flags));
    dns::store16(&response[6], 0);
    const std::size_t question = 12 + dns::NameView::parse(dns::Octets(query).subspan(12))->size() + 4;
    response.resize(question);
    dns::store16(&response[8], 0);
    dns::store16(&response[10], 0);
    return response;
  }
  static dns::Name qname(const Bytes& query) {
    return dns::Name(*dns::NameView::parse(dns::Octets(query).subspan(12)));
  }

  void receive() {
    buffer_.resize(4096);
    udp_.async_receive_from(
        asio::buffer(buffer_), client_, [this](boost::system::error_code error, std::size_t size) {
          if (error) return;
          const Bytes query(buffer_.begin(), buffer_.begin() + static_cast<std::ptrdiff_t>(size));
          Bytes response = response_to(query, refuse ? 5 : 0);
          if ((query[2] >> 3 & 15) == 4) {
            ++notifies;
          } else {
            ++probes;
            if (!refuse) append_record(response, qname(query), dns::RRType::SOA, soa_rdata(serial));
          }
          udp_.send_to(asio::buffer(response), client_);
          receive();
        });
  }
  static void send(asio::ip::tcp::socket& socket, const Bytes& message) {
    boost::system::error_code ignored;
    std::array<std::uint8_t, 2> length{};
    dns::store16(length.data(), static_cast<std::uint16_t>(message.size()));
    asio::write(socket, asio::buffer(length), ignored);
    asio::write(socket, asio::buffer(message), ignored);
  }
  void accept() {
    acceptor_.async_accept([this](boost::system::error_code error, asio::ip::tcp::socket socket) {
      if (error) return;
      boost::system::error_code ignored;
      std::array<std::uint8_t, 2> length{};
      asio::read(socket, asio::buffer(length), ignored);
      Bytes query(dns::load16(length.data()));
      asio::read(socket, asio::buffer(query), ignored);
      ++transfers;
      transfer(socket, query);
      accept();
    });
  }
  void transfer(asio::ip::tcp::socket& socket, const Bytes& query) {
    if (refuse) return send(socket, response_to(query, 5));
    if (dns::load16(&query[12 + qname(query).size()]) == 251) {
      ++increments;
      if (no_ixfr) return send(socket, response_to(query, 4));
    }
    const dns::Name apex = qname(query);
    Bytes m = response_to(query, 0);
    append_record(m, apex, dns::RRType::SOA, soa_rdata(serial));
    append_record(m, apex, dns::RRType::NS,
                  *dns::parse_rdata_text(dns::RRType::NS, "ns.example.net.", name(".")));
    if (outside) append_record(m, name("outside.invalid."), dns::RRType::A, {192, 0, 2, 1});
    for (unsigned i = 0; i < hosts; ++i) {
      const dns::Name owner = name("h" + std::to_string(i) + "." + dns::to_string(apex));
      append_record(m, owner, dns::RRType::A,
                    {10, static_cast<std::uint8_t>(i >> 16), static_cast<std::uint8_t>(i >> 8),
                     static_cast<std::uint8_t>(i)});
      if (m.size() > 16000) send(socket, std::exchange(m, response_to(query, 0)));
    }
    if (!break_transfer) append_record(m, apex, dns::RRType::SOA, soa_rdata(serial));
    send(socket, m);
  }

  asio::io_context context_;
  asio::ip::udp::socket udp_{context_};
  asio::ip::tcp::acceptor acceptor_{context_, {asio::ip::address_v4::loopback(), 0}};
  asio::ip::udp::endpoint client_;
  Bytes buffer_;
  std::uint16_t port_ = 0;
  std::thread thread_;
};

// A secondary: mirror, zone table and Sync, run by the test's own thread.
class Secondary : public backend::PublicationListener {
 public:
  explicit Secondary(std::string directory) : directory_(std::move(directory)) {}
  ~Secondary() override { close(); }

  void open(std::vector<ZoneSettings> zones) {
    auto opened = backend::open_mirror({.directory = directory_, .map_octets = 1u << 30});
    ASSERT_TRUE(opened) << opened.error().message;
    mirror = std::move(*opened);
    context = std::make_unique<asio::io_context>();
    tables = std::make_unique<backend::ZoneTables>();
    sync = std::make_unique<Sync>(*context, *mirror, *tables, clock_, SyncOptions{directory_, 2});
    sync->add_listener(*this);
    const Result<> started = sync->start(std::move(zones));
    ASSERT_TRUE(started) << started.error().message;
  }
  void close() {
    if (sync) sync->stop();
    sync.reset();
    context.reset();
    tables.reset();
    mirror.reset();
  }
  void published(const backend::ZoneEntry&, const backend::ZoneRow&) override { ++publications; }

  template <class Condition>
  void run_until(Condition condition) {
    while (!condition()) context->run_one();
  }
  ZoneStatus status(std::string_view apex) { return *sync->status(name(apex)); }
  Result<std::string> ask(std::string_view apex, bool whole) {
    std::optional<Result<std::string>> answer;
    const auto done = [&](Result<std::string> r) { answer = std::move(r); };
    whole ? sync->retransfer(name(apex), done) : sync->refresh(name(apex), done);
    run_until([&] { return answer.has_value(); });
    return *answer;
  }
  // Whether A records of that owner are served.
  bool has(std::string_view apex, std::string_view owner) {
    backend::ZoneTables::Pin pin(*tables);
    const backend::ZoneEntry* entry = pin.acquire().find(name(apex));
    auto reader = mirror->reader();
    const std::uint64_t commit = *(*reader)->renew();
    dns::NameKey key(name(owner));
    return backend::look_up(**reader, entry->live(commit, **reader).generation,
                            entry->apex().view().label_count(), key, dns::RRType::A)
               .outcome == backend::Outcome::answer;
  }
  backend::Service service(std::string_view apex) {
    backend::ZoneTables::Pin pin(*tables);
    return pin.acquire().find(name(apex))->service();
  }
  const backend::ZoneEntry& entry(std::string_view apex) {
    backend::ZoneTables::Pin pin(*tables);
    return *pin.acquire().find(name(apex));
  }

  std::unique_ptr<asio::io_context> context;
  std::unique_ptr<backend::Mirror> mirror;
  std::unique_ptr<backend::ZoneTables> tables;
  std::unique_ptr<Sync> sync;
  int publications = 0;

 private:
  const std::string directory_;
  SystemClock clock_;
};

class SyncTest : public testing::Test {
 protected:
  SyncTest() {
    std::string pattern = (std::filesystem::temp_directory_path() / "sync-test-XXXXXX").string();
    directory_ = mkdtemp(pattern.data());
    secondary = std::make_unique<Secondary>(directory_ + "/mirror");
    std::filesystem::create_directory(directory_ + "/mirror");
  }
  ~SyncTest() override {
    secondary.reset();
    std::filesystem::remove_all(directory_);
  }
  ZoneSettings zone(std::string_view apex, std::vector<SourceSpec> sources = {}) {
    ZoneSettings settings;
    settings.apex = name(apex);
    settings.sources =
        sources.empty() ? std::vector<SourceSpec>{AxfrSource{primary.endpoint()}} : std::move(sources);
    return settings;
  }
  void run_until_tried() {
    secondary->run_until([this] { return secondary->sync->all_tried(); });
  }

  std::string directory_;
  Primary primary;
  std::unique_ptr<Secondary> secondary;
};

TEST_F(SyncTest, MirrorsAndFollowsAPrimary) {
  secondary->open({zone("example.")});
  EXPECT_EQ(secondary->service("example."), backend::Service::no_data);
  EXPECT_FALSE(secondary->sync->all_tried());
  run_until_tried();
  ZoneStatus status = secondary->status("example.");
  EXPECT_EQ(status.state, ZoneState::fresh);
  EXPECT_EQ(status.row.version, 1u);
  EXPECT_EQ(status.row.records, 5u);
  EXPECT_EQ(status.soa.refresh, 3600u);
  EXPECT_TRUE(status.primaries.at(0).up);
  EXPECT_EQ(secondary->service("example."), backend::Service::serving);
  EXPECT_TRUE(secondary->has("example.", "h2.example."));
  EXPECT_FALSE(secondary->has("example.", "h3.example."));

  EXPECT_EQ(*secondary->ask("example.", false), "up to date");
  primary.serial = 2, primary.hosts = 4;
  EXPECT_EQ(*secondary->ask("example.", false), "transferred version 2");
  EXPECT_TRUE(secondary->has("example.", "h3.example."));
  EXPECT_EQ(secondary->status("example.").primary_serial, 2u);
  EXPECT_EQ(secondary->publications, 2);
  EXPECT_EQ(primary.transfers, 2);

  // The same again, whole: nothing is published, since nothing changed.
  EXPECT_EQ(*secondary->ask("example.", true), "up to date");
  EXPECT_EQ(primary.transfers, 3);
  EXPECT_EQ(secondary->publications, 2);
  secondary->sync->refresh(name("other."),
                           [](Result<std::string> r) { EXPECT_EQ(r.error().reason, "no-source"); });
}

TEST_F(SyncTest, KeepsTheLastGoodVersion) {
  secondary->open({zone("example.")});
  run_until_tried();
  primary.serial = 2, primary.break_transfer = true;
  EXPECT_EQ(secondary->ask("example.", false).error().reason, "truncated");
  ZoneStatus status = secondary->status("example.");
  EXPECT_EQ(status.state, ZoneState::retrying);
  EXPECT_EQ(status.row.serial, 1u);
  EXPECT_EQ(status.last_refusal->reason, "truncated");
  EXPECT_NE(status.out_of_sync_since, 0);
  EXPECT_TRUE(secondary->has("example.", "h2.example."));
  primary.refuse = true;
  EXPECT_EQ(secondary->ask("example.", false).error().reason, "refused");
  EXPECT_FALSE(secondary->status("example.").primaries.at(0).up);
  primary.refuse = false, primary.break_transfer = false;
  EXPECT_EQ(*secondary->ask("example.", false), "transferred version 2");
  status = secondary->status("example.");
  EXPECT_EQ(status.state, ZoneState::fresh);
  EXPECT_EQ(status.out_of_sync_since, 0);
  EXPECT_TRUE(status.primaries.at(0).up);
}

TEST_F(SyncTest, AsksForDifferencesOfWhatItHas) {
  secondary->open({zone("example.")});
  run_until_tried();
  EXPECT_EQ(primary.increments, 0);
  primary.serial = 2, primary.hosts = 4;
  EXPECT_EQ(*secondary->ask("example.", false), "transferred version 2");
  EXPECT_EQ(primary.increments, 1);
  EXPECT_EQ(primary.transfers, 2);  // the whole zone came at once
  EXPECT_EQ(secondary->status("example.").last_transfer, "axfr-style");
  EXPECT_EQ(*secondary->ask("example.", true), "up to date");
  EXPECT_EQ(primary.increments, 1);
}

TEST_F(SyncTest, RemembersAPrimaryThatKnowsNoIxfr) {
  primary.no_ixfr = true;
  secondary->open({zone("one."), zone("two.")});
  run_until_tried();
  for (const std::string_view apex : {"one.", "two.", "one."}) {
    primary.serial = primary.serial + 1;
    ASSERT_TRUE(secondary->ask(apex, false));
    EXPECT_EQ(secondary->status(apex).row.serial, primary.serial);
    EXPECT_EQ(secondary->status(apex).last_transfer, "axfr");
  }
  EXPECT_EQ(primary.increments, 1);
  const SyncTotals totals = secondary->sync->totals();
  EXPECT_EQ(totals.transfer_fallbacks, (std::vector{std::pair(reason::not_implemented, std::uint64_t{1})}));
}

TEST_F(SyncTest, TakesAnOlderSerialOnlyWhenTold) {
  primary.serial = 10;
  secondary->open({zone("example.")});
  run_until_tried();
  primary.serial = 9, primary.hosts = 7;
  EXPECT_EQ(secondary->ask("example.", false).error().reason, "serial-backwards");
  EXPECT_EQ(secondary->status("example.").row.serial, 10u);
  EXPECT_EQ(primary.transfers, 1);
  primary.serial = 10 + 0x80000000u;  // RFC 1982: neither newer nor older
  EXPECT_EQ(secondary->ask("example.", false).error().reason, "serial-backwards");
  primary.serial = 9;
  EXPECT_EQ(*secondary->ask("example.", true), "transferred version 2");
  EXPECT_EQ(secondary->status("example.").row.serial, 9u);
  EXPECT_TRUE(secondary->has("example.", "h6.example."));
}

TEST_F(SyncTest, ServesFromTheMirrorAfterARestart) {
  secondary->open({zone("example.")});
  run_until_tried();
  const ZoneStatus before = secondary->status("example.");
  secondary->close();
  primary.refuse = true;
  secondary->open({zone("example.")});
  EXPECT_EQ(secondary->service("example."), backend::Service::serving);
  EXPECT_TRUE(secondary->has("example.", "h2.example."));
  EXPECT_TRUE(secondary->sync->all_tried());
  const ZoneStatus after = secondary->status("example.");
  EXPECT_EQ(after.row.version, before.row.version);
  EXPECT_EQ(after.soa.refresh, before.soa.refresh);
  EXPECT_EQ(after.timers.expires, before.timers.expires);
  EXPECT_EQ(primary.probes, 0);  // the next check is an hour away
}

TEST_F(SyncTest, AsksTheNextPrimaryAndSparesTheSilentOne) {
  asio::io_context unused;
  asio::ip::tcp::acceptor nobody(unused, {asio::ip::address_v4::loopback(), 0});
  const net::Endpoint dead{asio::ip::address_v4::loopback(), nobody.local_endpoint().port()};
  nobody.close();
  std::vector<ZoneSettings> zones;
  for (int i = 0; i < 50; ++i) {
    zones.push_back(zone("z" + std::to_string(i) + ".", {AxfrSource{dead}, AxfrSource{primary.endpoint()}}));
  }
  secondary->open(zones);
  run_until_tried();
  for (int i = 0; i < 50; ++i) {
    const ZoneStatus status = secondary->status("z" + std::to_string(i) + ".");
    EXPECT_EQ(status.state, ZoneState::fresh);
    EXPECT_FALSE(status.primaries.at(0).up);
    EXPECT_TRUE(status.primaries.at(1).up);
  }
  EXPECT_EQ(primary.transfers, 50);
}

// Past bug: 130 zones of one primary that says nothing took every place, and no other zone was asked for.
TEST_F(SyncTest, ASilentPrimaryWithManyZonesDelaysNoOtherZone) {
  asio::io_context unused;
  asio::ip::tcp::acceptor silent(unused, {asio::ip::address_v4::loopback(), 0});
  asio::ip::udp::socket deaf(unused, {asio::ip::address_v4::loopback(), silent.local_endpoint().port()});
  const net::Endpoint dead{asio::ip::address_v4::loopback(), silent.local_endpoint().port()};
  std::vector<ZoneSettings> zones;
  for (int i = 0; i < 300; ++i) zones.push_back(zone("z" + std::to_string(i) + ".", {AxfrSource{dead}}));
  zones.push_back(zone("live."));
  secondary->open(zones);
  secondary->run_until([this] { return secondary->status("live.").state == ZoneState::fresh; });
  // With one queue for all, the last zone's turn would come only after 173 of the others were given up.
  int given_up = 0;
  for (int i = 0; i < 300; ++i) {
    given_up += secondary->status("z" + std::to_string(i) + ".").primaries.at(0).failure.has_value();
  }
  EXPECT_LT(given_up, 100);
}

TEST_F(SyncTest, ANotifyBringsTheChangeAndGoesOn) {
  Primary further;
  ZoneSettings settings = zone("example.");
  settings.notify = {further.endpoint()};
  secondary->open({settings});
  secondary->run_until([&] { return secondary->sync->totals().notify_sent.size() == 1; });
  EXPECT_EQ(further.notifies, 1);
  primary.serial = 2;
  const backend::ZoneEntry& entry = secondary->entry("example.");
  EXPECT_TRUE(net::any_allows(entry.policy().allow_notify, {primary.endpoint().address}));
  std::thread worker([&] {
    for (int i = 0; i < 100; ++i) secondary->sync->notified(entry, primary.endpoint().address, 2);
  });
  worker.join();
  secondary->run_until([&] { return secondary->publications == 2 && further.notifies == 2; });
  EXPECT_LE(primary.probes, 2);  // a hundred NOTIFY, one check and at most one more
  EXPECT_EQ(secondary->sync->totals().notify_received.at(0),
            std::make_pair(std::string_view("ok"), std::uint64_t{100}));
}

TEST_F(SyncTest, TakesALargeZoneInManyCommits) {
  primary.hosts = 150'000;
  secondary->open({zone("example."), zone("small.")});
  run_until_tried();
  EXPECT_EQ(secondary->status("example.").row.records, 150'002u);
  EXPECT_TRUE(secondary->has("example.", "h149999.example."));
  EXPECT_TRUE(secondary->has("small.", "h149999.small."));
  primary.serial = 2, primary.hosts = 2;
  EXPECT_EQ(*secondary->ask("example.", false), "transferred version 2");
  EXPECT_FALSE(secondary->has("example.", "h149999.example."));
}

TEST_F(SyncTest, DropsOrRefusesWhatLiesOutside) {
  primary.outside = true;
  ZoneSettings strict = zone("strict.");
  strict.refuse_out_of_zone = true;
  secondary->open({zone("example."), strict});
  run_until_tried();
  EXPECT_EQ(secondary->status("example.").out_of_zone_dropped, 1u);
  EXPECT_EQ(secondary->status("example.").row.records, 5u);
  EXPECT_EQ(secondary->status("strict.").state, ZoneState::empty);
  EXPECT_EQ(secondary->status("strict.").last_refusal->reason, "out-of-zone");
  EXPECT_EQ(secondary->service("strict."), backend::Service::no_data);
}

TEST_F(SyncTest, FollowsAFile) {
  const std::string path = directory_ + "/example.zone";
  const auto write = [&](std::string_view serial, std::string_view rest) {
    std::ofstream(path + ".new") << "$TTL 300\n@ SOA ns host " << serial
                                 << " 3600 600 86400 300\n@ NS ns\nns A 192.0.2.1\n"
                                 << rest;
    std::filesystem::rename(path + ".new", path);
  };
  secondary->open({zone("example.", {FileSource{path}})});
  run_until_tried();
  EXPECT_EQ(secondary->status("example.").state, ZoneState::empty);
  EXPECT_EQ(secondary->status("example.").primaries.at(0).failure->reason, "file-unreadable");
  write("5", "www A 192.0.2.2\n");
  secondary->run_until([&] { return secondary->publications == 1; });
  EXPECT_TRUE(secondary->has("example.", "www.example."));
  EXPECT_EQ(secondary->status("example.").timers.expires, 0);
  // The operator's file is the authority, its serial only a number.
  write("5", "new A 192.0.2.3\n");
  secondary->run_until([&] { return secondary->publications == 2; });
  EXPECT_TRUE(secondary->has("example.", "new.example."));
  write("4", "broken A 192.0.2\n");
  secondary->run_until([&] { return secondary->status("example.").state == ZoneState::retrying; });
  EXPECT_TRUE(secondary->has("example.", "new.example."));
  EXPECT_EQ(secondary->status("example.").last_refusal->reason, "bad-zone-file");
  write("5", "new A 192.0.2.3\n");
  secondary->run_until([&] { return secondary->status("example.").state == ZoneState::fresh; });
  EXPECT_EQ(secondary->publications, 2);  // as it was: no new version
}

}  // namespace
}  // namespace understudy::sync
