// Transfers out (AXFR, RFC 5936): what goes in comes out, record for record.
#include <algorithm>

#include "support/tls_client.h"

namespace understudy::test {
namespace {

backend::ZonePolicy for_everybody() {
  backend::ZonePolicy policy;
  policy.allow_transfer = {net::Prefix::parse("0.0.0.0/0").value()};
  return policy;
}

ZoneText with_everything() {
  ZoneText text = zone("Example.com", R"(
    Example.com. 3600 SOA ns.Example.com. hostMaster.example.com. 7 2 3 4 5
    Example.com. 300 NS ns.Example.com.
    Example.com. 300 NS ns.other.example.
    Example.com. 300 MX 10 mail.EXAMPLE.com.
    Example.com. 300 TXT "text"
    ns.example.com. 300 A 192.0.2.1
    ns.example.com. 300 AAAA 2001:db8::1
    Mail.example.com. 60 A 192.0.2.2
    a.b.c.d.example.com. 60 PTR c.d.example.com.
    *.wild.example.com. 60 CNAME www.wild.example.com.
    sub.example.com. 60 NS ns.sub.example.com.
    ns.sub.example.com. 60 A 192.0.2.3
    renamed.example.com. 60 DNAME example.com.
    _sip._tcp.example.com. 60 SRV 1 2 5060 sip.example.com.
    new.example.com. 60 TYPE65280 \# 3 010203
    empty.example.com. 60 TYPE65280 \# 0
  )");
  text.policy = for_everybody();
  return text;
}

// 00 01 ...: an RRSIG is octets here; it covers type A, or nothing that exists.
Rr signature(const char* owner, std::uint16_t covers) {
  Rr record{name(owner), type::RRSIG, 60, {}};
  append16(record.rdata, covers);
  record.rdata.insert(record.rdata.end(), {13, 2});
  for (std::uint32_t number : {60u, 2000000000u, 1000000000u}) append32(record.rdata, number);
  append16(record.rdata, 4711);
  append_name(record.rdata, name("example.com"));
  record.rdata.insert(record.rdata.end(), 64, 0x5A);
  return record;
}

void add_hosts(ZoneText& text, unsigned count) {
  for (unsigned i = 0; i < count; ++i) {
    const std::string owner = "host" + std::to_string(i) + ".some.where.example.com.";
    text.records.push_back(
        rr(owner + " 300 A 10.0." + std::to_string(i / 256) + "." + std::to_string(i % 256)));
    text.records.push_back(rr(owner + " 300 MX 10 mail." + owner));
  }
}

struct Transfer {
  std::vector<Message> messages;
  std::vector<Rr> records;  // the last SOA included
};

// Reads until the second SOA of the apex; nothing where the stream ends before.
std::optional<Transfer> read_transfer(TcpClient& client) {
  Transfer transfer;
  unsigned soas = 0;
  while (soas < 2) {
    const auto octets = client.message();
    if (!octets) return std::nullopt;
    transfer.messages.push_back(decode(*octets));
    if (transfer.messages.back().rcode != rcode::noerror) return transfer;
    for (const Rr& record : transfer.messages.back().answer) {
      soas += record.type == type::SOA;
      transfer.records.push_back(record);
    }
  }
  return transfer;
}

std::optional<Transfer> transfer_of(const TestServer& server, const Query& query) {
  TcpClient client(server.address());
  client.send(framed(encode(query)));
  return read_transfer(client);
}

Query axfr() {
  Query q = query("example.com", type::AXFR, 0xBEEF);
  q.edns = false;
  return q;
}

void sort(std::vector<Rr>& records) { std::ranges::sort(records); }

// Case included, in owners and in data.
void expect_whole(const Transfer& transfer, const ZoneText& sent) {
  ASSERT_GE(transfer.records.size(), 2u);
  EXPECT_EQ(transfer.records.front(), transfer.records.back());
  EXPECT_EQ(transfer.records.front().type, type::SOA);
  std::vector<Rr> came(transfer.records.begin(), transfer.records.end() - 1), expected = sent.records;
  sort(came);
  sort(expected);
  EXPECT_EQ(came.size(), expected.size());
  const auto [a, b] = std::ranges::mismatch(came, expected);
  EXPECT_TRUE(a == came.end() && b == expected.end())
      << "came " << (a == came.end() ? "nothing" : to_string(*a)) << " instead of "
      << (b == expected.end() ? "nothing" : to_string(*b));
}

// RFC 4034 6.1, written out.
bool canonically_before(const Labels& x, const Labels& y) {
  const Labels a = lowered(x), b = lowered(y);
  return std::lexicographical_compare(
      a.rbegin(), a.rend(), b.rbegin(), b.rend(), [](const std::string& s, const std::string& t) {
        return std::lexicographical_compare(s.begin(), s.end(), t.begin(), t.end(), [](char c, char d) {
          return static_cast<unsigned char>(c) < static_cast<unsigned char>(d);
        });
      });
}

TEST(TransferOut, EveryRecordAsItCame) {
  ZoneText text = with_everything();
  text.records.push_back(signature("ns.example.com", type::A));
  text.records.push_back(signature("new.example.com", type::TXT));  // covers what does not exist
  text.records.push_back(signature("Example.com", type::SOA));
  TestServer server({text});
  const auto transfer = transfer_of(server, axfr());
  ASSERT_TRUE(transfer);
  expect_whole(*transfer, text);
}

TEST(TransferOut, ManyMessagesInCanonicalOrder) {
  ZoneText text = with_everything();
  add_hosts(text, 5000);
  Rr large{name("large.example.com"), type::TXT, 300, {}};
  for (int i = 0; i < 200; ++i) {
    large.rdata.push_back(250);
    large.rdata.insert(large.rdata.end(), 250, static_cast<std::uint8_t>(i));
  }
  text.records.push_back(large);  // over 16 KiB, so no ordinary message has room for it
  text.records.push_back(signature("ns.example.com", type::A));
  TestServer server({text});
  Query asked = axfr();
  asked.name = name("eXaMPle.com");
  asked.flags = 0x0100;
  const auto transfer = transfer_of(server, asked);
  ASSERT_TRUE(transfer);
  expect_whole(*transfer, text);
  EXPECT_GT(transfer->messages.size(), 10u);
  for (std::size_t i = 0; i < transfer->messages.size(); ++i) {
    const Message& message = transfer->messages[i];
    EXPECT_EQ(message.id, 0xBEEF);
    EXPECT_TRUE(message.qr() && message.aa() && message.rd() && !message.tc());
    EXPECT_FALSE(message.opt);
    ASSERT_EQ(message.questions.size(), i == 0 ? 1u : 0u);
  }
  EXPECT_EQ(transfer->messages[0].questions[0].name, asked.name);
  EXPECT_EQ(transfer->messages[0].questions[0].type, type::AXFR);
  for (std::size_t i = 1; i + 1 < transfer->records.size(); ++i) {
    EXPECT_FALSE(canonically_before(transfer->records[i].owner, transfer->records[i - 1].owner));
  }
  const auto signed_a = std::ranges::find(transfer->records, type::RRSIG, &Rr::type);
  ASSERT_NE(signed_a, transfer->records.end());
  EXPECT_EQ((signed_a - 1)->type, type::A);
  EXPECT_EQ((signed_a - 1)->owner, signed_a->owner);
}

// RFC 9103 6.3.4: "if an OPT record is present in a received AXFR request, compliant responders MUST include
// an OPT record in each of the subsequent AXFR responses."
TEST(TransferOut, SpeaksEdnsWhereTheClientDoes) {
  ZoneText text = with_everything();
  add_hosts(text, 2000);
  TestServer server({text});
  const auto transfer = transfer_of(server, query("example.com", type::AXFR));
  ASSERT_TRUE(transfer);
  expect_whole(*transfer, text);
  ASSERT_GT(transfer->messages.size(), 1u);
  for (const Message& message : transfer->messages) EXPECT_EQ(message.opt_count, 1u);
}

TEST(TransferOut, IxfrIsAnsweredWithTheWholeZone) {
  const ZoneText text = with_everything();
  TestServer server({text});
  // Header and question, then the SOA that the client has: serial 3.
  Bytes message = header(5, 0, 1, 0, 1, 0);
  append_name(message, name("example.com"));
  append16(message, type::IXFR);
  append16(message, 1);
  const Rr soa = rr("example.com. 300 SOA ns.example.com. hostmaster.example.com. 3 2 3 4 5");
  append_name(message, soa.owner);
  append16(message, type::SOA);
  append16(message, 1);
  append32(message, soa.ttl);
  append16(message, static_cast<std::uint16_t>(soa.rdata.size()));
  message.insert(message.end(), soa.rdata.begin(), soa.rdata.end());
  TcpClient client(server.address());
  client.send(framed(message));
  const auto transfer = read_transfer(client);
  ASSERT_TRUE(transfer);
  expect_whole(*transfer, text);
  EXPECT_EQ(transfer->messages[0].questions[0].type, type::IXFR);
}

TEST(TransferOut, IsRefusedToOthers) {
  ZoneText text = with_everything();
  text.policy.allow_transfer = {net::Prefix::parse("127.0.0.2").value()};
  TestServer server({text});
  TcpClient stranger(server.address());
  const Message refused = stranger.ask(axfr());
  EXPECT_EQ(refused.rcode, rcode::refused);
  EXPECT_TRUE(refused.answer.empty());
  TcpClient friendly(server.address(), "127.0.0.2:0");
  friendly.send(framed(encode(axfr())));
  const auto transfer = read_transfer(friendly);
  ASSERT_TRUE(transfer);
  expect_whole(*transfer, text);
}

// Queries before and behind a transfer on one connection are answered in their order.
TEST(TransferOut, BetweenOtherQueries) {
  ZoneText text = with_everything();
  add_hosts(text, 1000);
  TestServer server({text});
  TcpClient client(server.address());
  Bytes all;
  for (const Query& q :
       {query("ns.example.com", type::A, 1), axfr(), axfr(), query("ns.example.com", type::A, 2)}) {
    const Bytes one = framed(encode(q));
    all.insert(all.end(), one.begin(), one.end());
  }
  client.send(all);
  EXPECT_EQ(decode(client.message().value()).id, 1);
  for (int i = 0; i < 2; ++i) {
    const auto transfer = read_transfer(client);
    ASSERT_TRUE(transfer);
    expect_whole(*transfer, text);
  }
  EXPECT_EQ(decode(client.message().value()).id, 2);
  server.stop();
  EXPECT_EQ(server.transfers("success"), 2u);
  EXPECT_EQ(server.transfers("failed"), 0u);
  EXPECT_EQ(server.transfers("aborted"), 0u);
}

// More than the buffers on the way take, so the client holds it up in its midst.
TEST(TransferOut, AVersionStaysWholeWhileTheNextOneComes) {
  ZoneText first = with_everything();
  add_hosts(first, 2000);
  for (int i = 0; i < 300; ++i) {
    Rr record{name("l" + std::to_string(i) + ".example.com"), type::TXT, 300, {}};
    for (int k = 0; k < 240; ++k) {
      record.rdata.push_back(250);
      record.rdata.insert(record.rdata.end(), 250, static_cast<std::uint8_t>(k));
    }
    first.records.push_back(record);
  }
  TestServer server({first});
  TcpClient slow(server.address(), nullptr, 64 << 10);
  slow.send(framed(encode(axfr())));
  const auto begun = slow.message();
  ASSERT_TRUE(begun);
  ZoneText second = with_everything();
  second.records[0] = rr("Example.com. 3600 SOA ns.Example.com. hostMaster.example.com. 8 2 3 4 5");
  server.mirror().serve({second});
  const auto new_one = transfer_of(server, axfr());
  ASSERT_TRUE(new_one);
  expect_whole(*new_one, second);
  Transfer old_one;
  old_one.records = decode(*begun).answer;
  while (old_one.records.size() < 2 || old_one.records.back() != old_one.records.front()) {
    const auto octets = slow.message();
    ASSERT_TRUE(octets);
    const Message message = decode(*octets);
    old_one.records.insert(old_one.records.end(), message.answer.begin(), message.answer.end());
  }
  expect_whole(old_one, first);
}

TEST(TransferOut, ManyClientsAtOnce) {
  ZoneText text = with_everything();
  add_hosts(text, 3000);
  server::ServerOptions options;
  options.workers = 2;
  TestServer server({text}, options);
  std::vector<std::unique_ptr<TcpClient>> clients;
  for (int i = 0; i < 20; ++i) {
    clients.push_back(std::make_unique<TcpClient>(server.address()));
    clients.back()->send(framed(encode(axfr())));
  }
  UdpClient udp(server.address());
  EXPECT_EQ(udp.ask(query("ns.example.com", type::A)).answer.size(), 1u);
  for (const auto& client : clients) {
    const auto transfer = read_transfer(*client);
    ASSERT_TRUE(transfer);
    expect_whole(*transfer, text);
  }
}

// Far more than the buffers on the way take, and nothing is read before others were served.
TEST(TransferOut, OverTls) {
  ZoneText text = with_everything();
  add_hosts(text, 60'000);
  const TestCertificate certificate;
  TestServer server({text}, certificate.options());
  TlsClient slow(server.tls_address());
  slow.send(framed(encode(axfr())));
  UdpClient udp(server.address());
  for (int i = 0; i < 5; ++i) {
    TlsClient other(server.tls_address());
    EXPECT_EQ(other.ask(query("ns.example.com", type::A)).answer.size(), 1u);
    EXPECT_EQ(udp.ask(query("ns.example.com", type::A)).answer.size(), 1u);
  }
  const auto transfer = read_transfer(slow);
  ASSERT_TRUE(transfer);
  expect_whole(*transfer, text);
  EXPECT_EQ(slow.ask(query("ns.example.com", type::A)).answer.size(), 1u);
  EXPECT_EQ(server.transfers("success", "tls"), 1u);
}

// A transfer may be older than a connection's lifetime, as long as it goes on.
TEST(TransferOut, OutlivesTheLifetime) {
  ZoneText text = with_everything();
  add_hosts(text, 60'000);
  ManualClock clock;
  server::ServerOptions options;
  options.tcp_lifetime = std::chrono::seconds(60);
  options.tcp_idle = std::chrono::seconds(3600);
  options.clock = &clock;
  TestServer server({text}, options);
  TcpClient slow(server.address(), nullptr, 64 << 10);
  slow.send(framed(encode(axfr())));
  const auto first = slow.message();
  ASSERT_TRUE(first);
  // Another connection ends of its age: so the transfer's was looked at as well.
  TcpClient other(server.address());
  EXPECT_EQ(other.ask(query("ns.example.com", type::A)).answer.size(), 1u);
  clock.advance(std::chrono::seconds(61));
  EXPECT_TRUE(other.ended());
  std::size_t records = decode(*first).answer.size();
  while (records < text.records.size() + 1) {
    const auto next = slow.message();
    ASSERT_TRUE(next);
    records += decode(*next).answer.size();
  }
  // The clock stands still, so that nobody looks at ages again until it goes on.
  clock.advance(std::chrono::seconds(2));
  EXPECT_TRUE(slow.ended());
}

TEST(TransferOut, WithoutRoomForTheSpoolIsServfail) {
  server::ServerOptions options;
  options.data_directory = "/nonexistent/spool";
  TestServer server({with_everything()}, options);
  TcpClient client(server.address());
  Query asked = axfr();
  asked.edns = true;
  const Message failed = client.ask(asked);
  EXPECT_EQ(failed.rcode, rcode::servfail);
  EXPECT_EQ(failed.id, asked.id);
  EXPECT_EQ(failed.questions.size(), 1u);
  EXPECT_EQ(failed.opt_count, 1u);
  EXPECT_EQ(client.ask(query("ns.example.com", type::A)).answer.size(), 1u);
  server.stop();
  EXPECT_EQ(server.transfers("failed"), 1u);
}

TEST(TransferOut, StoppingAbortsIt) {
  ZoneText text = with_everything();
  for (int i = 0; i < 300; ++i) {
    Rr record{name("l" + std::to_string(i) + ".example.com"), type::TXT, 300, {}};
    for (int k = 0; k < 240; ++k) {
      record.rdata.push_back(250);
      record.rdata.insert(record.rdata.end(), 250, static_cast<std::uint8_t>(k));
    }
    text.records.push_back(record);
  }
  TestServer server({text});
  TcpClient slow(server.address(), nullptr, 64 << 10);
  slow.send(framed(encode(axfr())));
  ASSERT_TRUE(slow.message());
  server.stop();
  EXPECT_EQ(server.transfers("aborted"), 1u);
}

}  // namespace
}  // namespace understudy::test
