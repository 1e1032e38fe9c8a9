// RFC 1996: DNS NOTIFY, the side that sends.
#include "sync/notify_sender.h"

#include <boost/asio.hpp>

#include "support/message.h"
#include "support/tls_responder.h"

namespace understudy::test {

namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;

// A secondary that answers what it is told to.
class Secondary {
 public:
  explicit Secondary(asio::io_context& context, const char* address = "127.0.0.1")
      : socket_(context, {asio::ip::make_address(address), 0}) {
    receive();
  }
  net::Endpoint endpoint() const {
    return {socket_.local_endpoint().address(), socket_.local_endpoint().port()};
  }
  std::vector<Message> messages() const {
    std::vector<Message> all;
    for (const Bytes& octets : received) all.push_back(decode(octets));
    return all;
  }

  std::vector<Bytes> received;
  std::vector<asio::ip::udp::endpoint> senders;
  // The answers to a message; most often one.
  std::function<std::vector<Bytes>(const Bytes&)> answer = [](const Bytes& m) {
    return std::vector<Bytes>{answer_to(m)};
  };
  static Bytes answer_to(const Bytes& message, unsigned rcode = 0) {
    Bytes answer(message.begin(), message.begin() + 12 + 13);  // header, "example" and the root, type, class
    answer[2] |= 0x80;
    answer[3] = static_cast<std::uint8_t>((answer[3] & 0xF0) | rcode);
    answer[7] = 0;  // no answer section
    return answer;
  }

 private:
  void receive() {
    buffer_.resize(4096);
    socket_.async_receive_from(
        asio::buffer(buffer_), sender_, [this](boost::system::error_code error, std::size_t size) {
          if (error) return;
          received.emplace_back(buffer_.begin(), buffer_.begin() + static_cast<std::ptrdiff_t>(size));
          senders.push_back(sender_);
          for (const Bytes& octets : answer(received.back())) socket_.send_to(asio::buffer(octets), sender_);
          receive();
        });
  }

  asio::ip::udp::socket socket_;
  asio::ip::udp::endpoint sender_;
  Bytes buffer_;
};

class Rfc1996Out : public ::testing::Test {
 protected:
  void notify(std::uint32_t serial, const Secondary& secondary, const char* source = nullptr) {
    const Rr soa = rr("example. 300 SOA ns.example. host.example. " + std::to_string(serial) + " 1 2 3 4");
    std::optional<asio::ip::address> from;
    if (source != nullptr) from = asio::ip::make_address(source);
    sender_.notify({apex_, dns::RRType::SOA, soa.ttl, soa.rdata}, {secondary.endpoint()}, from);
  }
  // The work that is posted, until `done`; a test that waits for too long fails.
  template <class Done>
  void run_until(Done done) {
    const auto end = std::chrono::steady_clock::now() + 60s;
    while (!done()) {
      ASSERT_LT(std::chrono::steady_clock::now(), end);
      context_.restart();
      context_.run_one_for(100ms);
    }
  }
  std::uint64_t count(std::string_view result) const { return count(sender_, result); }
  static std::uint64_t count(const sync::NotifySender& sender, std::string_view result) {
    const auto found = sender.counts().find(result);
    return found == sender.counts().end() ? 0 : found->second;
  }

  asio::io_context context_;
  SystemClock clock_;
  const dns::Name apex_ = dns::Name::from_text("example.").value();
  sync::NotifySender sender_{context_.get_executor(), clock_, {.copies = 3, .first_wait = 50ms}};
  // Where a copy would be no answer's fault: connections and handshakes take as long as they take.
  sync::NotifySender patient_{context_.get_executor(), clock_, {.copies = 1, .first_wait = 60s}};
};

// 3.7: "A NOTIFY request has QDCOUNT>0, ANCOUNT>=0, AUCOUNT>=0, ADCOUNT>=0.  If ANCOUNT>0, then the answer
// section represents an unsecure hint at the new RRset for this <QNAME,QCLASS,QTYPE>."
TEST_F(Rfc1996Out, Section3_7TheMessage) {
  Secondary secondary(context_);
  notify(7, secondary);
  run_until([&] { return count("ok") == 1; });
  const Message message = secondary.messages().at(0);
  EXPECT_EQ(message.flags, 4 << 11 | 0x0400);  // NOTIFY, AA, and nothing else
  ASSERT_EQ(message.questions.size(), 1u);
  EXPECT_EQ(message.questions[0].name, name("example"));
  EXPECT_EQ(message.questions[0].type, type::SOA);
  EXPECT_EQ(shown(message.answer), shown("example. 300 SOA ns.example. host.example. 7 1 2 3 4"));
  EXPECT_TRUE(message.authority.empty() && message.additional.empty());
}

// 3.6: "a master periodically sends a NOTIFY request to a slave until either too many copies have been sent
// (a "timeout"), an ICMP message indicating that the port is unreachable, or until a NOTIFY response is
// received from the slave with a matching query ID, QNAME, IP source address, and UDP source port number."
TEST_F(Rfc1996Out, Section3_6UntilAMatchingResponse) {
  Secondary secondary(context_);
  const auto with = [](Bytes octets, std::size_t at, unsigned change) {
    octets[at] = static_cast<std::uint8_t>(octets[at] ^ change);
    return octets;
  };
  // Another ID, another name, another opcode, a query: none of them is the response.
  secondary.answer = [&](const Bytes& m) {
    const Bytes good = Secondary::answer_to(m);
    if (secondary.received.size() == 2) return std::vector<Bytes>{good};
    return std::vector<Bytes>{with(good, 1, 1), with(good, 13, 1), with(good, 2, 0x20), with(good, 2, 0x80)};
  };
  notify(1, secondary);
  run_until([&] { return count("ok") == 1; });
  EXPECT_EQ(secondary.received.size(), 2u);
}

// 3.6: "Reasonable defaults are a 60 second interval (or timeout if using TCP), and a maximum of 5
// retransmissions (for UDP).  It is considered reasonable to use additive or exponential backoff for the
// retry interval."
TEST_F(Rfc1996Out, Section3_6TooManyCopiesEndIt) {
  EXPECT_EQ(sync::NotifyPatience{}.copies, 1u + 5u);
  Secondary secondary(context_);
  secondary.answer = [](const Bytes&) { return std::vector<Bytes>(); };
  notify(1, secondary);
  run_until([&] { return count("timeout") == 1; });
  run_until([&] { return secondary.received.size() == 3; });
  for (const Message& message : secondary.messages()) EXPECT_EQ(message.answer.size(), 1u);
  EXPECT_EQ(sender_.status(apex_).at(0).result, "timeout");
  EXPECT_FALSE(sender_.status(apex_).at(0).pending);
}

// 3.6: a response ends it, also one that says no.
TEST_F(Rfc1996Out, Section3_6ARefusalIsAResponse) {
  Secondary secondary(context_);
  secondary.answer = [](const Bytes& m) {
    return std::vector<Bytes>{Secondary::answer_to(m, rcode::refused)};
  };
  notify(1, secondary);
  run_until([&] { return count("refused") == 1; });
  EXPECT_EQ(secondary.received.size(), 1u);
  EXPECT_EQ(sender_.status(apex_).at(0).result, "refused");
}

// What is newer takes the place of what was not sent or not heard yet: it says all that the older one would.
TEST_F(Rfc1996Out, ANewerVersionTakesThePlaceOfAnOlderOne) {
  Secondary secondary(context_);
  bool silent = true;
  secondary.answer = [&](const Bytes& m) {
    return silent ? std::vector<Bytes>() : std::vector<Bytes>{Secondary::answer_to(m)};
  };
  notify(1, secondary);
  run_until([&] { return !secondary.received.empty(); });
  notify(2, secondary);
  notify(3, secondary);
  silent = false;
  run_until([&] { return count("ok") == 1; });
  const std::vector<Message> messages = secondary.messages();
  EXPECT_EQ(shown(messages.back().answer), shown("example. 300 SOA ns.example. host.example. 3 1 2 3 4"));
  for (const Message& message : messages)
    EXPECT_NE(shown(message.answer), shown("example. 300 SOA ns.example. host.example. 2 1 2 3 4"));
  EXPECT_EQ(sender_.status(apex_).at(0).serial, 3u);
}

// An answer to an older one says nothing of a newer one that came meanwhile.
TEST_F(Rfc1996Out, AnAnswerToAnOlderVersionIsNoneToANewerOne) {
  Secondary secondary(context_);
  secondary.answer = [&](const Bytes& m) {
    if (secondary.received.size() == 1) notify(2, secondary);
    return std::vector<Bytes>{Secondary::answer_to(m)};
  };
  notify(1, secondary);
  run_until([&] { return count("ok") == 1 && secondary.received.size() == 2; });
  EXPECT_EQ(shown(secondary.messages().back().answer),
            shown("example. 300 SOA ns.example. host.example. 2 1 2 3 4"));
}

// 3.6 leaves the choice ("or timeout if using TCP"); it is the operator's. Here nobody listens for datagrams.
TEST_F(Rfc1996Out, OverTcpWhereThatIsAskedFor) {
  asio::ip::tcp::acceptor acceptor(context_, {asio::ip::address_v4::loopback(), 0});
  asio::ip::tcp::socket connection(context_);
  Bytes octets(512);
  acceptor.async_accept(connection, [&](boost::system::error_code) {
    connection.async_read_some(asio::buffer(octets), [&](boost::system::error_code, std::size_t size) {
      const Bytes message(octets.begin() + 2, octets.begin() + static_cast<std::ptrdiff_t>(size));
      asio::write(connection, asio::buffer(framed(Secondary::answer_to(message))));
    });
  });
  const Rr soa = rr("example. 300 SOA ns.example. host.example. 1 1 2 3 4");
  const net::Endpoint there{asio::ip::address_v4::loopback(), acceptor.local_endpoint().port()};
  patient_.notify({apex_, dns::RRType::SOA, soa.ttl, soa.rdata}, {{there, {}, true}}, std::nullopt);
  run_until([&] { return count(patient_, "ok") == 1; });
}

// Over TLS, and to nobody who does not prove to be the one that is meant. "dot" is not asked for: RFC
// 9103 7.1 speaks of transfers.
TEST_F(Rfc1996Out, OverTlsToWhoProvesItsName) {
  const TestCertificate certificate;
  TlsResponder secondary(certificate.files(), {.speaks_dot = false},
                         [](const Bytes& m) { return std::vector<Bytes>{Secondary::answer_to(m)}; });
  const auto client = net::TlsClient::make({certificate.files().certificate, {}, {}}).value();
  const Rr soa = rr("example. 300 SOA ns.example. host.example. 1 1 2 3 4");
  for (const auto& [name, result] : {std::pair{"first", "ok"}, {"second", "tls-untrusted"}}) {
    net::Trust trust;
    trust.tls = net::TlsTrust{client, {name, {}, false}};
    patient_.notify({apex_, dns::RRType::SOA, soa.ttl, soa.rdata}, {{secondary.address(), trust}},
                    std::nullopt);
    run_until([&, result = result] { return count(patient_, result) == 1; });
  }
  EXPECT_EQ(secondary.queries, 1);
}

TEST_F(Rfc1996Out, OverIpv6AndFromTheTransferSource) {
  Secondary six(context_, "::1"), four(context_);
  notify(1, six, "127.0.0.3");  // of the other family: the kernel chooses
  notify(1, four, "127.0.0.3");
  run_until([&] { return count("ok") == 2; });
  EXPECT_EQ(six.senders.at(0).address().to_string(), "::1");
  EXPECT_EQ(four.senders.at(0).address().to_string(), "127.0.0.3");
}

}  // namespace

}  // namespace understudy::test
