#include "audit/comparer.h"

#include <algorithm>
#include <random>

#include "audit/address_runner.h"

namespace understudy::audit {

namespace {

using Passes = std::vector<std::shared_ptr<ZonePass>>;
using Runners = std::vector<std::shared_ptr<AddressRunner>>;

// A single comparison is waited for.
constexpr std::chrono::milliseconds confirm_once_after{1000};
constexpr std::chrono::milliseconds progress_period{100};

// What the passes over one zone, one an address, say together.
ZoneComparison combine(const dns::Name& zone, const Passes& passes) {
  ZoneComparison all;
  all.zone = zone;
  if (passes.empty()) return all;
  all.complete = true;
  all.coverage = 1;
  all.version = passes.front()->version();
  all.last_full_pass = passes.front()->last_full_pass();
  for (const auto& pass : passes) {
    all.version = std::min(all.version, pass->version());
    all.against.push_back(pass->tally());
    all.complete = all.complete && pass->complete();
    all.coverage = std::min(all.coverage, pass->coverage());
    all.last_full_pass = std::min(all.last_full_pass, pass->last_full_pass());
    for (std::size_t i = 0; i < all.totals.size(); ++i) all.totals[i] += pass->totals()[i];
    pass->append_mismatches(all.mismatches);
  }
  if (all.mismatches.size() > ZonePass::most_mismatches) all.mismatches.resize(ZonePass::most_mismatches);
  return all;
}

// The addresses, each once.
std::vector<net::Endpoint> distinct(std::vector<net::Endpoint> addresses) {
  std::sort(addresses.begin(), addresses.end());
  addresses.erase(std::unique(addresses.begin(), addresses.end()), addresses.end());
  return addresses;
}

struct SingleRun {
  dns::Name zone;
  Passes passes;
  Runners runners;
  Comparer::Progress progress;
  Comparer::Done done;
  SteadyTime told{};
  bool over = false;

  // How many questions a pass has in all is known only at its end; until then it is estimated by the nodes
  // walked.
  void tell(bool last) {
    std::uint64_t asked = 0;
    double coverage = 1;
    for (const auto& pass : passes) {
      asked += pass->tally().asked;
      coverage = std::min(coverage, pass->coverage());
    }
    const double all =
        coverage > 0 && !last ? static_cast<double>(asked) / coverage : static_cast<double>(asked);
    progress(asked, std::max(asked, static_cast<std::uint64_t>(all)));
  }
};

}  // namespace

struct Comparer::Impl {
  struct Zone {
    dns::Name name;
    Passes passes;
  };

  Impl(boost::asio::io_context& io, backend::Mirror& m, backend::ZoneTables& t, const Clock& c,
       CompareOptions o)
      : context(io), mirror(m), tables(t), clock(c), options(o) {}

  Result<> prepare();
  void enter(CompareTarget target);
  void published(dns::NameView zone);
  std::shared_ptr<SingleRun> make_single(dns::NameView zone, const std::vector<net::Endpoint>& addresses,
                                         double rate);
  void progressed(const std::shared_ptr<SingleRun>& run);
  PassOptions pass_options(bool once) const;
  AddressRunner::Options runner_options(double rate, bool once) const {
    return {rate, options.serial_period, once};
  }

  boost::asio::io_context& context;
  backend::Mirror& mirror;
  backend::ZoneTables& tables;
  const Clock& clock;
  const CompareOptions options;
  std::random_device random;
  std::shared_ptr<RunnerContext> shared;  // none before prepare()
  std::vector<Zone> zones;
  std::map<net::Endpoint, std::shared_ptr<AddressRunner>> runners;  // stay when the last of their zones goes
  std::vector<std::shared_ptr<SingleRun>> singles;
};

Result<> Comparer::Impl::prepare() {
  if (shared) return {};
  auto pipeline_reader = mirror.reader();
  if (!pipeline_reader) return pipeline_reader.error().within("comparing");
  auto walk_reader = mirror.reader();
  if (!walk_reader) return walk_reader.error().within("comparing");
  auto own = std::make_unique<OwnAnswers>(tables, std::move(*pipeline_reader));
  shared = std::make_shared<RunnerContext>(
      RunnerContext{context, clock, options.timeout, std::move(own), std::move(*walk_reader)});
  return {};
}

PassOptions Comparer::Impl::pass_options(bool once) const {
  PassOptions pass;
  pass.period = options.period;
  pass.confirm_after = once ? std::min(confirm_once_after, options.confirm_after) : options.confirm_after;
  pass.once = once;
  return pass;
}

void Comparer::Impl::published(dns::NameView zone) {
  for (const auto& [address, runner] : runners) runner->published(zone);
  for (const auto& single : singles) {
    for (const auto& runner : single->runners) runner->published(zone);
  }
}

std::shared_ptr<SingleRun> Comparer::Impl::make_single(dns::NameView zone,
                                                       const std::vector<net::Endpoint>& addresses,
                                                       double rate) {
  auto run = std::make_shared<SingleRun>();
  run->zone = dns::Name(zone);
  for (const net::Endpoint& address : addresses) {
    auto pass = std::make_shared<ZonePass>(run->zone, address, pass_options(true), random());
    auto runner = std::make_shared<AddressRunner>(shared, address, runner_options(rate, true));
    runner->add(pass);
    // Weak, since the run holds the runner.
    runner->on_progress([this, weak = std::weak_ptr<SingleRun>(run)] {
      if (const auto single = weak.lock()) progressed(single);
    });
    run->passes.push_back(std::move(pass));
    run->runners.push_back(std::move(runner));
  }
  return run;
}

void Comparer::Impl::progressed(const std::shared_ptr<SingleRun>& run) {
  if (run->over) return;
  run->over =
      std::all_of(run->passes.begin(), run->passes.end(), [](const auto& p) { return p->finished(); });
  const SteadyTime now = clock.steady();
  if (run->progress && (run->over || now - run->told >= progress_period)) {
    run->told = now;
    run->tell(run->over);
  }
  if (!run->over) return;
  for (const auto& runner : run->runners) runner->stop();
  std::erase(singles, run);
  run->done(combine(run->zone, run->passes));
}

Comparer::Comparer(boost::asio::io_context& context, backend::Mirror& mirror, backend::ZoneTables& tables,
                   const Clock& clock, CompareOptions options)
    : impl_(std::make_unique<Impl>(context, mirror, tables, clock, options)) {}

Comparer::~Comparer() {
  stop();
  if (!impl_->shared) return;
  // The mirror may go before the coroutines that still hold the rest.
  impl_->shared->own.reset();
  impl_->shared->reader.reset();
}

Result<> Comparer::start(std::vector<CompareTarget> targets) {
  if (const Result<> ready = impl_->prepare(); !ready) return ready;
  for (CompareTarget& target : targets) impl_->enter(std::move(target));
  return {};
}

void Comparer::Impl::enter(CompareTarget target) {
  Zone zone{target.zone, {}};
  for (const net::Endpoint& address : distinct(std::move(target.addresses))) {
    auto& runner = runners[address];
    if (!runner) {
      runner =
          std::make_shared<AddressRunner>(shared, address, runner_options(options.queries_per_second, false));
      runner->start();
    }
    auto pass = std::make_shared<ZonePass>(target.zone, address, pass_options(false), random());
    runner->add(pass);
    zone.passes.push_back(std::move(pass));
  }
  zones.push_back(std::move(zone));
}

void Comparer::add(CompareTarget target) {
  remove(target.zone);
  impl_->enter(std::move(target));
}

void Comparer::remove(dns::NameView zone) {
  for (const auto& [address, runner] : impl_->runners) runner->remove(zone);
  std::erase_if(impl_->zones, [&](const Impl::Zone& known) { return known.name.view().equals(zone); });
}

void Comparer::stop() {
  for (const auto& [address, runner] : impl_->runners) runner->stop();
  const auto singles = std::exchange(impl_->singles, {});
  for (const auto& single : singles) {
    single->over = true;
    for (const auto& runner : single->runners) runner->stop();
    single->done(Error{"stopping", "the server is stopping"});
  }
}

void Comparer::published(const backend::ZoneEntry& zone, const backend::ZoneRow&) {
  impl_->published(zone.apex());
}

std::vector<ZoneComparison> Comparer::comparisons() const {
  std::vector<ZoneComparison> all;
  all.reserve(impl_->zones.size());
  for (const Impl::Zone& zone : impl_->zones) all.push_back(combine(zone.name, zone.passes));
  return all;
}

std::optional<ZoneComparison> Comparer::comparison(dns::NameView zone) const {
  for (const Impl::Zone& candidate : impl_->zones) {
    if (candidate.name.view().equals(zone)) return combine(candidate.name, candidate.passes);
  }
  return std::nullopt;
}

void Comparer::compare_once(dns::NameView zone, std::vector<net::Endpoint> addresses, double rate,
                            Progress progress, Done done) {
  if (const Result<> ready = impl_->prepare(); !ready) return done(ready.error());
  const auto fail = [&](std::string_view reason, std::string_view what) {
    done(Error{reason, "comparing " + to_string(zone) + ": " + std::string(what)});
  };
  if (addresses.empty()) return fail("no-addresses", "no address was given; name one with --with");
  backend::Reader& reader = *impl_->shared->reader;
  const auto renewed = reader.renew();
  if (!renewed) return done(renewed.error());
  const auto row = reader.zone(zone);
  reader.reset();
  if (!row) return fail("zone-unknown", "the mirror holds no such zone");
  if (row->generation == 0) return fail("zone-empty", "nothing was received for it yet");
  const auto run = impl_->make_single(zone, distinct(std::move(addresses)), rate);
  run->progress = std::move(progress);
  run->done = std::move(done);
  impl_->singles.push_back(run);
  for (const auto& runner : run->runners) runner->start();
}

}  // namespace understudy::audit
