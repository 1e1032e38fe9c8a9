// Sync as a whole: a primary in this process, a secondary that hears of publications, a real mirror in a
// temporary directory, the real clock. Tests wait for what must happen, never for a length of time.
#pragma once

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
#include "sync/sync.h"

namespace understudy::sync {

namespace asio = boost::asio;
using Bytes = std::vector<std::uint8_t>;

inline dns::Name name(std::string_view text) { return *dns::Name::from_text(text); }

inline Bytes soa_rdata(std::uint32_t serial) {
  const std::string text = "ns.example. host.example. " + std::to_string(serial) + " 3600 600 86400 300";
  return *dns::parse_rdata_text(dns::RRType::SOA, text, name("."));
}

inline void append_record(Bytes& message, const dns::Name& owner, dns::RRType type, const Bytes& rdata) {
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
class PlainPrimary {
 public:
  PlainPrimary() {
    acceptor_.listen();
    port_ = acceptor_.local_endpoint().port();
    udp_.open(asio::ip::udp::v4());
    udp_.bind({asio::ip::address_v4::loopback(), port_});
    receive();
    accept();
    thread_ = std::thread([this] { context_.run(); });
  }
  ~PlainPrimary() {
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
class PlainSecondary : public backend::PublicationListener {
 public:
  explicit PlainSecondary(std::string directory) : directory_(std::move(directory)) {}
  ~PlainSecondary() override { close(); }

  void open(std::vector<ZoneSettings> zones) {
    open_mirror();
    const Result<> started = sync->start(std::move(zones));
    ASSERT_TRUE(started) << started.error().message;
  }
  // Without zones yet.
  void open_mirror() {
    auto opened = backend::open_mirror({.directory = directory_, .map_octets = 1u << 30});
    ASSERT_TRUE(opened) << opened.error().message;
    mirror = std::move(*opened);
    context = std::make_unique<asio::io_context>();
    tables = std::make_unique<backend::ZoneTables>();
    sync = std::make_unique<Sync>(*context, *mirror, *tables, clock_,
                                  SyncOptions{directory_, 2, {}, {}, connections_kept});
    sync->add_listener(*this);
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
    return backend::look_up(**reader, entry->live(commit, **reader).generation, entry->apex().label_count(),
                            key, dns::RRType::A)
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
  std::optional<std::chrono::milliseconds> connections_kept;  // before open()

 private:
  const std::string directory_;
  SystemClock clock_;
};

class SyncTest : public testing::Test {
 protected:
  SyncTest() {
    std::string pattern = (std::filesystem::temp_directory_path() / "sync-test-XXXXXX").string();
    directory_ = mkdtemp(pattern.data());
    secondary = std::make_unique<PlainSecondary>(directory_ + "/mirror");
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
  PlainPrimary primary;
  std::unique_ptr<PlainSecondary> secondary;
};

}  // namespace understudy::sync
