// Transfers that follow one another over one connection (RFC 7766 6.2.1, RFC 9103 7.3), over TLS and signed:
// each is signed for itself, none goes over what another has proved for it, and what is lost on a connection
// that lay idle is asked for once more.
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <mutex>
#include <set>

#include "support/plain_tsig.h"
#include "support/test_mirror.h"
#include "support/tls_responder.h"
#include "sync/reasons.h"
#include "sync/transfer_client.h"

namespace understudy::test {
namespace {

namespace reason = sync::reason;

Secret secret_of(std::string_view key) {
  return {name(std::string(key) + ".keys."), Bytes(32, static_cast<std::uint8_t>(key[0]))};
}

class ConnectionsOverTls : public ::testing::Test {
 protected:
  void serve(TlsResponder::Choices choices = {}) {
    server_ = std::make_unique<TlsResponder>(certificate_.files(), choices,
                                             [this](const Bytes& query) { return answer(query); });
    trust_.tls = net::TlsTrust{client(), {"first"}};
  }
  std::shared_ptr<const net::TlsClient> client() {
    return net::TlsClient::make({certificate_.files().certificate, {}, {}}).value();
  }
  // What is signed is answered with a signature, if it is right; what is not, without.
  std::vector<Bytes> answer(const Bytes& query) {
    const Message asked = decode(query);
    Bytes reply(query.begin(), query.begin() + 12 + 6 + 4);  // header and the question for "test."
    reply[2] = 0x84;
    reply[10] = reply[11] = 0;
    for (const std::string_view line : {"test. 60 SOA ns. h. 7 3600 600 86400 5", "test. 60 NS ns.",
                                        "test. 60 SOA ns. h. 7 3600 600 86400 5"}) {
      const Rr record = rr(line);
      append_name(reply, record.owner);
      append16(reply, record.type);
      append16(reply, 1);
      append32(reply, record.ttl);
      append16(reply, static_cast<std::uint16_t>(record.rdata.size()));
      reply.insert(reply.end(), record.rdata.begin(), record.rdata.end());
      ++reply[7];
    }
    if (!asked.tsig) return {reply};
    const std::lock_guard lock(mutex_);
    for (const std::string_view key : {"a", "b"}) {
      if (!is_signed(query, secret_of(key), {})) continue;
      signed_by_ += key;
      macs_.insert(mac_of(query));
      const auto now = static_cast<std::uint64_t>(SystemClock().wall());
      return {with_tsig(reply, secret_of(key), {now}, {mac_of(query)})};
    }
    signed_by_ += "?";
    return {reply};
  }
  net::Trust signing(std::string_view key) {
    net::Trust trust = trust_;
    const Secret secret = secret_of(key);
    trust.key = dns::TsigKey::make(dns::Name::from_text(std::string(key) + ".keys.").value(),
                                   dns::TsigAlgorithm::hmac_sha256, secret.octets)
                    .value();
    return trust;
  }
  std::string signed_by() {
    const std::lock_guard lock(mutex_);
    return signed_by_;
  }
  std::size_t different_macs() {
    const std::lock_guard lock(mutex_);
    return macs_.size();
  }
  // The primary reads the second question and hangs up: it is asked again on a connection of its own.
  void lose_the_second(const net::Trust& trust) {
    EXPECT_EQ(transfer(trust), "");
    EXPECT_EQ(transfer(trust), "");
    EXPECT_EQ(server_->connections, 2);
    EXPECT_EQ(server_->queries, 3) << "the second was asked twice";
  }
  // "" or why it failed.
  std::string transfer(const net::Trust& trust) {
    sync::TransferOrder order{server_->address(), std::nullopt, {apex_}, {}, trust, false, &connections_};
    std::string outcome = "unset";
    const auto make = [this] {
      return std::make_shared<sync::ZoneBuild>(backend::BuildOptions{apex_, "/nonexistent"}, row_,
                                               mirror_.mirror(), store_);
    };
    boost::asio::co_spawn(context_, sync::transfer_whole(order, make, pool_, gate_),
                          [&](std::exception_ptr fault, const Result<sync::Transferred>& came) {
                            EXPECT_FALSE(fault);
                            outcome = came ? "" : std::string(came.error().reason);
                          });
    while (outcome == "unset") {
      context_.restart();
      context_.run_one();
    }
    return outcome;
  }

  const dns::Name apex_ = dns::Name::from_text("test.").value();
  TestCertificate certificate_;
  std::unique_ptr<TlsResponder> server_;
  net::Trust trust_;
  std::mutex mutex_;
  std::string signed_by_;  // which key signed each query
  std::set<Bytes> macs_;

  TestMirror mirror_;
  sync::StoreThread store_{mirror_.mirror().writer()};
  const backend::ZoneRow row_{};
  boost::asio::io_context context_;
  sync::Pool pool_{1};
  sync::BulkGate gate_{context_.get_executor()};
  const SystemClock clock_;
  sync::PrimaryHealth health_;
  sync::Connections connections_{context_.get_executor(), clock_, health_, std::chrono::hours(1)};
};

TEST_F(ConnectionsOverTls, TransfersFollowOneAnother) {
  serve();
  for (int i = 0; i < 5; ++i) EXPECT_EQ(transfer(trust_), "");
  EXPECT_EQ(server_->connections, 1);
  EXPECT_EQ(server_->queries, 5);
}

// A signature is each question's own, and so is its answer's: of another key as well.
TEST_F(ConnectionsOverTls, EachIsSignedForItself) {
  serve();
  for (const std::string_view key : {"a", "a", "b", "a"}) EXPECT_EQ(transfer(signing(key)), "");
  EXPECT_EQ(transfer(trust_), "");
  EXPECT_EQ(transfer(signing("b")), "");
  EXPECT_EQ(server_->connections, 1);
  EXPECT_EQ(signed_by(), "aabab");
  EXPECT_EQ(different_macs(), 5u) << "no two questions are signed with the same octets";
}

// What one signature vouched for says nothing of the next answer.
TEST_F(ConnectionsOverTls, WhatIsNotSignedIsNotTakenThoughTheOneBeforeWas) {
  serve();
  EXPECT_EQ(transfer(signing("a")), "");
  net::Trust other = signing("a");
  other.key = dns::TsigKey::make(dns::Name::from_text("a.keys.").value(), dns::TsigAlgorithm::hmac_sha256,
                                 Bytes(32, 'x'))
                  .value();
  EXPECT_EQ(transfer(other), reason::tsig_missing);
  EXPECT_EQ(signed_by(), "a?");
}

// RFC 9103 9.3: who is meant must be proved; that the primary proved another name is no proof of this one.
TEST_F(ConnectionsOverTls, AnotherNameIsProvedAnew) {
  serve({.connections_at_once = 2});
  EXPECT_EQ(transfer(trust_), "");
  net::Trust other = trust_;
  other.tls->identity.name = "second";
  EXPECT_EQ(transfer(other), reason::tls_untrusted);
  EXPECT_EQ(server_->connections, 2);
  EXPECT_EQ(server_->queries, 1) << "nothing was asked of whom it did not prove to be";
  // So do certificates of ours that were replaced meanwhile.
  other = trust_;
  other.tls->client = client();
  EXPECT_EQ(transfer(other), "");
  EXPECT_EQ(server_->connections, 3);
  EXPECT_EQ(transfer(trust_), "");
  EXPECT_EQ(server_->connections, 3);
}

TEST_F(ConnectionsOverTls, WhatIsLostIsAskedForOnceMore) {
  serve({.answers = 1});
  lose_the_second(trust_);
}

TEST_F(ConnectionsOverTls, AndSignedOnceMore) {
  serve({.answers = 1});
  lose_the_second(signing("a"));
  EXPECT_EQ(signed_by(), "aa") << "the one that was lost was not looked at";
}

TEST_F(ConnectionsOverTls, AndNotMoreThanOnce) {
  serve({.answers = 1, .connections_that_answer = 1});
  EXPECT_EQ(transfer(trust_), "");
  EXPECT_EQ(transfer(trust_), reason::truncated);
  EXPECT_EQ(server_->connections, 2);
  EXPECT_EQ(server_->queries, 3);
}

}  // namespace
}  // namespace understudy::test
