#include "sync/soa_probe.h"

#include "dns/edns.h"
#include "dns/rdata.h"
#include "dns/record.h"
#include "sync/reasons.h"

namespace understudy::sync {
namespace {

struct RcodeReason {
  dns::Rcode rcode;
  std::string_view reason;
};
constexpr RcodeReason rcode_reasons[] = {
    {dns::Rcode::formerr, reason::formerr},     {dns::Rcode::servfail, reason::servfail},
    {dns::Rcode::nxdomain, reason::name_error}, {dns::Rcode::notimp, reason::not_implemented},
    {dns::Rcode::refused, reason::refused},     {dns::Rcode::notauth, reason::notauth},
};

}  // namespace

std::string_view reason_of(dns::Rcode rcode) {
  for (const RcodeReason& row : rcode_reasons) {
    if (row.rcode == rcode) return row.reason;
  }
  return reason::bad_rcode;
}

Result<std::uint32_t> serial_in(dns::Octets response, const dns::Name& apex) {
  if (response.size() < dns::header_octets) return Error{reason::malformed, "the SOA answer has no header"};
  const dns::Header header = dns::load_header(response.data());
  if (header.rcode() != dns::Rcode::noerror) {
    return Error{reason_of(header.rcode()), "asked for the SOA it answered " +
                                                dns::to_string(header.rcode()) +
                                                dns::extended_errors_of(response)};
  }
  // RFC 1034 4.3.5 wants the answer of an authority: a resolver's would be as old as its cache.
  if ((header.flags & dns::flag::aa) == 0) {
    return Error{reason::not_authoritative,
                 "its SOA answer has no AA bit: it does not serve the zone itself"};
  }
  dns::WireReader reader(response, dns::header_octets);
  for (unsigned i = 0; i < header.questions; ++i) {
    reader.skip_name();
    reader.skip(4);
  }
  std::vector<std::uint8_t> rdata;
  for (unsigned i = 0; i < header.answers; ++i) {
    dns::RecordHead head;
    if (!dns::read_record_head(reader, head))
      return Error{reason::malformed, "its SOA answer cannot be read"};
    if (head.type != dns::RRType::SOA || head.rclass != dns::RRClass::IN || !(head.owner == apex)) {
      reader.skip(head.rdlength);
      continue;
    }
    if (const dns::RdataFault fault = dns::expand_rdata(reader, head.type, head.rdlength, rdata)) {
      return Error{reason::malformed, std::string("its SOA answer: ") + fault};
    }
    return dns::Soa::of(rdata).serial;
  }
  return Error{reason::soa_missing, "its answer to the SOA question holds no SOA"};
}

namespace {

// One question of a probe, over UDP unless it is `tcp_only` or over TLS.
boost::asio::awaitable<Result<net::ServerResponse>> ask_soa(net::Endpoint primary, dns::Name apex,
                                                            net::AskOptions options, bool edns) {
  auto asking = net::ask(primary, net::make_query(apex, dns::RRType::SOA, {.edns = edns, .expire = edns}),
                         std::move(options));
  co_return co_await std::move(asking);
}

bool is_silent(const Result<net::ServerResponse>& response) {
  return !response && response.error().reason == reason::timeout;
}

// RFC 6891 7: what servers that know no EDNS answer.
bool may_be_for_edns(const Result<net::ServerResponse>& response) {
  if (!response) return false;
  const dns::Rcode rcode = dns::load_header(response->octets.data()).rcode();
  return rcode == dns::Rcode::formerr || rcode == dns::Rcode::notimp;
}

struct Asked {
  Result<net::ServerResponse> response;
  EdnsSeen edns;
};

// With EDNS, without, and over TCP: a server that drops what it does not know looks like one that is not
// there.
boost::asio::awaitable<Asked> ask_in_turn(net::Endpoint primary, dns::Name apex, net::AskOptions options,
                                          bool edns) {
  auto first = ask_soa(primary, apex, options, edns);
  Result<net::ServerResponse> response = co_await std::move(first);
  EdnsSeen seen = EdnsSeen::not_asked;
  const bool silent = is_silent(response) && !options.trust.tls;
  if (silent || (edns && may_be_for_edns(response))) {
    auto second = ask_soa(primary, apex, options, false);
    Result<net::ServerResponse> plain = co_await std::move(second);
    if (plain && !may_be_for_edns(plain)) {
      if (edns) seen = silent ? EdnsSeen::unanswered : EdnsSeen::refused;
      co_return Asked{std::move(plain), seen};
    }
    if (!silent || !is_silent(plain)) co_return Asked{silent ? std::move(plain) : std::move(response), seen};
    options.tcp_only = true;
    auto third = ask_soa(primary, apex, options, edns);
    response = co_await std::move(third);
  }
  if (edns && response && dns::load_header(response->octets.data()).rcode() == dns::Rcode::noerror)
    seen = dns::find_edns(response->octets) ? EdnsSeen::understood : EdnsSeen::ignored;
  co_return Asked{std::move(response), seen};
}

}  // namespace

boost::asio::awaitable<Result<ProbeAnswer>> probe_soa(net::Endpoint primary, dns::Name apex,
                                                      std::optional<boost::asio::ip::address> source,
                                                      net::Trust trust, bool edns, bool over_tcp) {
  net::AskOptions options;
  options.timeout = std::chrono::milliseconds(1500);
  options.source = source;
  options.trust = std::move(trust);
  options.tcp_only = over_tcp;
  auto asking = ask_in_turn(primary, apex, std::move(options), edns);
  const Asked asked = co_await std::move(asking);
  if (!asked.response) co_return asked.response.error();
  const net::ServerResponse& response = *asked.response;
  const Result<std::uint32_t> serial = serial_in(response.octets, apex);
  if (!serial) co_return serial.error().within(net::to_string(primary));
  ProbeAnswer answer{*serial, response.round_trip, {}, asked.edns};
  if (const auto opt = dns::find_edns(response.octets)) answer.expire = dns::expire_among(opt->options);
  co_return answer;
}

}  // namespace understudy::sync
