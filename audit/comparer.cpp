#include "audit/comparer.h"

#include <algorithm>
#include <boost/asio/steady_timer.hpp>
#include <map>
#include <random>
#include <unordered_set>

#include "audit/address_runner.h"
#include "audit/passes.h"
#include "base/log.h"
#include "dns/message.h"
#include "server/query_samples.h"

namespace understudy::audit {

namespace {

// How often samples of clients' queries are fetched; what comes faster than the ring holds is not compared.
constexpr std::chrono::milliseconds tick{500};

// Types that are no data of a zone (RFC 6895 3.1), and those whose answers servers choose freely.
bool is_comparable(dns::RRType type) {
  const auto number = static_cast<std::uint16_t>(type);
  const bool meta = number == 0 || (number >= 128 && number <= 255) || type == dns::RRType::OPT;
  return !meta && type != dns::RRType::RRSIG && type != dns::RRType::NSEC3;
}

}  // namespace

struct Comparer::Impl {
  struct Zone {
    dns::StoredName name;
    Passes passes = {};
    SteadyTime refreshed{};  // when the last refresh began that was for a doubt
    bool refreshing = false, refresh_wanted = false;
    // Of each expectation that it has no purpose any more; none: nothing was told.
    std::unique_ptr<std::vector<bool>> told = {};
  };
  struct NameOf {
    dns::NameView operator()(const std::unique_ptr<Zone>& zone) const { return zone->name; }
  };
  using ByName = backend::ByApex<NameOf>;

  Impl(boost::asio::io_context& io, backend::Mirror& m, backend::ZoneTables& t, const Clock& c,
       CompareOptions o)
      : context(io), mirror(m), tables(t), clock(c), options(std::move(o)), timer(io) {}

  Result<> prepare();
  void enter(CompareTarget target);
  void restore(const dns::Name& apex, const Passes& passes);
  void drop_others(const std::vector<backend::AuditRow>& rows, const Passes& passes);
  void work_later();
  void take_samples();
  void offer(dns::Octets query);
  Zone* zone_of(dns::NameView name);
  void doubted(const dns::Name& apex);
  void refresh_wanted();
  void refresh_when_due(Zone& zone);
  void flush();
  void look_for_unused();
  void tell_of_expectations(Zone& zone);
  ZoneComparison report(const Zone& zone) const;
  Instant now() const { return {clock.steady(), clock.wall()}; }
  PassOptionsPtr pass_options() const;

  boost::asio::io_context& context;
  backend::Mirror& mirror;
  backend::ZoneTables& tables;
  const Clock& clock;
  CompareOptions options;
  std::random_device random;
  std::shared_ptr<RunnerContext> shared;  // none before prepare()
  std::unordered_set<std::unique_ptr<Zone>, ByName, ByName> zones;
  std::map<net::Endpoint, std::shared_ptr<AddressRunner>> runners;  // stay when the last of their zones goes
  std::vector<server::QuerySamples*> samples;
  const std::shared_ptr<std::size_t> kept = std::make_shared<std::size_t>(0);  // mismatches of all passes
  PassOptionsPtr of_passes;                                                    // that all of them share
  std::vector<bool> needed;           // of each expectation: in some zone it explains something, or may still
  std::vector<dns::Name> to_refresh;  // zones that want it: now, or when the one before is over
  std::vector<backend::AuditRow> outdated;  // to be taken out of the mirror at the next flush
  boost::asio::steady_timer timer;
  SteadyTime flushed{};
  const std::shared_ptr<const bool> alive =
      std::make_shared<const bool>(true);  // what has expired already asks
};

Result<> Comparer::Impl::prepare() {
  if (shared) return {};
  auto pipeline_reader = mirror.reader();
  if (!pipeline_reader) return pipeline_reader.error().within("comparing");
  auto walk_reader = mirror.reader();
  if (!walk_reader) return walk_reader.error().within("comparing");
  auto own = std::make_unique<OwnAnswers>(tables, std::move(*pipeline_reader));
  shared = std::make_shared<RunnerContext>(RunnerContext{context, clock, options.timeout, std::move(own),
                                                         std::move(*walk_reader),
                                                         [this](const dns::Name& apex) { doubted(apex); }});
  of_passes = pass_options();
  flushed = clock.steady();
  work_later();
  return {};
}

PassOptionsPtr Comparer::Impl::pass_options() const {
  auto pass = std::make_shared<PassOptions>();
  pass->period = options.period;
  pass->confirm_after = options.confirm_after;
  pass->refreshes = static_cast<bool>(options.refresh);
  pass->expectations = options.expectations;
  pass->kept = kept;
  return pass;
}

Comparer::Comparer(boost::asio::io_context& context, backend::Mirror& mirror, backend::ZoneTables& tables,
                   const Clock& clock, CompareOptions options)
    : impl_(std::make_unique<Impl>(context, mirror, tables, clock, std::move(options))) {}

Comparer::~Comparer() {
  stop();
  if (!impl_->shared) return;
  // The mirror may go before the coroutines that still hold the rest.
  impl_->shared->own.reset();
  impl_->shared->reader.reset();
  impl_->shared->doubted = nullptr;
}

void Comparer::sample_from(std::vector<server::QuerySamples*> samples) {
  impl_->samples = std::move(samples);
}

Result<> Comparer::start(std::vector<CompareTarget> targets) {
  if (const Result<> ready = impl_->prepare(); !ready) return ready;
  for (CompareTarget& target : targets) impl_->enter(std::move(target));
  return {};
}

void Comparer::Impl::enter(CompareTarget target) {
  auto zone = std::make_unique<Zone>(Zone{.name = dns::StoredName(target.zone)});
  Passes& passes = zone->passes;
  for (const net::Endpoint& address : distinct(std::move(target.addresses)))
    passes.push_back(std::make_shared<ZonePass>(target.zone, address, of_passes, random()));
  restore(target.zone, passes);
  for (const auto& pass : passes) {
    auto& runner = runners[pass->tally().address];
    if (!runner) {
      const AddressRunner::Options pace{options.queries_per_second, options.serial_period};
      runner = std::make_shared<AddressRunner>(shared, pass->tally().address, pace);
      runner->start();
    }
    runner->add(pass);
  }
  passes.shrink_to_fit();
  zones.insert(std::move(zone));
}

// Where it cannot be read the passes begin at their beginning.
void Comparer::Impl::restore(const dns::Name& apex, const Passes& passes) {
  backend::Reader& reader = *shared->reader;
  if (!reader.renew()) return;
  if (const auto row = reader.zone(apex); row && row->generation != 0) {
    auto rows = reader.audit_rows(row->id, backend::AuditKind::pass);
    auto evidence = reader.audit_rows(row->id, backend::AuditKind::evidence);
    rows.insert(rows.end(), std::make_move_iterator(evidence.begin()),
                std::make_move_iterator(evidence.end()));
    for (const auto& pass : passes) pass->restore(*row, rows, now());
    drop_others(rows, passes);
  }
  reader.reset();
}

// Rows of addresses that the zone is compared with no more: nobody would ever take them out.
void Comparer::Impl::drop_others(const std::vector<backend::AuditRow>& rows, const Passes& passes) {
  const auto compared = [&](const backend::AuditRow& row) {
    const auto evidence =
        row.kind == backend::AuditKind::evidence ? decode_evidence(row.value) : std::nullopt;
    return std::any_of(passes.begin(), passes.end(), [&](const auto& pass) {
      const net::Endpoint& address = pass->tally().address;
      return row.kind == backend::AuditKind::pass ? row.key == address_key(address)
                                                  : evidence && evidence->address == address;
    });
  };
  for (const backend::AuditRow& row : rows) {
    if (!compared(row)) outdated.push_back({row.zone, row.kind, row.key, {}});
  }
}

void Comparer::add(CompareTarget target) {
  remove(target.zone);
  impl_->enter(std::move(target));
}

void Comparer::remove(dns::NameView zone) {
  for (const auto& [address, runner] : impl_->runners) runner->remove(zone);
  const auto found = impl_->zones.find(zone);
  if (found != impl_->zones.end()) impl_->zones.erase(found);
}

void Comparer::change(double queries_per_second, Seconds period, ExpectationsPtr expectations) {
  CompareOptions& options = impl_->options;
  options.queries_per_second = queries_per_second;
  options.period = period;
  options.expectations = std::move(expectations);
  impl_->of_passes = impl_->pass_options();
  impl_->needed.clear();
  for (const auto& zone : impl_->zones) {
    zone->told.reset();
    for (const auto& pass : zone->passes) pass->change(impl_->of_passes, impl_->now());
  }
  for (const auto& [address, runner] : impl_->runners) runner->change(queries_per_second);
}

void Comparer::stop() {
  impl_->timer.cancel();
  for (const auto& [address, runner] : impl_->runners) runner->stop();
  impl_->flush();
}

void Comparer::published(const backend::ZoneEntry& zone, const backend::ZoneRow&) {
  for (const auto& [address, runner] : impl_->runners) runner->published(zone.apex());
}

void Comparer::Impl::work_later() {
  timer.expires_after(tick);
  timer.async_wait([this, alive = std::weak_ptr<const bool>(alive)](const boost::system::error_code& fault) {
    if (fault || alive.expired()) return;
    take_samples();
    refresh_wanted();
    if (clock.steady() - flushed >= options.flush_period) flush();
    work_later();
  });
}

void Comparer::Impl::take_samples() {
  for (server::QuerySamples* const worker : samples)
    worker->take([this](dns::Octets query) { offer(query); });
}

void Comparer::Impl::offer(dns::Octets octets) {
  dns::Query query;
  if (dns::parse_query(octets, query) != dns::QueryFault::none) return;
  const bool plain = query.header.opcode() == dns::Opcode::query && query.question.qclass == dns::RRClass::IN;
  if (!plain || !is_comparable(query.question.type)) return;
  Zone* const zone = zone_of(query.question.name);
  if (zone == nullptr) return;
  const dns::Name& name = query.question.name;
  // DS at the apex is the parent zone's, which one of us may serve as well; the walk knows how to judge it.
  if (query.question.type == dns::RRType::DS && zone->name.view().equals(name)) return;
  for (const auto& pass : zone->passes) {
    pass->offer({name, query.question.type, false, false, name.lowered()},
                query.edns && query.edns->dnssec_ok);
    runners[pass->tally().address]->woken(zone->name);
  }
}

// By longest suffix, as queries are.
Comparer::Impl::Zone* Comparer::Impl::zone_of(dns::NameView name) {
  for (;; name = name.parent()) {
    const auto found = zones.find(name);
    if (found != zones.end()) return found->get();
    if (name.is_root()) return nullptr;
  }
}

void Comparer::Impl::doubted(const dns::Name& apex) {
  const auto found = zones.find(dns::NameView(apex));
  if (found == zones.end() || !options.refresh || std::exchange((*found)->refresh_wanted, true)) return;
  refresh_when_due(**found);
}

// A refresh that began before the doubt does not count for it: another one follows.
void Comparer::Impl::refresh_wanted() {
  for (const dns::Name& apex : std::exchange(to_refresh, {})) {
    const auto found = zones.find(dns::NameView(apex));
    if (found != zones.end() && (*found)->refresh_wanted) refresh_when_due(**found);
  }
}

void Comparer::Impl::refresh_when_due(Zone& zone) {
  const bool soon =
      zone.refreshed != SteadyTime{} && clock.steady() - zone.refreshed < options.refresh_period;
  if (zone.refreshing || soon) {
    to_refresh.emplace_back(zone.name);
    return;
  }
  zone.refresh_wanted = false;
  zone.refreshing = true;
  zone.refreshed = clock.steady();
  const dns::Name apex(zone.name);
  options.refresh(apex, [this, apex, began = zone.refreshed, alive = std::weak_ptr<const bool>(alive)] {
    if (alive.expired()) return;
    const auto found = zones.find(dns::NameView(apex));
    if (found == zones.end()) return;
    (*found)->refreshing = false;
    for (const auto& pass : (*found)->passes) pass->refreshed(began);
  });
}

// One that is for several zones is not pointless where only one of them has no use for it.
ZoneComparison Comparer::Impl::report(const Zone& zone) const {
  ZoneComparison all = combine(dns::Name(zone.name), zone.passes, options.expectations, clock.wall());
  for (ExpectedState& state : all.expectations)
    state.unused = state.unused && state.number < needed.size() && !needed[state.number];
  return all;
}

void Comparer::Impl::look_for_unused() {
  if (!options.expectations || options.expectations->empty()) return;
  needed.assign(options.expectations->size(), false);
  for (const auto& zone : zones) {
    for (const ExpectedState& state :
         combine(dns::Name(zone->name), zone->passes, options.expectations, clock.wall()).expectations)
      needed[state.number] = needed[state.number] || !state.unused;
  }
}

void Comparer::Impl::flush() {
  flushed = clock.steady();
  look_for_unused();
  std::vector<backend::AuditRow> rows = std::exchange(outdated, {});
  for (const auto& zone : zones) {
    if (options.expectations && !options.expectations->empty()) {
      for (const auto& pass : zone->passes) pass->look_at_expectations(clock.wall());
    }
    tell_of_expectations(*zone);
    if (!options.save) continue;
    for (const auto& pass : zone->passes) {
      for (backend::AuditRow& row : pass->take_rows()) rows.push_back(std::move(row));
    }
  }
  if (options.save && !rows.empty()) options.save(std::move(rows));
}

void Comparer::Impl::tell_of_expectations(Zone& zone) {
  if (!options.expectations || options.expectations->empty()) return;
  const ZoneComparison report = this->report(zone);
  if (!zone.told) zone.told = std::make_unique<std::vector<bool>>();
  std::vector<bool>& told = *zone.told;
  told.resize(report.expectations.size());
  for (std::size_t i = 0; i < report.expectations.size(); ++i) {
    const ExpectedState& state = report.expectations[i];
    const bool pointless = state.over || state.unused;
    if (pointless && !told[i]) {
      log::warning(
          "expectation-pointless",
          {{"zone", dns::to_string(zone.name.view())},
           {"owner", state.owner},
           {"message", state.over ? "its time is over: what it explained counts as a difference again"
                                  : "it matches nothing any more: take it out of [[compare.expect]]"}});
    }
    told[i] = pointless;
  }
}

std::vector<ZoneComparison> Comparer::comparisons() const {
  std::vector<ZoneComparison> all;
  all.reserve(impl_->zones.size());
  for (const auto& zone : impl_->zones) all.push_back(impl_->report(*zone));
  return all;
}

void Comparer::visit(const std::function<void(const ZoneComparison&)>& look) const {
  for (const auto& zone : impl_->zones) look(impl_->report(*zone));
}

std::optional<ZoneComparison> Comparer::comparison(dns::NameView zone) const {
  const auto found = impl_->zones.find(zone);
  if (found == impl_->zones.end()) return std::nullopt;
  return impl_->report(**found);
}

}  // namespace understudy::audit
