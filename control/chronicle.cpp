#include "control/chronicle.h"

#include <algorithm>

#include "backend/zone_table.h"

namespace understudy::control {
namespace {

constexpr std::size_t events_kept = 20'000;
// Between two looks: a look at ten thousand zones takes the sync thread some twenty milliseconds.
constexpr std::chrono::milliseconds shortest_pause{2000}, pause_per_zone{1};

std::string answers(std::size_t count) {
  return std::to_string(count) + (count == 1 ? " answer" : " answers");
}

}  // namespace

Chronicle::Chronicle(const Rooms& rooms) : rooms_(rooms), timer_(rooms.sync_context) {}

void Chronicle::start() {
  look();
  wait();
}

void Chronicle::wait() {
  timer_.expires_after(std::max(shortest_pause, pause_per_zone * static_cast<int>(known_.size())));
  timer_.async_wait([weak = weak_from_this()](boost::system::error_code stopped) {
    const auto self = weak.lock();
    if (!stopped && self) self->start();
  });
}

void Chronicle::look() {
  ++looks_;
  const UnixTime time = rooms_.clock.wall();
  std::unordered_map<std::string, std::size_t> differing;
  rooms_.comparer.visit([&differing](const audit::ZoneComparison& comparison) {
    if (!comparison.mismatches.empty())
      differing[dns::to_string(comparison.zone.lowered())] = comparison.mismatches.size();
  });
  std::vector<std::uint64_t> seen;
  seen.reserve(known_.size());
  rooms_.sync.visit([&](const sync::ZoneStatus& status) {
    const std::string zone = dns::to_string(status.apex.lowered());
    Note now;
    now.look = looks_;
    now.state = status.state;
    if (status.held) now.held = status.held->row.version;
    if (status.last_refusal) now.refused = status.last_refusal->when;
    if (const auto found = differing.find(zone); found != differing.end()) now.differing = found->second;
    for (const sync::PrimaryStatus& primary : status.primaries)
      now.primaries.push_back({std::hash<std::string>()(primary.source), primary.failing_since});
    static const Note plain{0, sync::ZoneState::fresh, 0, 0, 0, {}};
    const auto noted = notes_.find(zone);
    // Of a zone that waits for its first version nothing is kept: at a first start that is all of them.
    if (noted == notes_.end() && now.is_just_empty()) return;
    seen.push_back(backend::hash_name(status.apex));
    const bool known = std::ranges::binary_search(known_, seen.back());
    compare(zone, noted != notes_.end() ? &noted->second : known ? &plain : nullptr, now, status, time);
    if (!now.is_plain()) notes_[zone] = std::move(now);
  });
  std::ranges::sort(seen);
  known_ = std::move(seen);
  std::erase_if(notes_, [this](const auto& entry) { return entry.second.look != looks_; });
}

bool Chronicle::Note::is_quiet() const {
  return held == 0 && refused == 0 && differing == 0 &&
         std::ranges::all_of(primaries,
                             [](const PrimaryNote& primary) { return primary.failing_since == 0; });
}

void Chronicle::compare(const std::string& zone, const Note* before, const Note& now,
                        const sync::ZoneStatus& status, UnixTime time) {
  static const Note nothing;
  const Note& was = before == nullptr ? nothing : *before;
  for (std::size_t i = 0; i < status.primaries.size(); ++i) {
    const sync::PrimaryStatus& primary = status.primaries[i];
    const bool known =
        i < was.primaries.size() && was.primaries[i].source == std::hash<std::string>()(primary.source);
    const bool failed = known && was.primaries[i].failing_since != 0;
    if (primary.failing_since != 0 && !failed) {
      const std::string why = primary.failure ? ": " + primary.failure->message : std::string();
      note(zone, primary.failing_since, "primary-silent", primary.source + " fails" + why);
    }
    if (primary.failing_since == 0 && failed)
      note(zone, time, "primary-back", primary.source + " answers again");
  }
  if (now.refused > was.refused)
    note(zone, now.refused, "refused", "A version was not taken: " + status.last_refusal->message);
  if (now.held != was.held && now.held != 0)
    note(zone, status.held->row.published, "held",
         "Version " + std::to_string(now.held) + " is held: " + status.held->message);
  if (now.held == 0 && was.held != 0)
    note(zone, time, "released", "Version " + std::to_string(was.held) + " is held no more");
  if (before != nullptr && now.state != was.state)
    note(zone, time, "state",
         "The zone is " + std::string(sync::to_string(now.state)) + ", after " +
             std::string(sync::to_string(was.state)));
  if (now.differing > was.differing)
    note(zone, time, "differs",
         answers(now.differing) + (now.differing == 1 ? " differs" : " differ") + " from a primary's");
  if (now.differing == 0 && was.differing > 0) note(zone, time, "agrees", "No answer differs any more");
}

void Chronicle::note(const std::string& zone, UnixTime when, std::string_view kind, std::string text) {
  events_.push_back({zone, {when, kind, std::move(text)}});
  if (events_.size() > events_kept) events_.pop_front();
}

std::vector<Event> Chronicle::events(const dns::Name& apex) const {
  const std::string wanted = dns::to_string(apex.lowered());
  std::vector<Event> found;
  for (auto event = events_.rbegin(); event != events_.rend(); ++event) {
    if (event->first == wanted) found.push_back(event->second);
  }
  return found;
}

}  // namespace understudy::control
