// What an agent knows of signatures: when the first one ends, and whether a zone without any is expected to
// have them.
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include "backend/soa_record.h"
#include "base/log.h"
#include "sync/gate.h"
#include "sync/zone_agent.h"

namespace understudy::sync {
namespace asio = boost::asio;

namespace {

// A zone that its parent has no DS record for is asked after again so often.
constexpr Seconds parent_period{3600};

struct Counted {
  backend::Version version = 0;
  backend::SignatureEnds ends;
};

// Version and count come from one snapshot: an increment changes the generation in place.
std::optional<Counted> count(backend::Mirror& mirror, const dns::Name& apex) {
  const auto reader = mirror.reader();
  if (!reader || !(*reader)->renew()) return std::nullopt;
  const auto row = (*reader)->zone(apex);
  if (!row || row->generation == 0) return std::nullopt;
  return Counted{row->version, backend::count_signatures(**reader, row->generation)};
}

}  // namespace

// The version is live; what it changes was worked out when it was built.
void ZoneAgent::follow_signatures(const BuiltZone& built) {
  if (signatures_.since) {
    signatures_.since->emplace_back(row_.version, built.signatures);
  } else if (!built.has_signatures) {
    signatures_.ends.reset();
    signatures_.counted_to = row_.version;
    show_signatures();
  } else if (!built.signatures || signatures_.counted_to == 0) {
    begin_counting();
  } else if (row_.version <= signatures_.counted_to) {
    show_signatures();  // it was counted before we were told of it
  } else {
    apply(*built.signatures);
    signatures_.counted_to = row_.version;
    show_signatures();
  }
}

void ZoneAgent::begin_counting() {
  if (signatures_.since || !has_data()) return;
  signatures_.since = std::make_unique<Signatures::Changes>();
  auto counting = count_signatures();
  asio::co_spawn(workshop_.executor, std::move(counting), asio::detached);
}

// One zone at a time, so that a start does not keep the pool from what arrives.
asio::awaitable<void> ZoneAgent::count_signatures() {
  const auto self = shared_from_this();  // for as long as this goes on
  using Count = std::shared_ptr<std::optional<Counted>>;
  auto entering = workshop_.counting.enter();
  co_await std::move(entering);
  bool again = !retired_;
  while (again) {
    auto later = Later<Count>::make(workshop_.executor);
    workshop_.pool.post([later, apex = apex(), &mirror = workshop_.mirror] {
      later->set(std::make_shared<std::optional<Counted>>(count(mirror, apex)));
    });
    auto waiting = later->get();
    const Count counted = co_await std::move(waiting);
    again = take_count(*counted ? std::optional(std::make_pair((*counted)->version, (*counted)->ends))
                                : std::nullopt);
  }
  workshop_.counting.leave();
  signatures_.since.reset();
  if (retired_) co_return;
  show_signatures();
  workshop_.reschedule(shared_from_this());
}

// False where nothing has to be counted again.
bool ZoneAgent::take_count(std::optional<std::pair<backend::Version, backend::SignatureEnds>> counted) {
  signatures_.counted_to = 0;
  if (!counted || retired_) return false;
  signatures_.ends = std::make_unique<backend::SignatureEnds>(std::move(counted->second));
  signatures_.counted_to = counted->first;
  for (const auto& [version, change] : std::exchange(*signatures_.since, {})) {
    if (version <= signatures_.counted_to) continue;  // the count has it already
    if (!change) return true;
    apply(*change);
    signatures_.counted_to = version;
  }
  return false;
}

void ZoneAgent::apply(const backend::SignatureChange& change) {
  if (!signatures_.ends) signatures_.ends = std::make_unique<backend::SignatureEnds>();
  signatures_.ends->apply(change);
}

// Nobody renews the signatures of a zone whose primaries are silent.
void ZoneAgent::show_signatures() {
  const Now now = Now::of(workshop_.clock);
  signatures_end_ = signatures_.counted_to != 0 && signatures_.ends ? signatures_.ends->first(now.wall) : 0;
  const bool stale = timer_.state() == ZoneState::stale && signatures_end_ != 0;
  signatures_end_at_ = stale ? now.steady + Seconds(signatures_end_ - now.wall) : SteadyTime::max();
}

// The nearest zone above that we serve may be the parent; then nobody has to be asked.
std::optional<ParentDs> ZoneAgent::ask_own_parent() const {
  const dns::Name own = apex();
  for (dns::NameView above = own; !above.is_root();) {
    above = above.parent();
    const ZoneAgent* const agent = workshop_.find_zone(above);
    if (agent == nullptr || !agent->has_data() || agent->timer_.state() == ZoneState::expired) continue;
    const auto reader = workshop_.mirror.reader();
    if (!reader || !(*reader)->renew()) return std::nullopt;
    // The generation as this snapshot has it: the agent's may be older.
    const auto row = (*reader)->zone(agent->apex());
    if (!row) return std::nullopt;
    return ds_in_mirror(**reader, agent->apex(), row->generation, apex());
  }
  return std::nullopt;
}

asio::awaitable<ParentDs> ZoneAgent::ask_parent() {
  if (apex().view().is_root()) co_return ParentDs{};
  if (auto own = ask_own_parent()) co_return std::move(*own);
  if (settings_->gate.parent_resolvers.empty()) co_return ParentDs{};
  auto asking = ask_for_ds(apex(), settings_->gate.parent_resolvers);
  co_return co_await std::move(asking);
}

// Of a version without keys that is to be served. Only one that would be the first, or the first without
// signatures, is held: what clients get already is not stopped.
asio::awaitable<std::optional<Finding>> ZoneAgent::judge_parent(bool may_hold) {
  auto asking = ask_parent();
  ParentDs answer = co_await std::move(asking);
  std::optional<Finding> finding;
  if (answer.state == ParentDs::State::present)
    finding =
        Finding{reason::ds_at_parent, answer.message, may_hold && settings_->gate.parent_ds == Act::hold};
  if (answer.state == ParentDs::State::unknown)
    finding = Finding{reason::ds_at_parent, answer.message, false};
  if (answer.state != ParentDs::State::unasked)
    asked_parent_ = std::make_unique<const ParentDs>(std::move(answer));
  co_return finding;
}

// Of what is served: an alarm that began must be able to end, and one that nobody thought of to begin.
void ZoneAgent::look_at_parent() {
  if (settings_->gate.parent_ds == Act::off || looking_at_parent_) return;
  const SteadyTime now = workshop_.clock.steady();
  const bool content = parent_asked_ && parent_ds_ && parent_ds_->state == ParentDs::State::none;
  if (content && now - *parent_asked_ < parent_period) return;
  parent_asked_ = now;
  const auto reader = workshop_.mirror.reader();
  if (!reader || !(*reader)->renew()) return;
  const auto row = (*reader)->zone(apex());
  if (!row || backend::has_at_apex(**reader, apex(), row->generation, dns::RRType::DNSKEY)) {
    parent_ds_.reset();
    return;
  }
  looking_at_parent_ = true;
  auto watching = watch_parent(row_.version);
  asio::co_spawn(workshop_.executor, std::move(watching), asio::detached);
}

asio::awaitable<void> ZoneAgent::watch_parent(backend::Version version) {
  const auto self = shared_from_this();  // for as long as this goes on
  auto asking = ask_parent();
  ParentDs answer = co_await std::move(asking);
  looking_at_parent_ = false;
  if (retired_ || row_.version != version) co_return;
  const bool same = answer.state == (parent_ds_ ? parent_ds_->state : ParentDs::State::unasked);
  if (answer.state == ParentDs::State::unasked && answer.message.empty()) {
    parent_ds_.reset();  // nobody can be asked: so it is with most zones of most servers
    co_return;
  }
  parent_ds_ = std::make_unique<const ParentDs>(std::move(answer));
  if (same || parent_ds_->message.empty()) co_return;
  log::warning(
      "gate-warning",
      {{"zone", dns::to_string(apex())}, {"reason", reason::ds_at_parent}, {"message", parent_ds_->message}});
}

}  // namespace understudy::sync
