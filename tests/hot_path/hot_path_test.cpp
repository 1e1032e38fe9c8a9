// The query path allocates nothing, frees nothing, takes no lock and throws nothing after its first hundred
// queries.
#include <gtest/gtest.h>
#include <sys/epoll.h>

#include <mutex>
#include <random>

#include "hot_path/counted_calls.h"
#include "server/transfer_out.h"
#include "server/udp_listener.h"
#include "support/sample_zones.h"
#include "support/test_server.h"

namespace understudy::test {
namespace {

constexpr std::size_t warm_up = 100;  // queries

// What a query is made of beside its name and type.
std::vector<Query> variants() {
  Query plain, edns, dnssec, small, options, future, chaos, update, notify;
  for (Query* q : {&edns, &dnssec, &small, &options, &future}) q->edns = true;
  dnssec.dnssec_ok = true;
  dnssec.udp_size = 4096;
  small.udp_size = 100;
  // NSID, COOKIE, PADDING, edns-tcp-keepalive and one that nobody knows.
  options.options = {0, 3, 0,  0, 0, 10, 0, 8, 1,  2, 3, 4,    5,    6, 7,
                     8, 0, 12, 0, 2, 0,  0, 0, 11, 0, 0, 0xfd, 0xe9, 0, 0};
  future.version = 1;
  chaos.qclass = 3;
  update.flags = 5 << 11;
  notify.flags = 4 << 11;
  return {plain, edns, dnssec, small, options, future, chaos, update, notify};
}

std::vector<Bytes> sound_queries() {
  std::vector<Bytes> out;
  for (const std::string& owner : sample_names()) {
    for (const std::uint16_t qtype :
         {type::A, type::NS, type::CNAME, type::SOA, type::MX, type::TXT, type::SRV, type::DS, type::RRSIG,
          type::NSEC, type::OPT, type::TKEY, type::IXFR, type::AXFR, type::ANY, std::uint16_t{65000}}) {
      for (Query query : variants()) {
        query.name = name(owner);
        query.type = qtype;
        out.push_back(encode(query));
      }
    }
  }
  return out;
}

// Every beginning of a few queries, and the queries with octets changed at random (the same in every run).
std::vector<Bytes> broken_queries() {
  std::vector<Bytes> out;
  std::mt19937 random(4);
  const std::vector<Bytes> sound = sound_queries();
  for (std::size_t i = 0; i < sound.size(); i += 97) {
    for (std::size_t size = 0; size < sound[i].size(); ++size)
      out.emplace_back(sound[i].begin(), sound[i].begin() + static_cast<std::ptrdiff_t>(size));
  }
  for (const Bytes& query : sound) {
    out.push_back(query);
    for (auto changes = 1 + random() % 3; changes > 0; --changes)
      out.back()[random() % query.size()] = static_cast<std::uint8_t>(random());
  }
  return out;
}

// What came back, so that a test can say that it saw every kind.
struct Tally {
  std::array<unsigned, 16> rcodes{};
  unsigned truncated = 0, referrals = 0, dropped = 0, transfers = 0;
};

template <class Work>
void expect_nothing_counted(Work work) {
  CallCounter counter;
  work();
  counter.stop();
  EXPECT_EQ(counter.calls(), Calls{}) << counter.first_place();
}

// Receives without what UdpClient allocates.
class QuietClient : public UdpClient {
 public:
  using UdpClient::UdpClient;
  bool receive_into(std::vector<std::uint8_t>& out) const {
    return ::recv(fd(), out.data(), out.size(), MSG_DONTWAIT) > 0;
  }
};

class HotPath : public ::testing::Test {
 protected:
  // With everything on that may be asked for; rate limiting only counts, so that all is answered.
  static server::PipelineOptions options() {
    server::PipelineOptions options;
    options.nsid = {'n', 's'};
    options.cookies.active.emplace();
    options.rate_limit.responses_per_second = 5;
    options.rate_limit.log_only = true;
    options.chaos = {"version", "hostname", "id"};
    return options;
  }

  void exchange(std::span<const Bytes> queries, metrics::Proto proto, Tally& tally) {
    server::Client client;
    client.address = boost::asio::ip::address_v4::loopback();
    client.proto = proto;
    while (!queries.empty()) {
      const auto batch = queries.first(std::min(queries.size(), limits::batch));
      queries = queries.subspan(batch.size());
      pipeline_.begin_batch();
      for (const Bytes& query : batch) count(pipeline_.answer(query, client, out_), tally);
      pipeline_.end_batch();
    }
  }
  void count(const server::Response& response, Tally& tally) const {
    using Kind = server::Response::Kind;
    if (response.kind == Kind::drop) ++tally.dropped;
    if (response.kind == Kind::transfer) ++tally.transfers;
    if (response.kind != Kind::send) return;
    ++tally.rcodes[out_[3] & 15u];
    if ((out_[2] & 2) != 0) ++tally.truncated;
    // No AA, no answer, but an authority section.
    if ((out_[2] & 4) == 0 && dns::load16(&out_[6]) == 0 && dns::load16(&out_[8]) != 0) ++tally.referrals;
  }

  TestMirror mirror_{sample_zones()};
  metrics::WorkerCounters counters_;
  NoNotify sink_;
  server::QueryPipeline pipeline_{
      mirror_.tables(), mirror_.mirror().reader().value(), 0, &counters_, &sink_, options(),
      &mirror_.clock()};
  std::vector<std::uint8_t> out_ = std::vector<std::uint8_t>(limits::message_octets);
};

// First the measure itself: each kind of call is seen, also out of libraries.
TEST(CountedCalls, AreSeen) {
  std::mutex mutex;
  CallCounter counter;
  std::string text(100, 'x');  // operator new, out of libstdc++
  const Calls after_new = counter.calls();
  void* volatile octets = std::calloc(1, 10);
  octets = std::realloc(octets, 2000);
  std::free(octets);
  const Calls after_free = counter.calls();
  mutex.lock();
  mutex.unlock();
  const Calls after_lock = counter.calls();
  try {
    static_cast<void>(text.at(1000));  // thrown by libstdc++
  } catch (const std::out_of_range&) {
  }
  counter.stop();
  EXPECT_EQ(after_new, (Calls{1, 0, 0, 0}));
  EXPECT_EQ(after_free.allocations, 3u);
  EXPECT_GE(after_free.frees, 1u);  // a sanitizer's realloc() frees as well
  EXPECT_EQ(after_lock.locks, 1u);
  EXPECT_EQ(counter.calls().throws, 1u);
  EXPECT_NE(counter.first_place(), "");
}

TEST_F(HotPath, SoundQueries) {
  const std::vector<Bytes> queries = sound_queries();
  for (const metrics::Proto proto : {metrics::Proto::udp, metrics::Proto::tcp, metrics::Proto::tls}) {
    Tally tally;
    exchange(std::span(queries).first(warm_up), proto, tally);
    expect_nothing_counted([&] { exchange(queries, proto, tally); });
    for (const unsigned rcode : {rcode::noerror, rcode::formerr, rcode::servfail, rcode::nxdomain,
                                 rcode::notimp, rcode::refused, rcode::yxdomain, rcode::notauth})
      EXPECT_GT(tally.rcodes[rcode], 0u) << "RCODE " << rcode;
    EXPECT_GT(tally.referrals, 0u);
    EXPECT_EQ(tally.truncated > 0, proto == metrics::Proto::udp);
    EXPECT_EQ(tally.transfers > 0, proto != metrics::Proto::udp);
  }
}

TEST_F(HotPath, BrokenQueries) {
  const std::vector<Bytes> sound = sound_queries(), broken = broken_queries();
  Tally tally;
  exchange(std::span(sound).first(warm_up), metrics::Proto::udp, tally);
  tally = {};
  expect_nothing_counted([&] { exchange(broken, metrics::Proto::udp, tally); });
  EXPECT_GT(tally.dropped, 0u);
  EXPECT_GT(tally.rcodes[rcode::formerr], 0u);
}

// A new version is taken up as quietly as the old one was read.
TEST_F(HotPath, NewVersion) {
  const std::vector<Bytes> queries = sound_queries();
  Tally tally;
  exchange(std::span(queries).first(warm_up), metrics::Proto::udp, tally);
  std::vector<ZoneText> zones = sample_zones();
  for (int round = 0; round < 5; ++round) {
    zones[0].records.push_back(rr("new" + std::to_string(round) + ".test. 60 A 192.0.2.99"));
    mirror_.serve(zones);
    const std::vector<Bytes> first = {encode({.name = zones[0].records.back().owner})};
    tally = {};
    expect_nothing_counted([&] {
      exchange(first, metrics::Proto::udp, tally);
      exchange(queries, metrics::Proto::udp, tally);
    });
    EXPECT_GT(tally.rcodes[rcode::noerror], 0u);
  }
}

// The whole of the UDP path: from the kernel's queue and back into it, on this thread.
TEST_F(HotPath, UdpListener) {
  ManualClock clock;
  server::EventLoop loop(clock);
  ASSERT_TRUE(loop.open());
  TemporaryDirectory spool;
  server::TransfersOut transfers(mirror_.mirror(), mirror_.tables(), spool.path());
  server::QuerySamples samples(3);  // fills up, since nobody takes any
  server::WorkerShared shared{loop, pipeline_, counters_, transfers, samples};
  for (const char* address : {"127.0.0.1:0", "0.0.0.0:0"}) {
    server::Socket socket = server::bind_socket(endpoint(address), server::Transport::udp, true).value();
    const net::Endpoint bound = server::local_endpoint(socket);
    server::UdpListener listener(std::move(socket), shared);
    server::EventHandler& handler = listener;
    QuietClient client({boost::asio::ip::address_v4::loopback(), bound.port});
    // Each query is waiting in the socket when the listener is told, and its response when it is read:
    // loopback.
    std::size_t asked = 0, answered = 0;
    const auto ask = [&](std::span<const Bytes> queries) {
      for (; !queries.empty(); queries = queries.subspan(std::min(queries.size(), limits::batch))) {
        for (const Bytes& query : queries.first(std::min(queries.size(), limits::batch)))
          client.send(query), ++asked;
        handler.on_ready(EPOLLIN);
        while (client.receive_into(out_)) ++answered;
      }
    };
    const std::vector<Bytes> queries = sound_queries();
    ask(std::span(queries).first(warm_up));
    expect_nothing_counted([&] { ask(queries); });
    EXPECT_EQ(answered, asked) << address;  // every sound query has an answer
  }
}

}  // namespace
}  // namespace understudy::test
