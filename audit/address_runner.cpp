#include "audit/address_runner.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "base/log.h"
#include "net/dns_client.h"

namespace understudy::audit {
namespace asio = boost::asio;

using dns::RRType;

namespace {

constexpr auto as_values = asio::as_tuple(asio::use_awaitable);

void log_thrown(std::exception_ptr thrown) {
  if (!thrown) return;
  try {
    std::rethrow_exception(thrown);
  } catch (const std::exception& e) {
    log::error("comparison-failed", {{"message", e.what()}});
  }
}

}  // namespace

AddressRunner::AddressRunner(std::shared_ptr<RunnerContext> shared, net::Endpoint address, Options options)
    : shared_(std::move(shared)),
      address_(std::move(address)),
      options_(options),
      pacer_(options.queries_per_second),
      timer_(shared_->context) {}

// Coroutines may outlive it with a slot of theirs, which stands in no queue then.
AddressRunner::~AddressRunner() {
  queue_.clear();
  walks_.clear();
}

void AddressRunner::add(std::shared_ptr<ZonePass> pass) {
  remove(pass->apex());
  auto slot = std::make_shared<Slot>();
  slot->pass = std::move(pass);
  enqueue(*slot);
  slots_.insert(std::move(slot));
  timer_.cancel();
}

void AddressRunner::remove(dns::NameView apex) {
  const auto it = slots_.find(apex);
  if (it == slots_.end()) return;
  (*it)->removed = true;
  dequeue(**it);
  slots_.erase(it);
}

void AddressRunner::start() { spawn(run(shared_from_this())); }

void AddressRunner::stop() {
  stopped_ = true;
  timer_.cancel();
}

void AddressRunner::change(double queries_per_second) {
  options_.queries_per_second = queries_per_second;
  pacer_.change(queries_per_second, shared_->clock.steady());
  for (const auto& slot : slots_) reschedule(slot);
  timer_.cancel();
}

void AddressRunner::published(dns::NameView apex) {
  const auto it = slots_.find(apex);
  if (it == slots_.end()) return;
  (*it)->pass->published();
  // Whether the address has it too is the first thing to know.
  (*it)->serial_due = {};
  reschedule(*it);
}

void AddressRunner::woken(dns::NameView apex) {
  const auto it = slots_.find(apex);
  if (it != slots_.end()) reschedule(*it);
}

void AddressRunner::spawn(asio::awaitable<void> coroutine) {
  asio::co_spawn(shared_->context, std::move(coroutine), log_thrown);
}

std::chrono::nanoseconds AddressRunner::serial_period() const {
  const std::chrono::duration<double> least(static_cast<double>(slots_.size()) /
                                            (serial_share * options_.queries_per_second));
  return std::max<std::chrono::nanoseconds>(options_.serial_period,
                                            std::chrono::duration_cast<std::chrono::nanoseconds>(least));
}

SteadyTime AddressRunner::when_due(const Slot& slot) const {
  // Before the address has told its serial nothing else is asked: it says whether anybody is there.
  if (slot.asking_serial) return slot.serial_due == SteadyTime{} ? SteadyTime::max() : slot.pass->due_first();
  return std::min(slot.serial_due, slot.pass->due_first());
}

SteadyTime AddressRunner::when_walk_due(const Slot& slot) const {
  return slot.serial_due == SteadyTime{} ? SteadyTime::max() : slot.pass->walk_due();
}

void AddressRunner::enqueue(Slot& slot) {
  slot.due = when_due(slot);
  slot.walk_due = when_walk_due(slot);
  queue_.insert(slot);
  walks_.insert(slot);
}

void AddressRunner::dequeue(Slot& slot) {
  queue_.erase(queue_.iterator_to(slot));
  walks_.erase(walks_.iterator_to(slot));
}

void AddressRunner::reschedule(const std::shared_ptr<Slot>& slot) {
  dequeue(*slot);
  enqueue(*slot);
  timer_.cancel();
}

asio::awaitable<void> AddressRunner::run(Self self) {
  while (!self->stopped_) {
    const SteadyTime now = self->shared_->clock.steady();
    SteadyTime due = SteadyTime::max();
    if (!self->queue_.empty()) due = std::min(self->queue_.begin()->due, self->walks_.begin()->walk_due);
    if (self->under_way_ >= most_under_way) due = SteadyTime::max();
    due = std::max(due, self->pacer_.due());
    if (due <= now) {
      if (self->send_one()) {
        self->pacer_.sent(now);
      } else {  // many nodes without a question: other coroutines' turn
        co_await asio::post(self->shared_->context, asio::use_awaitable);
      }
      continue;
    }
    // Cancelled whenever something changes; a wait that ends early does no harm.
    self->timer_.expires_after(std::min<SteadyTime::duration>(due - now, std::chrono::minutes(1)));
    co_await self->timer_.async_wait(as_values);
  }
}

bool AddressRunner::send_one() {
  const Instant moment = now();
  const Slot& next = queue_.begin()->due <= moment.steady ? *queue_.begin() : *walks_.begin();
  const std::shared_ptr<Slot> slot = *slots_.find(next.pass->apex());
  if (!slot->asking_serial && slot->serial_due <= moment.steady) {
    slot->asking_serial = true;
    ++under_way_;
    spawn(check_serial(shared_from_this(), slot));
    reschedule(slot);
    return true;
  }
  auto ask = slot->pass->take(*shared_->reader, moment);
  if (ask && *ask) {
    ++under_way_;
    spawn(examine(shared_from_this(), slot, std::move(**ask)));
  } else if (!ask) {
    log::warning("comparison-waits",
                 {{"zone", to_string(slot->pass->apex())}, {"message", ask.error().message}});
  }
  reschedule(slot);
  return ask && *ask;
}

void AddressRunner::heard(const NormalAnswer& answer) {
  const bool silent = answer.end == NormalAnswer::End::unknown;
  silent ? pacer_.unanswered() : pacer_.answered();
}

asio::awaitable<AddressRunner::Heard> AddressRunner::put(Self self, std::shared_ptr<Slot> slot,
                                                         Question question, net::Message query) {
  net::AskOptions options;
  options.timeout = self->shared_->timeout;
  auto asking = net::ask(self->address_, std::move(query), options);
  Result<net::ServerResponse> response = co_await std::move(asking);
  Heard heard;
  if (response) {
    // What was cut short was asked twice.
    if (response->transport == net::Transport::tcp) self->pacer_.sent(self->shared_->clock.steady());
    heard.answer = normalise(slot->pass->apex(), question, response->octets);
    heard.octets = std::move(response->octets);
  } else {
    heard.answer = no_answer(std::string(response.error().reason));
  }
  self->heard(heard.answer);
  co_return heard;
}

asio::awaitable<void> AddressRunner::check_serial(Self self, std::shared_ptr<Slot> slot) {
  const dns::Name apex(slot->pass->apex());
  const Question soa{apex, RRType::SOA, false, false, apex};
  auto asking = put(self, slot, soa, net::make_query(soa.name, soa.type));
  const Heard heard = co_await std::move(asking);
  --self->under_way_;
  if (self->stopped_ || slot->removed) co_return;
  std::optional<std::uint32_t> serial;
  if (heard.answer.end == NormalAnswer::End::data) {
    serial = dns::Soa::of(heard.answer.data.rdata.front()).serial;
  }
  const SteadyTime now = self->shared_->clock.steady();
  slot->pass->heard_serial(serial, now);
  slot->asking_serial = false;
  slot->serial_due = now + self->serial_period();
  self->reschedule(slot);
}

asio::awaitable<void> AddressRunner::examine(Self self, std::shared_ptr<Slot> slot, Ask ask) {
  if (self->stopped_) co_return;
  // A difference is put to the address once more together with its serial: where it has another than ours, it
  // proves nothing.
  if (ask.again && !slot->pass->knows_serial_since(ask.doubted_at)) {
    self->pacer_.sent(self->shared_->clock.steady());
    ++self->under_way_;
    auto serial = check_serial(self, slot);
    co_await std::move(serial);
    if (self->stopped_) co_return;
  }
  const net::Message query = query_of(ask);
  auto asking = put(self, slot, ask.question, query);
  const Heard theirs = co_await std::move(asking);
  --self->under_way_;
  if (self->stopped_ || slot->removed) co_return;
  // Our answer last, from the newest version.
  const dns::Octets response = self->shared_->own->answer(query);
  const NormalAnswer ours =
      response.empty() ? no_answer("no answer") : normalise(slot->pass->apex(), ask.question, response);
  slot->pass->settle(ask, ours, theirs.answer, self->now(), {response, theirs.octets});
  if (slot->pass->take_doubted() && self->shared_->doubted)
    self->shared_->doubted(dns::Name(slot->pass->apex()));
  self->reschedule(slot);
}

}  // namespace understudy::audit
