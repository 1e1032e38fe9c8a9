#include "app/public_door.h"

namespace understudy::app {

struct PublicDoor::Next {
  std::optional<net::Endpoint> wanted;
  std::unique_ptr<Door> door;
};

Result<std::shared_ptr<PublicDoor::Next>> PublicDoor::prepare(const std::optional<net::Endpoint>& wanted) {
  auto next = std::make_shared<Next>();
  next->wanted = wanted;
  if (!wanted || wanted == wanted_) return next;
  next->door = std::make_unique<Door>(rooms_);
  const auto handle = [&routes = next->door->routes](const control::HttpRequest& request,
                                                     control::HttpReply reply) {
    routes.handle(request, std::move(reply));
  };
  if (const auto listening = next->door->server.listen(*wanted, handle); !listening) return listening.error();
  return next;
}

void PublicDoor::commit(Next& next) {
  if (next.wanted == wanted_) return;
  if (door_) {
    door_->server.stop();
    closed_.push_back(std::move(door_));
  }
  door_ = std::move(next.door);
  wanted_ = next.wanted;
  if (door_) door_->server.start();
}

void PublicDoor::stop() {
  if (door_) door_->server.stop();
}

std::optional<net::Endpoint> PublicDoor::address() const {
  if (!door_) return std::nullopt;
  return door_->server.address();
}

}  // namespace understudy::app
