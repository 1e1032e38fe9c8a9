#include "sync/soa_probe.h"

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
    return Error{reason_of(header.rcode()),
                 "asked for the SOA it answered " + dns::to_string(header.rcode())};
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

boost::asio::awaitable<Result<ProbeAnswer>> probe_soa(net::Endpoint primary, dns::Name apex,
                                                      std::optional<boost::asio::ip::address> source,
                                                      net::Trust trust) {
  net::AskOptions options;
  options.timeout = std::chrono::milliseconds(1500);
  options.udp_tries = 2;
  options.tcp_on_timeout = true;
  options.source = source;
  options.trust = std::move(trust);
  auto asking = net::ask(primary, net::make_query(apex, dns::RRType::SOA, {.edns = false}), options);
  const Result<net::ServerResponse> response = co_await std::move(asking);
  if (!response) co_return response.error();
  const Result<std::uint32_t> serial = serial_in(response->octets, apex);
  if (!serial) co_return serial.error().within(net::to_string(primary));
  co_return ProbeAnswer{*serial, response->round_trip};
}

}  // namespace understudy::sync
