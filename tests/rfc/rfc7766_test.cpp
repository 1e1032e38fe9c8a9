// RFC 7766: DNS Transport over TCP - Implementation Requirements.
#include "support/test_server.h"

namespace understudy::test {

namespace {

class Rfc7766 : public ::testing::Test {
 protected:
  ZoneText zone_ = zone("test.", R"(
    test. 60 SOA ns.test. h.test. 1 2 3 4 5
    test. 60 NS ns.test.
    ns.test. 60 A 192.0.2.1
    *.test. 60 TXT "wild"
  )");
  TestServer server_{{zone_}};
  TcpClient client_{server_.address()};
  const Query ns_ = query("ns.test", type::A, 7);

  static Bytes joined(const std::vector<Query>& queries) {
    Bytes all;
    for (const Query& one : queries) {
      const Bytes message = framed(encode(one));
      all.insert(all.end(), message.begin(), message.end());
    }
    return all;
  }
  void expect_answer() {
    const auto message = client_.message();
    ASSERT_TRUE(message);
    EXPECT_EQ(shown(decode(*message).answer), shown("ns.test. 60 A 192.0.2.1"));
    EXPECT_EQ(decode(*message).id, ns_.id);
  }
};

// 5: TCP may be used before or without UDP; a server does not wait for a truncated answer to be seen first.
TEST_F(Rfc7766, Section5TcpWithoutUdpBefore) {
  client_.send(framed(encode(ns_)));
  expect_answer();
}

// 6.2.1: clients SHOULD reuse a connection, and servers keep it open for more queries.
TEST_F(Rfc7766, Section6_2_1ConnectionsAreReused) {
  for (int i = 0; i < 5; ++i) {
    client_.send(framed(encode(ns_)));
    expect_answer();
  }
}

// 6.2.1.1: clients SHOULD pipeline and not wait for an outstanding reply; a server SHOULD process what it
// gets as if it had come over UDP. 7: responses may come in any order, so each carries the ID of its query.
TEST_F(Rfc7766, Section6_2_1_1Pipelining) {
  std::vector<Query> queries;
  for (std::uint16_t i = 0; i < 50; ++i)
    queries.push_back(query("q" + std::to_string(i) + ".test", type::TXT, i));
  client_.send(joined(queries));
  std::vector<bool> answered(queries.size());
  for (std::size_t i = 0; i < queries.size(); ++i) {
    const auto message = client_.message();
    ASSERT_TRUE(message);
    const Message response = decode(*message);
    ASSERT_LT(response.id, answered.size());
    EXPECT_FALSE(answered[response.id]);
    answered[response.id] = true;
    EXPECT_EQ(response.questions.at(0).name, queries[response.id].name);
    EXPECT_EQ(response.answer.size(), 1u);
  }
}

// 6.2.1.1: a query that is answered with an error does not end the connection for those after it.
TEST_F(Rfc7766, Section6_2_1_1AnErrorIsOneQuerysOnly) {
  Bytes all = framed(header(1, 0, 2, 0, 0, 0));
  const Bytes refused = framed(encode(query("elsewhere.", type::A, 2)));
  all.insert(all.end(), refused.begin(), refused.end());
  const Bytes good = framed(encode(ns_));
  all.insert(all.end(), good.begin(), good.end());
  client_.send(all);
  EXPECT_EQ(decode(client_.message().value()).rcode, rcode::formerr);
  EXPECT_EQ(decode(client_.message().value()).rcode, rcode::refused);
  expect_answer();
}

// 6.2.3 and 6.2.4: servers close idle connections; what was asked before the client's end is answered.
TEST_F(Rfc7766, Section6_2_4AnsweredBeforeTheClose) {
  client_.send(joined({ns_, ns_, ns_}));
  client_.shut_down_sending();
  for (int i = 0; i < 3; ++i) expect_answer();
  EXPECT_TRUE(client_.ended());
}

// 8: servers MUST NOT close a connection merely because the first read does not bring the whole message.
TEST_F(Rfc7766, Section8TheLengthAloneFirst) {
  const Bytes message = framed(encode(ns_));
  for (const std::size_t cut : {std::size_t{1}, std::size_t{2}, std::size_t{3}, message.size() - 1}) {
    client_.send(Bytes(message.begin(), message.begin() + static_cast<std::ptrdiff_t>(cut)));
    // Another connection's answer: whatever had come by then was read.
    TcpClient other(server_.address());
    EXPECT_EQ(other.ask(ns_).answer.size(), 1u);
    client_.send(Bytes(message.begin() + static_cast<std::ptrdiff_t>(cut), message.end()));
    expect_answer();
  }
}

// 8: messages are not bound to segments: several may be in one, the last of them in part.
TEST_F(Rfc7766, Section8ManyMessagesInASegment) {
  Bytes all = joined({ns_, ns_, ns_});
  client_.send(Bytes(all.begin(), all.end() - 5));
  expect_answer();
  expect_answer();
  client_.send(Bytes(all.end() - 5, all.end()));
  expect_answer();
}

}  // namespace

}  // namespace understudy::test
