#include "app/public_door.h"

#include <boost/asio/post.hpp>

#include "base/log.h"

namespace understudy::app {

struct PublicDoor::Next {
  Next(PublicDoor& of, std::optional<net::Endpoint> where) : owner(of), wanted(std::move(where)) {}
  ~Next() {
    door.reset();
    if (closed) owner.reopen(*closed);
  }
  PublicDoor& owner;
  const std::optional<net::Endpoint> wanted;
  std::unique_ptr<Door> door;
  std::optional<net::Endpoint> closed;  // where the door that stood in the way was, until commit()
};

Result<std::unique_ptr<PublicDoor::Door>> PublicDoor::open(const net::Endpoint& address) const {
  auto door = std::make_unique<Door>(rooms_);
  const auto handle = [&routes = door->routes](const control::HttpRequest& request,
                                               control::HttpReply reply) {
    routes.handle(request, std::move(reply));
  };
  if (const auto listening = door->server.listen(address, handle); !listening) return listening.error();
  return door;
}

Result<std::shared_ptr<PublicDoor::Next>> PublicDoor::prepare(const std::optional<net::Endpoint>& wanted) {
  auto next = std::make_shared<Next>(*this, wanted);
  if (!wanted || wanted == wanted_) return next;
  auto opened = open(*wanted);
  if (!opened && door_ && door_->server.address().port == wanted->port) {
    next->closed = door_->server.address();
    close();
    opened = open(*wanted);
  }
  if (!opened) return opened.error();
  next->door = std::move(*opened);
  return next;
}

void PublicDoor::commit(Next& next) {
  if (next.wanted == wanted_) return;
  close();
  next.closed.reset();
  door_ = std::move(next.door);
  wanted_ = next.wanted;
  if (door_) door_->server.start();
}

// The sync thread may still hold questions of the door's. They stand before this in its queue, and nothing is
// asked after stop().
void PublicDoor::close() {
  if (!door_) return;
  door_->server.stop();
  boost::asio::post(rooms_.sync_context, [door = std::shared_ptr<Door>(std::move(door_))] {});
}

void PublicDoor::reopen(const net::Endpoint& address) {
  auto opened = open(address);
  if (!opened) {
    log::error("public-page-closed", {{"address", net::to_string(address)},
                                      {"message", opened.error().message},
                                      {"next", "the next reload tries again"}});
    wanted_.reset();
    return;
  }
  door_ = std::move(*opened);
  door_->server.start();
}

void PublicDoor::stop() {
  if (door_) door_->server.stop();
}

std::optional<net::Endpoint> PublicDoor::address() const {
  if (!door_) return std::nullopt;
  return door_->server.address();
}

}  // namespace understudy::app
