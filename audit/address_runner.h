// Asks one address everything that the passes over its zones want to know, at the pace of one pacer.
//
// Made by the comparer, with std::make_shared: running coroutines hold it. Sync thread only. One coroutine
// chooses the next question; each question is a coroutine of its own, at most `most_under_way` of them.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/intrusive/set.hpp>
#include <unordered_set>

#include "audit/own_answers.h"
#include "audit/pacer.h"
#include "audit/query.h"
#include "backend/zone_table.h"

namespace understudy::audit {

// What all runners share. Their coroutines may end after the comparer has gone, with the io_context: once
// stopped they touch nothing of it.
struct RunnerContext {
  boost::asio::io_context& context;
  const Clock& clock;
  std::chrono::milliseconds timeout;
  std::unique_ptr<OwnAnswers> own;
  std::unique_ptr<backend::Reader> reader;  // of the walks
  // A zone whose answers differ is worth a look at its primary (may be empty).
  std::function<void(const dns::Name& apex)> doubted = {};
};

class AddressRunner : public std::enable_shared_from_this<AddressRunner> {
 public:
  static constexpr std::size_t most_under_way = 64;
  // The serials of all zones take at most this share of an address's budget.
  static constexpr double serial_share = 0.2;

  struct Options {
    double queries_per_second;
    Seconds serial_period;
  };
  AddressRunner(std::shared_ptr<RunnerContext> shared, net::Endpoint address, Options options);
  ~AddressRunner();

  // Before start() or after it; instead of another of that zone.
  void add(std::shared_ptr<ZonePass> pass);
  // Nothing more is asked for that zone; answers that are on their way are not heard.
  void remove(dns::NameView apex);
  void start();
  // No further question is sent; those under way are heard no more.
  void stop();
  // Another pace, and due times of its passes that may have changed.
  void change(double queries_per_second);
  // A new version of the zone is live.
  void published(dns::NameView apex);
  // The zone's pass has something to ask.
  void woken(dns::NameView apex);

 private:
  // A slot's place in a queue, by when it is due. In the slot itself: there are very many.
  using Link = boost::intrusive::set_member_hook<boost::intrusive::optimize_size<true>>;
  struct Slot {
    std::shared_ptr<ZonePass> pass;
    SteadyTime serial_due{};
    bool asking_serial = false, removed = false;
    SteadyTime due{}, walk_due{};  // as it stands in the queues
    Link link, walk_link;
  };
  template <SteadyTime Slot::*Due>
  struct ByDue {
    using type = SteadyTime;
    const SteadyTime& operator()(const Slot& slot) const { return slot.*Due; }
  };
  template <SteadyTime Slot::*Due, Link Slot::*Place>
  using Queue = boost::intrusive::multiset<Slot, boost::intrusive::member_hook<Slot, Link, Place>,
                                           boost::intrusive::key_of_value<ByDue<Due>>,
                                           boost::intrusive::constant_time_size<false>>;
  struct ApexOf {
    dns::NameView operator()(const std::shared_ptr<Slot>& slot) const { return slot->pass->apex(); }
  };
  using ByApex = backend::ByApex<ApexOf>;
  using Self = std::shared_ptr<AddressRunner>;

  static boost::asio::awaitable<void> run(Self self);
  static boost::asio::awaitable<void> examine(Self self, std::shared_ptr<Slot> slot, Ask ask);
  static boost::asio::awaitable<void> check_serial(Self self, std::shared_ptr<Slot> slot);
  // The response's octets, empty where none came, and what it says.
  struct Heard {
    net::Message octets;
    NormalAnswer answer;
  };
  static boost::asio::awaitable<Heard> put(Self self, std::shared_ptr<Slot> slot, Question question,
                                           net::Message query);
  void spawn(boost::asio::awaitable<void> coroutine);
  // Hands out what is due: true where a question was sent.
  bool send_one();
  void reschedule(const std::shared_ptr<Slot>& slot);
  SteadyTime when_due(const Slot& slot) const;
  SteadyTime when_walk_due(const Slot& slot) const;
  void enqueue(Slot& slot);
  void dequeue(Slot& slot);
  std::chrono::nanoseconds serial_period() const;
  void heard(const NormalAnswer& answer);
  Instant now() const { return {shared_->clock.steady(), shared_->clock.wall()}; }

  const std::shared_ptr<RunnerContext> shared_;
  const net::Endpoint address_;
  Options options_;
  Pacer pacer_;
  boost::asio::steady_timer timer_;
  // Coroutines that are under way hold theirs too.
  std::unordered_set<std::shared_ptr<Slot>, ByApex, ByApex> slots_;
  // Each slot stands in both; walks wait while anything else is due.
  Queue<&Slot::due, &Slot::link> queue_;
  Queue<&Slot::walk_due, &Slot::walk_link> walks_;
  std::size_t under_way_ = 0;
  bool stopped_ = false;
};

}  // namespace understudy::audit
