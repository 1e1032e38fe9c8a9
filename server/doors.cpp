#include "server/doors.h"

#include <algorithm>

namespace understudy::server {
namespace {

const std::vector<net::Endpoint>& of_kind(const Listening& wanted, bool tls) {
  return tls ? wanted.tls : wanted.clear;
}

// One is for a single address and one for all of them. The kernel gives what comes for the first to the
// first.
bool is_part(const net::Endpoint& one, const net::Endpoint& other) {
  return one.port == other.port && one.port != 0 && one.address.is_v4() == other.address.is_v4() &&
         one.address.is_unspecified() != other.address.is_unspecified();
}

Result<SocketPair> bind_kind(const net::Endpoint& endpoint, bool tls, bool alone) {
  if (!tls) return bind_both(endpoint, alone);
  auto tcp = bind_socket(endpoint, Transport::tcp, alone);
  if (!tcp) return tcp.error();
  return SocketPair{Socket(), std::move(*tcp)};
}

}  // namespace

Result<std::vector<Doors::Opened>> Doors::bind(const Listening& wanted, std::size_t workers) const {
  std::vector<Opened> opened;
  for (const bool tls : {false, true}) {
    for (const net::Endpoint& endpoint : of_kind(wanted, tls)) {
      const auto is_there = [&](const Door& door) { return door.tls == tls && door.wanted == endpoint; };
      if (std::ranges::any_of(doors_, is_there) || std::ranges::any_of(opened, is_there, &Opened::door))
        continue;
      auto one = open(endpoint, tls, opened, workers);
      if (!one) return one.error();
      opened.push_back(std::move(*one));
    }
  }
  return opened;
}

Result<Doors::Opened> Doors::open(const net::Endpoint& wanted, bool tls, const std::vector<Opened>& opened,
                                  std::size_t workers) const {
  bool alone = true;  // an address that somebody else has is an error, our own at the same port is none
  std::vector<Door> ours = doors_;
  for (const Opened& one : opened) ours.push_back(one.door);
  for (const Door& door : ours) {
    alone = alone && !is_part(door.bound, wanted);
    if (door.bound != wanted || door.tls == tls) continue;
    return Error{"address-in-use",
                 "cannot listen on " + net::to_string(wanted) + (tls ? " over TLS" : " in the clear") +
                     ": this server listens there " + (tls ? "in the clear" : "over TLS") +
                     "; choose one of them (to change over take the address out, reload, put "
                     "it in and reload again)"};
  }
  Opened one{{wanted, wanted, tls}, {}};
  while (one.sockets.size() < workers) {
    auto sockets = bind_kind(one.door.bound, tls, alone && one.sockets.empty());
    if (!sockets) return sockets.error();
    one.door.bound = local_endpoint(sockets->tcp);
    one.sockets.push_back(std::move(*sockets));
  }
  return one;
}

void Doors::add(const Door& door) {
  const std::scoped_lock lock(mutex_);
  doors_.push_back(door);
}

std::vector<Doors::Door> Doors::leave(const Listening& wanted) {
  std::vector<Door> gone;
  const std::scoped_lock lock(mutex_);
  std::erase_if(doors_, [&](const Door& door) {
    const std::vector<net::Endpoint>& kind = of_kind(wanted, door.tls);
    if (std::ranges::find(kind, door.wanted) != kind.end()) return false;
    gone.push_back(door);
    return true;
  });
  return gone;
}

std::vector<net::Endpoint> Doors::addresses(bool tls) const {
  std::vector<net::Endpoint> addresses;
  const std::scoped_lock lock(mutex_);
  for (const Door& door : doors_) {
    if (door.tls == tls) addresses.push_back(door.bound);
  }
  return addresses;
}

}  // namespace understudy::server
