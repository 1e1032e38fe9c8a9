// What happened to zones since the start, beside the versions that the mirror remembers: primaries that fell
// silent and came back, versions that were refused or held, states, answers that began and ceased to differ.
//
// Looks at all zones every few seconds (rarer where they are many) and notes what is different, so that no
// room has to report anything. Sync thread; made elsewhere before that runs, destroyed after. Bounded: the
// newest events of all zones, and a note for each zone that there is something to tell of.
#pragma once

#include <boost/asio/steady_timer.hpp>
#include <deque>
#include <memory>
#include <unordered_map>

#include "control/rooms.h"
#include "control/zone_condition.h"

namespace understudy::control {

struct Event {
  UnixTime when = 0;
  std::string_view kind;  // "primary-silent", "primary-back", "refused", "held", "released", "state",
                          // "differs", "agrees"
  std::string text;       // for people
};

class Chronicle : public std::enable_shared_from_this<Chronicle> {
 public:
  explicit Chronicle(const Rooms& rooms);

  // Begins to look; on the sync thread.
  void start();
  // The zone's events that are remembered, the newest first.
  std::vector<Event> events(const dns::Name& apex) const;
  // Looks now: what is different from the last time is noted. start() does so by itself.
  void look();

 private:
  struct PrimaryNote {
    std::size_t source;  // a hash of its text: there are very many notes
    UnixTime failing_since = 0;
  };
  // What was seen of a zone the last time.
  struct Note {
    std::uint64_t look = 0;
    sync::ZoneState state{};
    backend::Version held = 0;
    UnixTime refused = 0;
    std::size_t differing = 0;
    std::vector<PrimaryNote> primaries;

    // There is nothing to tell of the zone.
    bool is_plain() const { return state == sync::ZoneState::fresh && is_quiet(); }
    bool is_just_empty() const { return state == sync::ZoneState::empty && is_quiet(); }
    bool is_quiet() const;
  };
  void compare(const std::string& zone, const Note* before, const Note& now, const sync::ZoneStatus& status,
               UnixTime time);
  void note(const std::string& zone, UnixTime when, std::string_view kind, std::string text);
  void wait();

  const Rooms rooms_;
  boost::asio::steady_timer timer_;
  std::uint64_t looks_ = 0;
  std::unordered_map<std::string, Note> notes_;       // of zones that are not plain
  std::vector<std::uint64_t> known_;                  // hashes of all that were seen the last time, sorted
  std::deque<std::pair<std::string, Event>> events_;  // by zone, the oldest first
};

}  // namespace understudy::control
