#include "net/dns_client.h"

#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include "net/network_error.h"
#include "unit/net/responder.h"

namespace understudy::net {
namespace {

namespace asio = boost::asio;
using asio::ip::make_address;

Message response_to(Message query, std::uint16_t more_flags = 0) {
  dns::Header header = dns::load_header(query.data());
  header.flags = static_cast<std::uint16_t>(header.flags | dns::flag::qr | more_flags);
  dns::store_header(query.data(), header);
  return query;
}

const auto silent = [](Message) { return std::vector<Message>(); };

Result<ServerResponse> run_ask(const Endpoint& server, AskOptions options) {
  asio::io_context context;
  Result<ServerResponse> result = Error{"unset", ""};
  const Message query = make_query(*dns::Name::from_text("example."), dns::RRType::SOA);
  asio::co_spawn(context, ask(server, query, options), [&](std::exception_ptr e, Result<ServerResponse> r) {
    EXPECT_FALSE(e);
    result = std::move(r);
  });
  context.run();
  return result;
}

AskOptions patient() {
  AskOptions options;
  options.timeout = std::chrono::seconds(30);  // never reached: a test that needs it hangs visibly
  return options;
}

AskOptions hasty() {
  AskOptions options;
  options.timeout = std::chrono::milliseconds(50);
  return options;
}

TEST(DnsClient, TakesTheResponseOverUdp) {
  Responder server([](Message q) { return std::vector<Message>{response_to(q, dns::flag::aa)}; }, silent);
  const auto response = run_ask(server.endpoint(), patient());
  ASSERT_TRUE(response) << response.error().message;
  EXPECT_EQ(response->transport, Transport::udp);
  EXPECT_NE(dns::load_header(response->octets.data()).flags & dns::flag::aa, 0);
  EXPECT_EQ(server.tcp_queries, 0);
}

// Each of these must be passed over until the real response comes.
TEST(DnsClient, PassesOverWhatIsNotTheResponse) {
  Responder server(
      [](Message q) {
        Message wrong_id = response_to(q), not_a_response = q, other_name = response_to(q),
                other_type = response_to(q), other_opcode = response_to(q, 4 << 11),
                no_question = response_to(q);
        wrong_id[0] = static_cast<std::uint8_t>(wrong_id[0] ^ 1);
        other_name[13] = 'f';
        other_type[22] = 1;
        dns::store16(no_question.data() + 4, 0);
        return std::vector<Message>{wrong_id,      not_a_response,    other_name,
                                    other_type,    other_opcode,      no_question,
                                    Message{1, 2}, Message(12, 0xff), response_to(q, dns::flag::ad)};
      },
      silent);
  const auto response = run_ask(server.endpoint(), patient());
  ASSERT_TRUE(response) << response.error().message;
  EXPECT_NE(dns::load_header(response->octets.data()).flags & dns::flag::ad, 0);
}

TEST(DnsClient, TakesAnErrorWithoutAQuestion) {
  Responder server(
      [](Message q) {
        Message m = response_to(q, 1);  // FORMERR, the bare header
        m.resize(12);
        dns::store16(m.data() + 4, 0);
        dns::store16(m.data() + 10, 0);
        return std::vector<Message>{m};
      },
      silent);
  const auto response = run_ask(server.endpoint(), patient());
  ASSERT_TRUE(response) << response.error().message;
  EXPECT_EQ(response->octets.size(), 12u);
}

TEST(DnsClient, AsksAgainOverTcpWhenTruncated) {
  Responder server([](Message q) { return std::vector<Message>{response_to(q, dns::flag::tc)}; },
                   [](Message q) { return std::vector<Message>{response_to(q, dns::flag::aa)}; });
  const auto response = run_ask(server.endpoint(), patient());
  ASSERT_TRUE(response) << response.error().message;
  EXPECT_EQ(response->transport, Transport::tcp);
  AskOptions as_it_came = patient();
  as_it_came.tcp_on_truncation = false;
  const auto truncated = run_ask(server.endpoint(), as_it_came);
  ASSERT_TRUE(truncated);
  EXPECT_EQ(truncated->transport, Transport::udp);
  EXPECT_EQ(server.tcp_queries, 1);
}

TEST(DnsClient, SilenceIsATimeOut) {
  Responder server(silent, [](Message q) { return std::vector<Message>{response_to(q)}; });
  AskOptions options = hasty();
  options.udp_tries = 3;
  const auto response = run_ask(server.endpoint(), options);
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().reason, reason::timeout);
  EXPECT_NE(response.error().message.find(to_string(server.endpoint())), std::string::npos);
  EXPECT_EQ(server.udp_queries, 3);
  options.tcp_on_timeout = true;
  const auto over_tcp = run_ask(server.endpoint(), options);
  ASSERT_TRUE(over_tcp) << over_tcp.error().message;
  EXPECT_EQ(over_tcp->transport, Transport::tcp);
}

TEST(DnsClient, TellsAClosedPortAndAClosedConnection) {
  asio::io_context context;
  asio::ip::tcp::acceptor unused(context, {asio::ip::address_v4::loopback(), 0});
  const Endpoint nobody{asio::ip::address_v4::loopback(), unused.local_endpoint().port()};
  unused.close();
  AskOptions options = patient();
  EXPECT_EQ(run_ask(nobody, options).error().reason, reason::connection_refused);
  options.tcp_only = true;
  EXPECT_EQ(run_ask(nobody, options).error().reason, reason::connection_refused);
  Responder closes(silent, silent);
  EXPECT_EQ(run_ask(closes.endpoint(), options).error().reason, reason::truncated);
  Responder other(silent, [](Message q) {
    q[1] = static_cast<std::uint8_t>(q[1] ^ 0x55);
    return std::vector<Message>{response_to(q)};
  });
  EXPECT_EQ(run_ask(other.endpoint(), options).error().reason, reason::malformed);
}

TEST(DnsClient, AsksFromTheAddressItWasGiven) {
  Responder server([](Message q) { return std::vector<Message>{response_to(q)}; }, silent);
  AskOptions options = patient();
  options.source = make_address("127.0.0.9");
  EXPECT_TRUE(run_ask(server.endpoint(), options));
  options.source = make_address("192.0.2.1");  // none of ours
  EXPECT_EQ(run_ask(server.endpoint(), options).error().reason, reason::network);
  options.source = make_address("2001:db8::1");  // the other family: not used
  EXPECT_TRUE(run_ask(server.endpoint(), options));
}

TEST(DnsClient, MakesQueriesThatTheParserTakes) {
  const dns::Name name = *dns::Name::from_text("a.Example.");
  dns::Query query;
  ASSERT_EQ(dns::parse_query(make_query(name, dns::RRType::A, {.dnssec_ok = true}), query),
            dns::QueryFault::none);
  EXPECT_EQ(query.question.name, name);
  EXPECT_EQ(query.question.type, dns::RRType::A);
  ASSERT_TRUE(query.edns);
  EXPECT_TRUE(query.edns->dnssec_ok);
  EXPECT_EQ(query.edns->udp_size, 1232);
  ASSERT_EQ(dns::parse_query(make_query(name, dns::RRType::A, {.edns = false}), query),
            dns::QueryFault::none);
  EXPECT_FALSE(query.edns);
}

}  // namespace
}  // namespace understudy::net
