// TSIG: a message that came from anywhere, as a query that is to be answered and as a response to ours. What
// we sign must be a message that another reading takes, and nothing that nobody signed may pass.
#include <stdexcept>

#include "dns/tsig.h"
#include "fuzz/fuzz.h"
#include "support/plain_tsig.h"

namespace understudy::fuzz {
namespace {

class StillClock final : public Clock {
 public:
  SteadyTime steady() const override { return {}; }
  UnixTime wall() const override { return 1'700'000'000; }
};

const test::Secret secret{test::name("key"), Bytes(32, 7)};

dns::TsigKeyPtr key() {
  return dns::TsigKey::make(dns::Name::from_text("key").value(), dns::TsigAlgorithm::hmac_sha256,
                            secret.octets)
      .value();
}

void as_query(const Bytes& message, const dns::TsigKeyRing& keys, const Clock& clock) {
  dns::Query query;
  if (dns::parse_query(message, query) != dns::QueryFault::none || query.tsig_at == 0) return;
  dns::TsigSigner signer(clock);
  const auto verdict = signer.check(message, query.tsig_at, &keys);
  if (verdict == dns::TsigSigner::Verdict::formerr) return;
  if (verdict == dns::TsigSigner::Verdict::good)
    check(test::is_signed(message, secret, {}), "a query that nobody signed passed");
  Bytes response = test::header(1, 0x8000, 0, 0, 0, 0);
  const std::size_t size = response.size();
  response.resize(size + signer.octets());
  const std::size_t longer = signer.sign(response, size);
  check(longer <= response.size(), "the record is longer than was said");
  response.resize(longer);
  check(test::decode(response).tsig.has_value(), "what was signed has no TSIG record");
}

void as_response(const Bytes& message, const dns::TsigKeyPtr& ours, const Clock& clock) {
  dns::TsigVerifier verifier(ours, clock);
  Bytes query = test::header(1, 0, 0, 0, 0, 0);
  verifier.sign(query);
  if (verifier.check(message))
    check(test::is_signed(message, secret, {test::mac_of(query)}), "a response passed");
}

}  // namespace
}  // namespace understudy::fuzz

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace understudy;
  static const dns::TsigKeyPtr ours = fuzz::key();
  static const dns::TsigKeyRing keys = [] {
    dns::TsigKeyRing ring;
    ring.add(ours);
    return ring;
  }();
  const fuzz::StillClock clock;
  const fuzz::Bytes message(data, data + std::min<std::size_t>(size, 65535));
  fuzz::as_query(message, keys, clock);
  fuzz::as_response(message, ours, clock);
  return 0;
}
