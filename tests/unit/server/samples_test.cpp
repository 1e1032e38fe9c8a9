// A few of the queries that clients send are put aside, over whatever they come, and as many as are wanted
// now.
#include "server/query_samples.h"
#include "support/tls_client.h"

namespace understudy::test {
namespace {

class Samples : public TlsTest {
 protected:
  // The IDs of those that were put aside since the last time. A query is before it is answered.
  std::vector<unsigned> taken() {
    std::vector<unsigned> ids;
    for (server::QuerySamples* const worker : server_.server().samples())
      worker->take([&](dns::Octets octets) { ids.push_back(dns::load16(octets.data())); });
    return ids;
  }
  static Query asked(std::uint16_t id) { return query("ns.test", type::A, id); }
};

TEST_F(Samples, OverUdpTcpAndTls) {
  server_.server().sample_every(1);
  UdpClient(server_.address()).ask(asked(1));
  TcpClient(server_.address()).ask(asked(2));
  TlsClient(server_.tls_address()).ask(asked(3));
  EXPECT_EQ(taken(), (std::vector<unsigned>{1, 2, 3}));
}

TEST_F(Samples, AsManyAsAreWanted) {
  TcpClient client(server_.address());
  client.ask(asked(1));
  EXPECT_TRUE(taken().empty());
  server_.server().sample_every(2);
  for (std::uint16_t id = 2; id < 6; ++id) client.ask(asked(id));
  EXPECT_EQ(taken(), (std::vector<unsigned>{3, 5}));
  server_.server().sample_every(0);
  client.ask(asked(6));
  client.ask(asked(7));
  EXPECT_TRUE(taken().empty());
}

}  // namespace
}  // namespace understudy::test
