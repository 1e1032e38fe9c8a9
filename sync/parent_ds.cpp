#include "sync/parent_ds.h"

#include "backend/lookup.h"
#include "dns/message.h"

namespace understudy::sync {
namespace {

using dns::RRType;

ParentDs unknown(std::string why) { return {ParentDs::State::unknown, std::move(why)}; }
ParentDs none() { return {ParentDs::State::none, {}}; }
ParentDs present(std::string where) {
  return {ParentDs::State::present,
          "its parent publishes a DS record for it (" + where +
              "), and it has no DNSKEY: validating resolvers refuse what is not signed"};
}

}  // namespace

std::optional<ParentDs> ds_in_mirror(backend::Reader& reader, const dns::Name& parent,
                                     backend::Generation generation, const dns::Name& apex) {
  dns::NameKey key(apex);
  const unsigned labels = apex.view().label_count();
  const auto found = backend::look_up(reader, generation, parent.view().label_count(), key, RRType::DS);
  const std::string where = "in our copy of " + dns::to_string(parent);
  switch (found.outcome) {
    case backend::Outcome::answer:
      if (!found.wildcard) return present(where);
      return none();
    case backend::Outcome::referral:
      if (found.owner_labels < labels) return std::nullopt;
      return none();
    case backend::Outcome::broken:
      return unknown("it cannot be read " + where);
    default:
      return none();
  }
}

ParentDs ds_in(dns::Octets response, const dns::Name& apex) {
  if (response.size() < dns::header_octets) return unknown("the answer has no header");
  const dns::Header header = dns::load_header(response.data());
  const dns::Rcode rcode = header.rcode();
  if (rcode != dns::Rcode::noerror && rcode != dns::Rcode::nxdomain)
    return unknown("it answered " + dns::to_string(rcode));
  dns::WireReader reader(response, dns::header_octets);
  for (unsigned i = 0; i < header.questions; ++i) {
    reader.skip_name();
    reader.skip(4);
  }
  bool proves_absence = false;
  for (unsigned i = 0; i < unsigned{header.answers} + header.authorities; ++i) {
    dns::RecordHead head;
    if (!dns::read_record_head(reader, head)) return unknown("its answer cannot be read");
    if (i < header.answers && head.type == RRType::DS && head.owner == apex)
      return present("as a name server tells");
    // RFC 2308 2: the SOA of a negative answer names the zone that speaks. RFC 4035 3.1.4.1: a server of the
    // zone itself, and not of its parent, says that there is no DS, too; that is no word of the parent's.
    if (i >= header.answers && head.type == RRType::SOA)
      proves_absence = apex.view().is_at_or_below(head.owner) && !(head.owner == apex);
    reader.skip(head.rdlength);
  }
  if (proves_absence) return none();
  return unknown("its answer neither has a DS record nor is it the parent's that there is none");
}

boost::asio::awaitable<ParentDs> ask_for_ds(dns::Name apex, std::vector<net::Endpoint> resolvers) {
  ParentDs answer = unknown("nobody was asked");
  for (const net::Endpoint& resolver : resolvers) {
    net::AskOptions options;
    options.udp_tries = 2;
    options.tcp_on_timeout = true;
    auto asking = net::ask(resolver, net::make_query(apex, RRType::DS, {.recursion_desired = true}), options);
    const Result<net::ServerResponse> response = co_await std::move(asking);
    answer = response ? ds_in(response->octets, apex) : unknown(response.error().message);
    if (answer.state != ParentDs::State::unknown) break;
    answer.message = "whether its parent publishes a DS record could not be asked of " +
                     net::to_string(resolver) + ": " + answer.message;
  }
  co_return answer;
}

}  // namespace understudy::sync
