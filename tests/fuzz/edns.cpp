// EDNS: the additional section of a query and the options in it, as the parser sees them and as streams
// answer them.
#include "dns/message.h"
#include "fuzz/fuzz.h"
#include "server/stream_options.h"

namespace understudy::fuzz {
namespace {

// RFC 6891 6.1.2, read apart from the product: code, length, data, up to the end exactly.
bool options_end_where_they_should(Octets options) {
  std::size_t at = 0;
  while (at + 4 <= options.size()) at += 4u + (options[at + 2] << 8 | options[at + 3]);
  return at == options.size();
}

// Header and question of "test. A", then what was given as `records` additional ones.
Bytes query_with(std::uint8_t records, Octets additional) {
  Bytes out{0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, records, 4, 't', 'e', 's', 't', 0, 0, 1, 0, 1};
  out.insert(out.end(), additional.begin(), additional.end());
  return out;
}

void check_stream_options(Octets options, std::uint8_t choice) {
  // A response with an OPT record at its end, as the pipeline makes them, in room that is as tight as chosen.
  const Bytes response{0, 1, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 41, 4, 0xd0, 0, 0, 0, 0, 0, 0};
  Bytes room(response);
  room.resize(response.size() + choice * 3u);
  const auto proto = (choice & 1) != 0 ? metrics::Proto::tls : metrics::Proto::tcp;
  const server::StreamOptions wanted{std::chrono::seconds(10), (choice & 2) != 0 ? 468u : 0u};
  const std::size_t size = server::add_stream_options(wanted, proto, options, room, response.size());
  check(size >= response.size() && size <= room.size(), "a response of a size that cannot be");
  const Octets opt = Octets(room).first(size).subspan(12);
  check(dns::load16(opt.data() + 9) == opt.size() - 11, "RDLENGTH of the OPT record");
  check(options_end_where_they_should(opt.subspan(11)), "options that were added");
}

}  // namespace
}  // namespace understudy::fuzz

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace understudy;
  fuzz::Feed feed({data, size});
  const std::uint8_t records = feed.u8(), choice = feed.u8();
  const fuzz::Bytes message = fuzz::query_with(records, feed.rest());
  dns::Query query;
  const dns::QueryFault fault = dns::parse_query(message, query);
  fuzz::check(fault != dns::QueryFault::ignore, "a query with a header is answered");
  fuzz::check(query.question_end == 22, "the question's end");
  if (fault != dns::QueryFault::none || !query.edns) return 0;
  const dns::Octets options = query.edns->options;
  fuzz::check(
      options.data() >= message.data() && options.data() + options.size() <= message.data() + message.size(),
      "options outside of the message");
  fuzz::check(fuzz::options_end_where_they_should(options), "malformed options pass");
  fuzz::check_stream_options({options.begin(), options.end()}, choice);
  return 0;
}
