#include "control/traffic.h"

#include <cmath>

#include "control/report.h"
#include "dns/types.h"

namespace understudy::control {
namespace {

namespace json = boost::json;

constexpr std::chrono::seconds step{5};
constexpr std::array<std::string_view, 5> names{"NOERROR", "NXDOMAIN", "SERVFAIL", "REFUSED", "other"};

// The place of a response code among them.
std::size_t place_of(std::size_t rcode) {
  switch (rcode) {
    case 0:
      return 0;
    case 3:
      return 1;
    case 2:
      return 2;
    case 5:
      return 3;
    default:
      return 4;
  }
}

// Tenths are enough for a plot.
double rounded(double rate) { return std::round(rate * 10) / 10; }

}  // namespace

Traffic::Traffic(const server::Server& server, const Clock& clock, boost::asio::io_context& context)
    : server_(server), clock_(clock), timer_(context), last_time_(clock.steady()) {
  wait();
}

void Traffic::wait() {
  timer_.expires_after(step);
  timer_.async_wait([this](boost::system::error_code stopped) {
    if (stopped) return;
    sample();
    wait();
  });
}

Traffic::Counts Traffic::read() const {
  Counts counts;
  for (const metrics::WorkerCounters* worker : server_.counters()) {
    for (const auto& by_family : worker->requests) {
      for (const auto& by_type : by_family) {
        for (const metrics::Cell& cell : by_type) counts.queries += cell.get();
      }
    }
    for (std::size_t rcode = 0; rcode < metrics::WorkerCounters::rcode_slots; ++rcode)
      counts.rcodes[place_of(rcode)] += worker->responses[rcode].get();
  }
  return counts;
}

void Traffic::sample() {
  const Counts counts = read();
  const SteadyTime now = clock_.steady();
  const double seconds = std::max(0.001, std::chrono::duration<double>(now - last_time_).count());
  Rates rates;
  rates.queries = static_cast<double>(counts.queries - last_.queries) / seconds;
  for (std::size_t i = 0; i < classes; ++i)
    rates.rcodes[i] = static_cast<double>(counts.rcodes[i] - last_.rcodes[i]) / seconds;
  rates_.push_back(rates);
  if (rates_.size() > kept) rates_.pop_front();
  last_ = counts;
  last_time_ = now;
  until_ = clock_.wall();
}

json::object Traffic::report() const {
  json::array queries;
  for (const Rates& rates : rates_) queries.emplace_back(rounded(rates.queries));
  json::object rcodes;
  for (std::size_t i = 0; i < classes; ++i) {
    json::array values;
    for (const Rates& rates : rates_) values.emplace_back(rounded(rates.rcodes[i]));
    rcodes[names[i]] = std::move(values);
  }
  return {{"step_seconds", step.count()},
          {"until", until_ == 0 ? json::value(nullptr) : json::value(time_text(until_))},
          {"queries", std::move(queries)},
          {"rcodes", std::move(rcodes)}};
}

}  // namespace understudy::control
