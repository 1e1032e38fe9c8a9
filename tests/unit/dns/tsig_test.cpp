// TSIG against messages that Python made (tsig_vectors.py), both ways, and against everything that must not
// pass.
#include "dns/tsig.h"

#include <gtest/gtest.h>

#include "unit/dns/tsig_vectors.h"

namespace understudy::dns {
namespace {

using Bytes = std::vector<std::uint8_t>;

Bytes from_hex(std::string_view digits) {
  Bytes out;
  for (std::size_t i = 0; i < digits.size(); i += 2)
    out.push_back(static_cast<std::uint8_t>(std::stoul(std::string(digits.substr(i, 2)), nullptr, 16)));
  return out;
}

class SetClock final : public Clock {
 public:
  explicit SetClock(UnixTime now) : now_(now) {}
  SteadyTime steady() const override { return {}; }
  UnixTime wall() const override { return now_; }
  void set(UnixTime now) { now_ = now; }

 private:
  UnixTime now_;
};

constexpr UnixTime asked_at = 1700000000;
constexpr std::size_t query_octets = 12 + 9 + 4;  // of the vectors, without the record

Name name(std::string_view text) { return Name::from_text(text).value(); }

TsigKeyPtr key_of(TsigAlgorithm algorithm, std::string_view called = "XFR.example.", std::uint8_t first = 0) {
  Bytes secret(32);
  for (std::size_t i = 0; i < secret.size(); ++i) secret[i] = static_cast<std::uint8_t>(first + i);
  return TsigKey::make(name(called), algorithm, secret).value();
}

TsigKeyRing ring_of(const TsigKeyPtr& key) {
  TsigKeyRing ring;
  EXPECT_TRUE(ring.add(key));
  return ring;
}

std::string reason_of(const Result<>& result) { return result ? "" : std::string(result.error().reason); }

// The vectors' query, signed by us.
struct Asked {
  explicit Asked(const TsigVector& vector) : verifier(key_of(vector.algorithm), clock) {
    query = from_hex(vector.query);
    query.resize(query_octets);
    query[11] = 0;
    EXPECT_TRUE(verifier.sign(query));
    clock.set(asked_at + 1);
  }
  SetClock clock{asked_at};
  TsigVerifier verifier;
  Bytes query;
};

// The vectors' query, judged by us.
struct Answered {
  explicit Answered(const TsigVector& vector, UnixTime now = asked_at + 1)
      : Answered(vector, vector.query, now) {}
  Answered(const TsigVector& vector, const char* query, UnixTime now)
      : clock(now), keys(ring_of(key_of(vector.algorithm))), signer(clock) {
    verdict = signer.check(from_hex(query), query_octets, &keys);
  }
  Bytes sign(const char* plain) {
    Bytes message = from_hex(plain);
    const std::size_t size = message.size();
    message.resize(size + signer.octets());
    message.resize(signer.sign(message, size));
    return message;
  }
  SetClock clock;
  TsigKeyRing keys;
  TsigSigner signer;
  TsigSigner::Verdict verdict{};
};

TEST(Tsig, SignsAQuery) {
  for (const TsigVector& vector : tsig_vectors) EXPECT_EQ(Asked(vector).query, from_hex(vector.query));
}

TEST(Tsig, BelievesAResponseAndTheStreamAfterIt) {
  for (const TsigVector& vector : tsig_vectors) {
    Asked asked(vector);
    EXPECT_EQ(reason_of(asked.verifier.check(from_hex(vector.first))), "");
    EXPECT_EQ(reason_of(asked.verifier.end()), "");
    EXPECT_EQ(reason_of(asked.verifier.check(from_hex(vector.second))), "");
    EXPECT_EQ(reason_of(asked.verifier.end()), "");
  }
}

TEST(Tsig, BelievesMessagesThatALaterOneVouchesFor) {
  for (const TsigVector& vector : tsig_vectors) {
    Asked asked(vector);
    EXPECT_EQ(reason_of(asked.verifier.check(from_hex(vector.first))), "");
    EXPECT_EQ(reason_of(asked.verifier.check(from_hex(plain_later))), "");
    EXPECT_EQ(reason_of(asked.verifier.check(from_hex(plain_later))), "");
    EXPECT_EQ(reason_of(asked.verifier.end()), "tsig-missing");
    EXPECT_EQ(reason_of(asked.verifier.check(from_hex(vector.fourth))), "");
    EXPECT_EQ(reason_of(asked.verifier.end()), "");
  }
}

TEST(Tsig, SignsAResponseAndTheStreamAfterIt) {
  for (const TsigVector& vector : tsig_vectors) {
    Answered answered(vector);
    ASSERT_EQ(answered.verdict, TsigSigner::Verdict::good);
    ASSERT_NE(answered.signer.key_name(), nullptr);
    EXPECT_EQ(to_string(*answered.signer.key_name()), "xfr.example.");
    EXPECT_EQ(answered.sign(plain_first), from_hex(vector.first));
    answered.clock.set(asked_at + 2);
    EXPECT_EQ(answered.sign(plain_later), from_hex(vector.second));
  }
}

TEST(Tsig, TellsALateClientItsTimeAndOurs) {
  for (const TsigVector& vector : tsig_vectors) {
    Answered answered(vector, asked_at + 1000);
    EXPECT_EQ(answered.verdict, TsigSigner::Verdict::notauth);
    EXPECT_EQ(answered.signer.key_name(), nullptr);
    EXPECT_EQ(answered.sign(plain_refused), from_hex(vector.late));
  }
  // And what the late client makes of it.
  Asked asked(tsig_vectors[3]);
  const auto told = asked.verifier.check(from_hex(tsig_vectors[3].late));
  EXPECT_EQ(reason_of(told), "tsig-badtime");
  EXPECT_NE(told.error().message.find("its clock says 2023-11-14T22:30:00Z, ours 2023-11-14T22:13:21Z"),
            std::string::npos)
      << told.error().message;
}

TEST(Tsig, TheFudgeIsTheLastSecondThatIsTaken) {
  const TsigVector& vector = tsig_vectors[3];
  for (const UnixTime off : {-300, 300}) {
    EXPECT_EQ(Answered(vector, asked_at + off).verdict, TsigSigner::Verdict::good);
    EXPECT_EQ(Answered(vector, asked_at + off + (off < 0 ? -1 : 1)).verdict, TsigSigner::Verdict::notauth);
    Asked asked(vector);
    asked.clock.set(asked_at + 1 + off + (off < 0 ? -1 : 1));
    const auto late = asked.verifier.check(from_hex(vector.first));
    EXPECT_EQ(reason_of(late), "tsig-badtime");
    EXPECT_NE(late.error().message.find("2023-11-14T22:13:21Z by its clock"), std::string::npos)
        << late.error().message;
    asked.clock.set(asked_at + 1 + off);
    EXPECT_EQ(reason_of(asked.verifier.check(from_hex(vector.first))), "");
  }
}

TEST(Tsig, AShortenedMacIsNotTakenAndToldSo) {
  for (const TsigVector& vector : tsig_vectors) {
    Answered answered(vector, vector.short_query, asked_at + 1);
    EXPECT_EQ(answered.verdict, TsigSigner::Verdict::notauth);
    EXPECT_EQ(answered.sign(plain_refused), from_hex(vector.too_short));
  }
  Asked asked(tsig_vectors[3]);
  EXPECT_EQ(reason_of(asked.verifier.check(from_hex(tsig_vectors[3].too_short))), "tsig-badtrunc");
}

// A query with that MAC, the lengths around it right.
Bytes with_mac(const TsigVector& vector, std::size_t octets, std::uint8_t fill) {
  Bytes query = from_hex(vector.query);
  const std::size_t size_at = query_octets + 13 + 10 + key_of(vector.algorithm)->algorithm_name().size() + 8;
  const std::size_t old = load16(&query[size_at]);
  const auto mac = query.begin() + static_cast<std::ptrdiff_t>(size_at) + 2;
  query.insert(query.erase(mac, mac + static_cast<std::ptrdiff_t>(old)), octets, fill);
  store16(&query[size_at], static_cast<std::uint16_t>(octets));
  std::uint8_t* const rdlength = &query[query_octets + 13 + 8];
  store16(rdlength, static_cast<std::uint16_t>(load16(rdlength) + octets - old));
  return query;
}

TEST(Tsig, AMacOfALengthThatNobodyMaySendIsNoTsig) {
  for (const TsigVector& vector : tsig_vectors) {
    const TsigKeyRing keys = ring_of(key_of(vector.algorithm));
    const std::size_t whole = key_of(vector.algorithm)->mac_octets(),
                      least = std::max<std::size_t>(10, whole / 2);
    SetClock clock(asked_at);
    TsigSigner signer(clock);
    for (std::size_t octets = 0; octets <= whole + 2; ++octets) {
      const bool sendable = octets >= least && octets <= whole;
      EXPECT_EQ(signer.check(with_mac(vector, octets, 7), query_octets, &keys),
                sendable ? TsigSigner::Verdict::notauth : TsigSigner::Verdict::formerr)
          << octets;
    }
  }
}

// RFC 8945 5.3.2: errors of key and MAC are told without a MAC, or everybody could have things signed.
TEST(Tsig, AnUnknownKeyOrAWrongMacIsToldUnsigned) {
  const TsigVector& vector = tsig_vectors[3];
  struct {
    TsigKeyPtr key;
    unsigned error;
    const char* reason;
  } const cases[] = {{key_of(vector.algorithm, "other.example."), 17, "tsig-badkey"},
                     {key_of(TsigAlgorithm::hmac_sha512), 17, "tsig-badkey"},
                     {key_of(vector.algorithm, "xfr.example.", 1), 16, "tsig-badsig"}};
  for (const auto& c : cases) {
    const TsigKeyRing keys = ring_of(c.key);
    SetClock clock(asked_at);
    TsigSigner signer(clock);
    EXPECT_EQ(signer.check(from_hex(vector.query), query_octets, &keys), TsigSigner::Verdict::notauth);
    EXPECT_EQ(signer.key_name(), nullptr);
    Bytes message = from_hex(plain_refused);
    const std::size_t size = message.size();
    message.resize(size + signer.octets());
    message.resize(signer.sign(message, size));
    TsigRecord record;
    ASSERT_TRUE(read_tsig(message, size, record));
    EXPECT_TRUE(record.mac.empty());
    EXPECT_EQ(record.error, c.error);
    EXPECT_TRUE(record.other.empty());
    EXPECT_EQ(to_string(record.key), "xfr.example.");
    EXPECT_EQ(to_string(record.algorithm), "hmac-sha256.");
    EXPECT_EQ(reason_of(Asked(vector).verifier.check(message)), c.reason);
  }
  SetClock clock(asked_at);
  TsigSigner signer(clock);
  EXPECT_EQ(signer.check(from_hex(vector.query), query_octets, nullptr), TsigSigner::Verdict::notauth);
}

TEST(Tsig, NoOctetCanBeChanged) {
  for (const TsigVector& vector : tsig_vectors) {
    // The ID may: the record remembers the one that was signed (RFC 8945 4.3.2).
    const Bytes query = from_hex(vector.query), response = from_hex(vector.first);
    const TsigKeyRing keys = ring_of(key_of(vector.algorithm));
    SetClock clock(asked_at);
    TsigSigner signer(clock);
    for (std::size_t i = 2; i < query.size(); ++i) {
      Bytes changed = query;
      changed[i] ^= 1;
      EXPECT_NE(signer.check(changed, query_octets, &keys), TsigSigner::Verdict::good) << i;
    }
    Asked asked(vector);
    for (std::size_t i = 2; i < response.size(); ++i) {
      Bytes changed = response;
      changed[i] ^= 1;
      EXPECT_NE(reason_of(asked.verifier.check(changed)), "") << i;
    }
    EXPECT_EQ(reason_of(asked.verifier.check(response)), "") << "a refused one changes nothing";
    EXPECT_NE(reason_of(asked.verifier.check(response)), "") << "the same again is not the next one";
  }
}

TEST(Tsig, ARecordCutShortOrDrawnOutIsMalformed) {
  const TsigVector& vector = tsig_vectors[3];
  const Bytes query = from_hex(vector.query);
  const TsigKeyRing keys = ring_of(key_of(vector.algorithm));
  SetClock clock(asked_at);
  TsigSigner signer(clock);
  for (std::size_t size = query_octets; size < query.size(); ++size) {
    Bytes cut(query.begin(), query.begin() + static_cast<std::ptrdiff_t>(size));
    EXPECT_EQ(signer.check(cut, query_octets, &keys), TsigSigner::Verdict::formerr) << size;
    // With an RDLENGTH that fits what is left.
    if (size < query_octets + 23) continue;
    store16(&cut[query_octets + 21], static_cast<std::uint16_t>(size - query_octets - 23));
    EXPECT_EQ(signer.check(cut, query_octets, &keys), TsigSigner::Verdict::formerr) << size;
  }
  Bytes longer = query;
  longer.push_back(0);
  EXPECT_EQ(signer.check(longer, query_octets, &keys), TsigSigner::Verdict::formerr);
  store16(&longer[query_octets + 21], static_cast<std::uint16_t>(longer.size() - query_octets - 23));
  EXPECT_EQ(signer.check(longer, query_octets, &keys), TsigSigner::Verdict::formerr);
}

TEST(Tsig, AResponseMustBeSigned) {
  Asked asked(tsig_vectors[3]);
  const auto none = asked.verifier.check(from_hex(plain_first));
  EXPECT_EQ(reason_of(none), "tsig-missing");
  EXPECT_NE(none.error().message.find("NOERROR"), std::string::npos) << none.error().message;
  EXPECT_EQ(reason_of(asked.verifier.end()), "tsig-missing");
  // In another place it is none.
  Bytes twice = from_hex(tsig_vectors[3].first);
  const Bytes record(twice.begin() + static_cast<std::ptrdiff_t>(from_hex(plain_first).size()), twice.end());
  twice.insert(twice.end(), record.begin(), record.end());
  ++twice[11];
  EXPECT_EQ(reason_of(asked.verifier.check(twice)), "malformed");
  EXPECT_EQ(reason_of(asked.verifier.check(Bytes(11))), "malformed");
}

TEST(Tsig, NinetyNineMessagesMayComeUnsigned) {
  Asked asked(tsig_vectors[3]);
  ASSERT_EQ(reason_of(asked.verifier.check(from_hex(tsig_vectors[3].first))), "");
  for (int i = 0; i < 99; ++i) ASSERT_EQ(reason_of(asked.verifier.check(from_hex(plain_later))), "") << i;
  EXPECT_EQ(reason_of(asked.verifier.check(from_hex(plain_later))), "tsig-missing");
}

TEST(Tsig, AnotherKeyThanOursIsRefused) {
  const TsigVector& vector = tsig_vectors[3];
  SetClock clock(asked_at);
  for (const auto& key : {key_of(vector.algorithm, "other.example."), key_of(TsigAlgorithm::hmac_sha384)}) {
    TsigVerifier verifier(key, clock);
    Bytes query = from_hex(vector.query);
    query.resize(query_octets);
    query[11] = 0;
    ASSERT_TRUE(verifier.sign(query));
    EXPECT_EQ(reason_of(verifier.check(from_hex(vector.first))), "tsig-badkey");
  }
  TsigVerifier verifier(key_of(vector.algorithm, "xfr.example.", 1), clock);
  Bytes query = from_hex(vector.query);
  query.resize(query_octets);
  query[11] = 0;
  ASSERT_TRUE(verifier.sign(query));
  EXPECT_EQ(reason_of(verifier.check(from_hex(vector.first))), "tsig-badsig");
}

TEST(TsigKey, TakesSecretsInBase64) {
  const Name who = name("Key.Example");
  const auto good = TsigKey::from_text(who, TsigAlgorithm::hmac_sha256, " c2VjcmV0\n");
  ASSERT_TRUE(good);
  EXPECT_EQ(to_string((*good)->name()), "key.example.");
  EXPECT_FALSE(std::any_of((*good)->name().data(), (*good)->name().data() + 5,
                           [](std::uint8_t c) { return c >= 'A' && c <= 'Z'; }));
  for (const std::string_view bad : {"", " ", "c2VjcmV0=", "c2Vj cmV0", "c2VjcmV", "!!!!", "=c2V"}) {
    const auto refused = TsigKey::from_text(who, TsigAlgorithm::hmac_sha256, bad);
    ASSERT_FALSE(refused) << bad;
    EXPECT_EQ(refused.error().reason, "tsig-key");
    if (bad.size() > 1) {
      EXPECT_EQ(refused.error().message.find(bad), std::string::npos) << "the secret is told";
    }
  }
}

TEST(TsigKey, KnowsAlgorithmsByName) {
  EXPECT_EQ(parse_tsig_algorithm("hmac-sha256"), TsigAlgorithm::hmac_sha256);
  EXPECT_EQ(parse_tsig_algorithm("HMAC-SHA1."), TsigAlgorithm::hmac_sha1);
  EXPECT_EQ(parse_tsig_algorithm("hmac-md5"), TsigAlgorithm::hmac_md5);
  EXPECT_EQ(parse_tsig_algorithm("HMAC-MD5.SIG-ALG.REG.INT"), TsigAlgorithm::hmac_md5);
  for (const std::string_view bad : {"", "sha256", "hmac-sha3", "hmac-sha256-128", "gss-tsig"})
    EXPECT_EQ(parse_tsig_algorithm(bad), std::nullopt) << bad;
}

TEST(TsigKey, TwoRingsDifferInNamesAlgorithmsAndSecrets) {
  const auto ring = [](std::initializer_list<TsigKeyPtr> keys) {
    TsigKeyRing all;
    for (const TsigKeyPtr& key : keys) EXPECT_TRUE(all.add(key));
    return all;
  };
  constexpr auto sha256 = TsigAlgorithm::hmac_sha256, sha512 = TsigAlgorithm::hmac_sha512;
  const TsigKeyRing before = ring({key_of(sha256, "stays."), key_of(sha256, "goes."),
                                   key_of(sha256, "secret."), key_of(sha256, "algorithm.")});
  const TsigKeyRing after = ring({key_of(sha256, "STAYS."), key_of(sha256, "comes."),
                                  key_of(sha256, "secret.", 1), key_of(sha512, "algorithm.")});
  EXPECT_EQ(changed_keys(before, after),
            (std::vector<Name>{name("comes."), name("secret."), name("algorithm."), name("goes.")}));
  EXPECT_TRUE(changed_keys(before, before).empty());
}

TEST(TsigKey, ARingHasEachNameOnce) {
  TsigKeyRing ring;
  EXPECT_TRUE(ring.add(key_of(TsigAlgorithm::hmac_sha256, "a.example.")));
  EXPECT_TRUE(ring.add(key_of(TsigAlgorithm::hmac_sha256, "b.example.")));
  EXPECT_FALSE(ring.add(key_of(TsigAlgorithm::hmac_sha512, "A.EXAMPLE.")));
  EXPECT_EQ(ring.find(name("B.Example."))->name(), name("b.example."));
  EXPECT_EQ(ring.find(name("c.example.")), nullptr);
}

}  // namespace
}  // namespace understudy::dns
