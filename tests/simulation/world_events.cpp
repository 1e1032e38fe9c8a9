// What happens in a world.
#include "simulation/world.h"

namespace understudy::test {

using State = SimulatedPrimaries::State;

void World::notify() {
  const auto serial = kernel_.random(3);  // the truth, nothing, or a lie
  std::optional<std::uint32_t> told = editions_.newest().serial;
  if (serial == 1) told.reset();
  if (serial == 2) *told += static_cast<std::uint32_t>(kernel_.random(1000));
  // Twice, as primaries do whose first one was answered late.
  for (std::uint64_t i = 1 + kernel_.random(2); i > 0; --i)
    process_->sync.notified(*process_->entry, boost::asio::ip::address_v4::loopback(), told);
}

void World::change_primary() {
  auto& primary = primaries_.all()[kernel_.random(primaries_.all().size())];
  const auto how = kernel_.random(10);
  primary.state = how < 7 ? State::up : how < 8 ? State::refusing : State::silent;
  primary.lies = kernel_.chance(40) ? 0 : static_cast<unsigned>(kernel_.random(100));
  if (kernel_.chance(20)) kernel_.reset_all();
  kernel_.note("a primary is in state " + std::to_string(static_cast<int>(primary.state)) + " and lies in " +
               std::to_string(primary.lies) + " of 100 answers");
}

void World::restart() {
  const bool clean = kernel_.chance(40);
  kernel_.note(clean ? "the process ends" : "the process is killed");
  ++seen_.restarts;
  stop(clean);
  kernel_.reset_all();
  if (jumped_) fresh_ = std::max(fresh_, kernel_.now());
  start();
}

void World::give_order() {
  if (kernel_.chance(50)) {  // in the midst of a cycle
    notify();
    pass(Time(kernel_.random(300)));
  }
  const sync::ZoneStatus now = status();
  const dns::Name& apex = settings_.apex;
  ++seen_.orders;
  seen_.held += now.held.has_value();
  ++orders_under_way_;
  const auto done = [this, process = process_.get()](const Result<std::string>& outcome) {
    kernel_.note("an order ends: " + (outcome ? *outcome : std::string(outcome.error().reason)));
    if (process == process_.get() && orders_under_way_ != 0) --orders_under_way_;
  };
  switch (kernel_.random(7)) {
    case 0:
      kernel_.note("order: hold");
      return process_->sync.hold(apex, done);
    case 1:
      kernel_.note("order: retransfer");
      ordered_ = true;
      return process_->sync.retransfer(apex, done);
    case 2:
      kernel_.note("order: refresh");
      return process_->sync.refresh(apex, done);
    case 3:
      kernel_.note("order: rollback");
      ordered_ = true;
      return process_->sync.rollback(apex, 1 + kernel_.random(now.row.version + 1), kernel_.chance(50), done);
    case 4:
      kernel_.note("order: accept");
      ordered_ = true;
      return process_->sync.accept(apex, now.held ? now.held->row.version : now.row.version + 1, done);
    default:
      kernel_.note("order: resume");
      ordered_ = true;
      return process_->sync.resume(apex, done);
  }
}

void World::disturb() {
  const auto what = kernel_.random(100);
  if (what < 30) {
    const auto how = kernel_.random(20);
    editions_.publish(how < 14   ? Editions::Serial::on
                      : how < 16 ? Editions::Serial::unmoved
                                 : Editions::Serial::back);
    kernel_.note("published edition " + std::to_string(editions_.size() - 1) + ", serial " +
                 std::to_string(editions_.newest().serial));
    for (auto& primary : primaries_.all()) {
      if (kernel_.chance(80)) primary.edition = editions_.size() - 1;
    }
    if (kernel_.chance(70)) notify();
  } else if (what < 50) {
    change_primary();
  } else if (what < 65) {
    give_order();
  } else if (what < 72) {
    restart();
  } else if (what < 82) {
    notify();
  } else if (what < 87) {
    mirror_->failures_to_come = 1 + static_cast<unsigned>(kernel_.random(3));
    kernel_.note("the disk fails");
  } else if (what < 92) {
    const Seconds jump(static_cast<std::int64_t>(kernel_.random(63'072'000)) - 31'536'000);
    kernel_.jump(kernel_.chance(50) ? jump : jump / 8760);
    jumped_ = true;
    kernel_.note("the wall clock jumps");
  } else {
    for (auto& primary : primaries_.all()) primary.edition = editions_.size() - 1;
  }
}

void World::run() {
  for (std::uint64_t left = 15 + kernel_.random(35); left > 0; --left) {
    disturb();
    const bool long_time = kernel_.chance(10);
    pass(Time(kernel_.chance(40) ? kernel_.random(300) : kernel_.random(long_time ? 2'000'000 : 90'000)));
  }
  settle();
}

// Faults are over, and operators let go: the newest is served, soon.
void World::settle() {
  kernel_.note("faults are over");
  mirror_->failures_to_come = 0;
  kernel_.reset_all();
  editions_.publish(Editions::Serial::past_all);
  for (auto& primary : primaries_.all()) primary = {State::up, 0, editions_.size() - 1};
  const Time end = kernel_.now() + patience();
  while (!is_newest() && kernel_.now() < end) {
    const sync::ZoneStatus now = status();
    const auto done = [](const Result<std::string>&) {};
    ordered_ = ordered_ || now.held || now.standing.rolled_back;
    if (now.standing.hold || now.standing.rolled_back) process_->sync.resume(settings_.apex, done);
    if (now.held) process_->sync.accept(settings_.apex, now.held->row.version, done);
    pass(std::chrono::seconds(5));
  }
  if (!is_newest())
    broken("edition " + std::to_string(editions_.size() - 1) + " is not served after " +
           std::to_string(patience().count() / 1000) + " s without faults; " +
           (served_ ? "edition " + std::to_string(*served_) : std::string("nothing")) + " is");
  pass(std::chrono::seconds(60));
  for (unsigned left = 60; kernel_.open_sockets() != 0; --left) {  // but for a check that is under way
    if (left == 0) broken("sockets are left open");
    pass(std::chrono::seconds(1));
  }
  look();
}

}  // namespace understudy::test
