// Whether the parent of a zone says that the zone is signed: a DS record there makes validating resolvers
// refuse the zone without signatures (RFC 4035 5.2).
//
// Coroutines of the sync thread; each question is bounded by its time-outs. Nothing is kept here.
#pragma once

#include "backend/mirror.h"
#include "net/dns_client.h"
#include "sync/zone_status.h"

namespace understudy::sync {

// What our own copy of a zone above says; nothing where that is not the zone's parent, as another zone is
// delegated in between.
std::optional<ParentDs> ds_in_mirror(backend::Reader& reader, const dns::Name& parent,
                                     backend::Generation generation, const dns::Name& apex);

// What a response to the DS question says. For tests too: takes any octets.
ParentDs ds_in(dns::Octets response, const dns::Name& apex);

// Asks these, resolvers or servers of the parent zone, one after the other until one can tell.
boost::asio::awaitable<ParentDs> ask_for_ds(dns::Name apex, std::vector<net::Endpoint> resolvers);

}  // namespace understudy::sync
