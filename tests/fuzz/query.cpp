// The query pipeline: one octet that chooses the transport, then a query. The answer must parse, fit the
// client and carry the question.
#include <stdexcept>

#include "fuzz/fuzz.h"
#include "support/sample_zones.h"

namespace understudy::fuzz {
namespace {

server::PipelineOptions options() {
  server::PipelineOptions options;
  options.nsid = {'n', 's'};
  options.cookies.active.emplace();
  return options;
}

// RFC 1035 4.2.1, RFC 6891 6.2.3, RFC 9715: what a client over UDP takes, read without the product.
std::size_t most_octets(const Bytes& query, metrics::Proto proto) {
  if (proto != metrics::Proto::udp) return 65535;
  try {
    const test::Message asked = test::decode(query);
    return asked.opt ? std::clamp<std::size_t>(asked.opt->udp_size, 512, 1232) : 512;
  } catch (const std::runtime_error&) {
    return 1232;  // the tests' reading is the stricter one
  }
}

void check_response(const Bytes& query, const Bytes& response, metrics::Proto proto) {
  const test::Message answer = test::decode(response);  // throws where it is no message
  check(response.size() <= most_octets(query, proto), "the response is larger than the client takes");
  check(query.size() >= 12 && dns::load16(query.data()) == answer.id, "the response has another ID");
  check((query[2] & 0x80) == 0, "a response was answered");
  check(answer.qr(), "the response is none");
  check(answer.opcode() == (query[2] >> 3 & 15u), "the response has another opcode");
  check(answer.opt_count <= 1, "more than one OPT record");
  check(answer.questions.size() <= 1, "more than one question");
  if (answer.questions.empty()) {
    // RFC 7873 5.4: one asks for a cookie without a question.
    const bool unasked = dns::load16(query.data() + 4) == 0;
    const bool bad = answer.rcode == test::rcode::formerr || answer.rcode == test::rcode::notimp;
    // RFC 2136 3.8: the sections of an UPDATE may be left out of its response.
    const bool update = answer.opcode() == 5 && answer.rcode == test::rcode::refused;
    check(unasked || bad || update, "the question is missing");
    check(answer.answer.empty() && answer.authority.empty(), "records without a question");
    return;
  }
  const std::size_t end = 12 + test::wire_size(answer.questions[0].name) + 4;
  check(query.size() >= end &&
            same(Octets(query).subspan(12, end - 12), Octets(response).subspan(12, end - 12)),
        "the question is not the client's");
}

}  // namespace
}  // namespace understudy::fuzz

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace understudy;
  static test::TestMirror mirror(test::sample_zones(), fuzz::options());
  if (size == 0 || size > 65536) return 0;
  const auto proto = static_cast<metrics::Proto>(data[0] % 3);
  const fuzz::Bytes query(data + 1, data + size);
  if (const auto response = mirror.exchange(query, proto)) fuzz::check_response(query, *response, proto);
  return 0;
}
