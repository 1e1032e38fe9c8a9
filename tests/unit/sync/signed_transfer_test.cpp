// Transfers and SOA questions with a key: what a primary that signs, does not sign, or signs wrongly is
// believed.
#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include "dns/presentation.h"
#include "support/plain_tsig.h"
#include "sync/reasons.h"
#include "sync/soa_probe.h"
#include "sync/transfer_client.h"
#include "sync/zone_settings.h"
#include "unit/net/responder.h"

namespace understudy::sync {
namespace {

namespace asio = boost::asio;
using net::Message;

dns::Name name(std::string_view text) { return *dns::Name::from_text(text); }
const dns::Name apex = name("example.");

dns::TsigKeyPtr key_of(std::uint8_t octet, dns::TsigAlgorithm algorithm = dns::TsigAlgorithm::hmac_sha256) {
  return *dns::TsigKey::make(name("xfr.example."), algorithm, std::vector<std::uint8_t>(32, octet));
}

void add_record(Message& message, const dns::Name& owner, dns::RRType type, std::string_view rdata) {
  const auto octets = *dns::parse_rdata_text(type, rdata, name("."));
  const std::size_t at = message.size() + owner.size();
  message.insert(message.end(), owner.data(), owner.data() + owner.size());
  message.resize(at + 10);
  dns::store16(&message[at], static_cast<std::uint16_t>(type));
  dns::store16(&message[at + 2], 1);
  dns::store32(&message[at + 4], 300);
  dns::store16(&message[at + 8], static_cast<std::uint16_t>(octets.size()));
  message.insert(message.end(), octets.begin(), octets.end());
  ++message[7];
}

class OtherClock final : public Clock {
 public:
  SteadyTime steady() const override { return {}; }
  UnixTime wall() const override { return SystemClock().wall() + off; }
  UnixTime off = 0;
};

// A primary that signs; each test says how it misbehaves. What it signs with is not the product's.
struct Primary {
  std::uint8_t secret = 1;
  dns::TsigAlgorithm algorithm = dns::TsigAlgorithm::hmac_sha256;
  OtherClock clock;
  bool knows_key = true;
  std::function<bool(std::size_t, std::size_t)> signs = [](std::size_t, std::size_t) { return true; };
  std::function<void(std::size_t, Message&)> change = [](std::size_t, Message&) {};
  std::size_t messages = 4;
  std::atomic<bool> asked_unsigned{false};

  // The query's header and question, as a response.
  static Message head(const Message& query, std::size_t question_end, unsigned rcode) {
    Message out(query.begin(), query.begin() + static_cast<std::ptrdiff_t>(question_end));
    dns::Header header = dns::load_header(out.data());
    header.flags = static_cast<std::uint16_t>(dns::flag::qr | dns::flag::aa | rcode);
    header.additionals = 0;
    dns::store_header(out.data(), header);
    return out;
  }
  std::vector<Message> answer(const Message& query) {
    dns::Query parsed;
    EXPECT_EQ(dns::parse_query(query, parsed), dns::QueryFault::none);
    if (parsed.tsig_at == 0) {
      asked_unsigned = true;
      return {};
    }
    dns::TsigKeyRing ring;
    if (knows_key) ring.add(key_of(secret, algorithm));
    dns::TsigSigner signer(clock);
    const bool good = signer.check(query, parsed.tsig_at, &ring) == dns::TsigSigner::Verdict::good;
    std::vector<Message> out;
    if (!good) {
      out.push_back(head(query, parsed.question_end, 9));
    } else if (parsed.question.type == dns::RRType::SOA) {
      out.push_back(head(query, parsed.question_end, 0));
      add_record(out[0], apex, dns::RRType::SOA, "ns. host. 7 3600 600 86400 300");
    } else {
      for (std::size_t i = 0; i < messages; ++i) {
        out.push_back(head(query, parsed.question_end, 0));
        if (i == 0) add_record(out[0], apex, dns::RRType::SOA, "ns. host. 7 3600 600 86400 300");
        add_record(out[i], name("h" + std::to_string(i) + ".example."), dns::RRType::A, "192.0.2.1");
      }
      add_record(out.back(), apex, dns::RRType::SOA, "ns. host. 7 3600 600 86400 300");
    }
    good ? sign_all(query, out) : tell(signer, out[0]);
    for (std::size_t i = 0; i < out.size(); ++i) change(i, out[i]);
    return out;
  }
  static void tell(dns::TsigSigner& signer, Message& refusal) {
    const std::size_t size = refusal.size();
    refusal.resize(size + signer.octets());
    refusal.resize(signer.sign(refusal, size));
  }
  void sign_all(const Message& query, std::vector<Message>& out) {
    const test::Secret ours{test::name("xfr.example."), std::vector<std::uint8_t>(32, secret)};
    test::Chain chain{test::mac_of(query)};
    for (std::size_t i = 0; i < out.size(); ++i) {
      if (signs(i, out.size())) {
        out[i] = test::with_tsig(out[i], ours, {static_cast<std::uint64_t>(clock.wall())}, chain);
        chain = {test::mac_of(out[i]), true};
      } else {
        chain.between.insert(chain.between.end(), out[i].begin(), out[i].end());
      }
    }
  }
};

class Counted final : public RecordTarget {
 public:
  Result<> record(const dns::RecordView&) override {
    ++count;
    return {};
  }
  std::size_t count = 0;
};

class SignedTransfer : public ::testing::Test {
 protected:
  Result<TransferCounts> transfer() {
    net::Responder responder([](Message) { return std::vector<Message>(); },
                             [this](const Message& query) { return primary_.answer(query); });
    asio::io_context context;
    Pool pool(1);
    Result<TransferCounts> result = Error{"unset", ""};
    TransferOrder order{responder.endpoint(), std::nullopt, {apex}, {}, {key_of(1)}};
    asio::co_spawn(context, receive_zone(order, std::make_shared<Counted>(), pool),
                   [&](std::exception_ptr fault, Result<TransferCounts> came) {
                     EXPECT_FALSE(fault);
                     result = std::move(came);
                   });
    context.run();
    EXPECT_FALSE(primary_.asked_unsigned);
    return result;
  }
  std::string reason() {
    const auto result = transfer();
    return result ? "" : std::string(result.error().reason);
  }
  Primary primary_;
};

TEST_F(SignedTransfer, IsTakenWhereEveryMessageIsSigned) {
  const auto taken = transfer();
  ASSERT_TRUE(taken) << taken.error().message;
  EXPECT_EQ(taken->messages, 4u);
  EXPECT_EQ(taken->records, 5u);
}

TEST_F(SignedTransfer, IsTakenWhereTheFirstAndTheLastAreSigned) {
  primary_.messages = 101;
  primary_.signs = [](std::size_t i, std::size_t all) { return i == 0 || i + 1 == all; };
  EXPECT_EQ(reason(), "");
}

TEST_F(SignedTransfer, IsRefusedWhereTheFirstOrTheLastIsNot) {
  primary_.signs = [](std::size_t i, std::size_t) { return i != 0; };
  EXPECT_EQ(reason(), reason::tsig_missing);
  primary_.signs = [](std::size_t i, std::size_t all) { return i + 1 != all; };
  EXPECT_EQ(reason(), reason::tsig_missing);
  primary_.messages = 1;
  primary_.signs = [](std::size_t, std::size_t) { return false; };
  EXPECT_EQ(reason(), reason::tsig_missing);
}

TEST_F(SignedTransfer, IsRefusedWhereTooManyInARowAreNot) {
  primary_.messages = 102;
  primary_.signs = [](std::size_t i, std::size_t all) { return i == 0 || i + 1 == all; };
  EXPECT_EQ(reason(), reason::tsig_missing);
}

// An address of one record, on its way, in each message: also in those that are vouched for by a later one.
TEST_F(SignedTransfer, IsRefusedWhereAnOctetWasChanged) {
  for (const bool sparse : {false, true}) {
    for (std::size_t changed = 0; changed < 4; ++changed) {
      if (sparse) primary_.signs = [](std::size_t i, std::size_t) { return i == 0 || i == 3; };
      primary_.change = [changed](std::size_t i, Message& message) {
        if (i != changed) return;
        const std::array<std::uint8_t, 4> address{192, 0, 2, 1};
        *std::search(message.begin(), message.end(), address.begin(), address.end()) = 193;
      };
      EXPECT_EQ(reason(), reason::tsig_badsig) << changed;
    }
  }
}

TEST_F(SignedTransfer, TellsWhatThePrimaryHasAgainstOurKey) {
  primary_.knows_key = false;
  const auto unknown = transfer();
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error().reason, reason::tsig_badkey);
  EXPECT_NE(unknown.error().message.find("does not know the key xfr.example."), std::string::npos)
      << unknown.error().message;
  primary_.knows_key = true;
  primary_.secret = 2;
  EXPECT_EQ(reason(), reason::tsig_badsig);
  primary_.secret = 1;
  primary_.algorithm = dns::TsigAlgorithm::hmac_sha512;
  EXPECT_EQ(reason(), reason::tsig_badkey);
  primary_.algorithm = dns::TsigAlgorithm::hmac_sha256;
  primary_.clock.off = 3600;
  EXPECT_EQ(reason(), reason::tsig_badtime);
}

class SignedProbe : public ::testing::Test {
 protected:
  Result<ProbeAnswer> probe() {
    net::Responder responder(
        [this](const Message& query) {
          std::vector<Message> out = forged_;
          for (Message& message : out) std::copy_n(query.begin(), 2, message.begin());
          for (Message& message : primary_.answer(query)) out.push_back(message);
          return out;
        },
        [](Message) { return std::vector<Message>(); });
    asio::io_context context;
    Result<ProbeAnswer> result = Error{"unset", ""};
    asio::co_spawn(context, probe_soa(responder.endpoint(), apex, std::nullopt, {key_of(1)}),
                   [&](std::exception_ptr fault, Result<ProbeAnswer> came) {
                     EXPECT_FALSE(fault);
                     result = std::move(came);
                   });
    context.run();
    EXPECT_FALSE(primary_.asked_unsigned);
    return result;
  }
  Primary primary_;
  std::vector<Message> forged_;
};

TEST_F(SignedProbe, IsBelievedWhereItIsSigned) {
  const auto answer = probe();
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(answer->serial, 7u);
}

TEST_F(SignedProbe, IsNotBelievedOtherwise) {
  primary_.signs = [](std::size_t, std::size_t) { return false; };
  EXPECT_EQ(probe().error().reason, reason::tsig_missing);
}

// RFC 8945 5.4: who forges a datagram does not keep us from the true one.
TEST_F(SignedProbe, AForgedAnswerIsPassedOver) {
  Message forged = net::make_query(apex, dns::RRType::SOA, {.edns = false});
  forged = Primary::head(forged, forged.size(), 0);
  add_record(forged, apex, dns::RRType::SOA, "ns. host. 6 3600 600 86400 300");
  forged_ = {forged};
  const auto answer = probe();
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(answer->serial, 7u);
}

TEST(SourceText, NamesAKey) {
  const auto source = parse_source("axfr://192.0.2.1?key=Xfr.example");
  ASSERT_TRUE(source) << source.error().message;
  const auto& axfr = std::get<AxfrSource>(*source);
  EXPECT_EQ(net::to_string(axfr.primary), "192.0.2.1:53");
  EXPECT_EQ(axfr.key, name("xfr.example."));
  EXPECT_EQ(to_string(*source), "axfr://192.0.2.1:53?key=xfr.example.");
  EXPECT_EQ(std::get<AxfrSource>(*parse_source("axfr://[2001:db8::1]:5300?key=a.")).primary.port, 5300);
  for (const std::string_view bad : {"axfr://192.0.2.1?", "axfr://192.0.2.1?key=", "axfr://192.0.2.1?kee=a.",
                                     "axfr://192.0.2.1?key=a.&key=b.", "axfr://192.0.2.1?key=a.&",
                                     "axfr://?key=a.", "axfr://192.0.2.1?key=a..b"}) {
    EXPECT_FALSE(parse_source(bad)) << bad;
  }
}

TEST(SourceText, MaySayThatThereIsNoIxfr) {
  for (const std::string_view text : {"axfr://192.0.2.1:53?ixfr=no", "axfr://192.0.2.1:53?key=a.&ixfr=no",
                                      "xot://192.0.2.1:853?name=a&ixfr=no"}) {
    const auto source = parse_source(text);
    ASSERT_TRUE(source) << source.error().message;
    EXPECT_FALSE(std::get<AxfrSource>(*source).ixfr);
    EXPECT_EQ(to_string(*source), text);
  }
  EXPECT_TRUE(std::get<AxfrSource>(*parse_source("axfr://192.0.2.1")).ixfr);
  EXPECT_EQ(transport_of(*parse_source("axfr://192.0.2.1")), "tcp");
  EXPECT_EQ(transport_of(*parse_source("xot://192.0.2.1?name=a")), "tls");
  EXPECT_EQ(transport_of(*parse_source("file:zone")), "file");
  for (const std::string_view bad :
       {"axfr://192.0.2.1?ixfr=", "axfr://192.0.2.1?ixfr=maybe", "axfr://192.0.2.1?ixfr=no&ixfr=no"}) {
    EXPECT_FALSE(parse_source(bad)) << bad;
  }
}

TEST(SourceText, OverTlsNamesWhoMustAnswer) {
  const std::string pin = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAE=";
  const auto source = parse_source("xot://192.0.2.1?name=ns.example.&pin=" + pin + "&key=xfr.example");
  ASSERT_TRUE(source) << source.error().message;
  const auto& xot = std::get<AxfrSource>(*source);
  EXPECT_EQ(net::to_string(xot.primary), "192.0.2.1:853");
  ASSERT_TRUE(xot.tls);
  EXPECT_EQ(xot.tls->name, "ns.example");
  EXPECT_EQ(xot.tls->pin->at(31), 1);
  EXPECT_EQ(xot.key, name("xfr.example."));
  EXPECT_EQ(to_string(*source), "xot://192.0.2.1:853?name=ns.example&pin=" + pin + "&key=xfr.example.");
  EXPECT_EQ(to_string(*parse_source("xot://[2001:db8::1]:8853?pin=" + pin)),
            "xot://[2001:db8::1]:8853?pin=" + pin);
  EXPECT_TRUE(xot.tls->needs_dot);
  const auto old = parse_source("xot://192.0.2.1?name=NS.example&alpn=optional");
  ASSERT_TRUE(old);
  EXPECT_FALSE(std::get<AxfrSource>(*old).tls->needs_dot);
  EXPECT_EQ(to_string(*old), "xot://192.0.2.1:853?name=ns.example&alpn=optional");
  for (const std::string_view bad :
       {"xot://192.0.2.1?alpn=optional", "xot://192.0.2.1?name=a&alpn=no", "axfr://192.0.2.1?alpn=optional",
        "xot://192.0.2.1?name=a&alpn=optional&alpn=optional", "xot://192.0.2.1", "xot://192.0.2.1?key=a.",
        "xot://192.0.2.1?name=", "xot://192.0.2.1?name=a..b", "xot://192.0.2.1?name=a&name=b",
        "xot://192.0.2.1?pin=AAAA", "xot://?name=a", "axfr://192.0.2.1?name=a"}) {
    EXPECT_FALSE(parse_source(bad)) << bad;
  }
  // The answers to compare are those in the clear.
  ZoneSettings zone;
  zone.sources = {*source};
  EXPECT_EQ(net::to_string(compared_addresses(zone).at(0)), "192.0.2.1:53");
}

TEST(SourceText, AKeyThatIsNowhereIsAnError) {
  dns::TsigKeyRing keys;
  ASSERT_TRUE(keys.add(key_of(1)));
  ZoneSettings zone;
  zone.sources = {*parse_source("axfr://192.0.2.1?key=xfr.example.")};
  zone.allow_notify = {*net::AccessRule::parse("key:xfr.example.")};
  EXPECT_FALSE(unknown_key(zone, keys));
  zone.allow_transfer = {*net::AccessRule::parse("key:none.example.")};
  const auto unknown = unknown_key(zone, keys);
  ASSERT_TRUE(unknown);
  EXPECT_EQ(unknown->reason, reason::key_unknown);
  EXPECT_NE(unknown->message.find("none.example."), std::string::npos);
  zone.allow_transfer.clear();
  zone.sources.push_back(*parse_source("axfr://192.0.2.1?key=none.example."));
  EXPECT_TRUE(unknown_key(zone, keys));
}

}  // namespace
}  // namespace understudy::sync
