#include "control/http_routes.h"

#include "control/ask_sync.h"
#include "control/http_answers.h"
#include "control/page.h"
#include "control/page_report.h"
#include "control/report.h"
#include "control/self_query.h"

namespace understudy::control {
namespace {

namespace json = boost::json;

constexpr std::string_view zones_path = "/api/v1/zones";

HttpResponse unknown_zone() { return refusal(404, "no such zone is configured"); }

bool is_served(sync::ZoneState state) {
  return state == sync::ZoneState::fresh || state == sync::ZoneState::retrying ||
         state == sync::ZoneState::stale;
}

// What /readyz asks, and what came out: a line each.
HttpResponse readiness(const std::vector<std::pair<std::string, bool>>& checks) {
  bool ready = true;
  std::string lines;
  for (const auto& [name, ok] : checks) {
    ready = ready && ok;
    lines += (ok ? "ok      " : "FAILED  ") + name + "\n";
  }
  return text_answer(ready ? 200 : 503, (ready ? "ready\n" : "not ready\n") + lines);
}

}  // namespace

HttpRoutes::HttpRoutes(const Rooms& rooms, boost::asio::io_context& http_context, RouteOptions options)
    : rooms_(rooms),
      context_(http_context),
      options_(std::move(options)),
      pin_(rooms.tables),
      recent_(rooms, Audience::operators, http_context, options_.limit),
      traffic_(rooms.server, rooms.clock, http_context),
      chronicle_(std::make_shared<Chronicle>(rooms)) {
  boost::asio::post(rooms.sync_context, [weak = std::weak_ptr(chronicle_)] {
    if (const auto chronicle = weak.lock()) chronicle->start();
  });
}

void HttpRoutes::handle(const HttpRequest& request, HttpReply reply) {
  const std::string& path = request.path;
  if (auto page = page_response(path, "/page/index.html")) return reply(std::move(*page));
  if (path == "/healthz") return reply(text_answer(200, "alive\n"));
  if (path == "/metrics") return metrics(std::move(reply));
  if (path == "/api/v1/summary") return summary(std::move(reply));
  if (path == "/api/v1/traffic") return reply(json_answer(traffic_.report()));
  if (path == zones_path) return zones(request, std::move(reply));
  if (path.starts_with(zones_path) && path[zones_path.size()] == '/') {
    return zone(std::string_view(path).substr(zones_path.size() + 1), request, std::move(reply));
  }
  if (path == "/readyz") {
    const auto wanted = request.parameter("zone");
    if (!wanted) return ready(std::move(reply));
    const auto apex = dns::Name::from_text(*wanted);
    if (!apex) return reply(text_answer(400, apex.error().message + "\n"));
    return zone_ready(*apex, std::move(reply));
  }
  reply(text_answer(404,
                    "nothing here; there are /, /metrics, /healthz, /readyz, /api/v1/summary, "
                    "/api/v1/traffic and /api/v1/zones\n"));
}

void HttpRoutes::on_sync(HttpReply reply, std::function<HttpResponse()> question) {
  ask_sync<HttpResponse>(context_, rooms_.sync_context, options_.limit, std::move(question),
                         [reply = std::move(reply)](std::optional<HttpResponse> answer) {
                           reply(answer ? std::move(*answer) : too_late());
                         });
}

void HttpRoutes::metrics(HttpReply reply) {
  ask_sync<SyncSnapshot>(
      context_, rooms_.sync_context, options_.limit,
      [rooms = rooms_, series = options_.series] {
        return take_snapshot(rooms, series ? series() : ZoneChoice());
      },
      [this, reply = std::move(reply)](std::optional<SyncSnapshot> snapshot) {
        if (!snapshot) return reply(too_late());
        reply({200, "text/plain; version=0.0.4; charset=utf-8", metrics_page(rooms_, *snapshot, pin_)});
      });
}

void HttpRoutes::ask_ability(std::function<void(Ability)> done) {
  const auto addresses = rooms_.server.addresses();
  Ability ability;
  ability.listening = !addresses.empty();
  ability.mirror_open = rooms_.mirror.statistics().has_value();
  if (addresses.empty()) return done(ability);
  ask_ourselves(context_, addresses.front(), options_.limit,
                [ability, done = std::move(done)](bool answered) mutable {
                  ability.answering = answered;
                  done(ability);
                });
}

// What a load balancer or a route announcer asks. A stale or expired zone never fails it by itself, or one
// bad zone would withdraw every node at once just when the primary is dark.
void HttpRoutes::ready(HttpReply reply) {
  struct Zones {
    bool all_tried = false;
    double served_ratio = 1;
  };
  const auto ask_zones = [rooms = rooms_]() -> Zones {
    std::size_t served = 0, all = 0;
    rooms.sync.visit([&](const sync::ZoneStatus& status) {
      ++all;
      served += is_served(status.state) ? 1 : 0;
    });
    const double ratio = all == 0 ? 1 : static_cast<double>(served) / static_cast<double>(all);
    return {rooms.sync.all_tried(), ratio};
  };
  ask_sync<Zones>(context_, rooms_.sync_context, options_.limit, ask_zones,
                  [this, reply = std::move(reply)](std::optional<Zones> zones) {
                    ask_ability([this, reply, zones](const Ability& ability) {
                      const bool enough = zones && zones->served_ratio >= options_.ready_min_served_ratio;
                      reply(readiness({{"listeners are bound", ability.listening},
                                       {"the mirror is open", ability.mirror_open},
                                       {"the sync thread answers", zones.has_value()},
                                       {"each zone was loaded or tried once", zones && zones->all_tried},
                                       {"enough zones are served", enough},
                                       {"our own socket answers queries", ability.answering}}));
                    });
                  });
}

void HttpRoutes::zone_ready(const dns::Name& apex, HttpReply reply) {
  on_sync(std::move(reply), [rooms = rooms_, apex] {
    const auto status = rooms.sync.status(apex);
    if (!status) return text_answer(404, "no such zone is configured\n");
    const std::string line =
        dns::to_string(apex) + " is " + std::string(sync::to_string(status->state)) + "\n";
    return text_answer(is_served(status->state) ? 200 : 503, line);
  });
}

void HttpRoutes::summary(HttpReply reply) {
  recent_.get([this, reply = std::move(reply)](std::shared_ptr<const Overview> overview) {
    if (!overview) return reply(too_late());
    ask_ability([overview, reply](const Ability& ability) {
      reply(json_answer(summary_report(*overview, judge_takeover(*overview, ability))));
    });
  });
}

// All of them; or a page of those that are asked for, the gravest condition first.
void HttpRoutes::zones(const HttpRequest& request, HttpReply reply) {
  if (request.parameters.empty()) {
    struct All {
      std::vector<sync::ZoneStatus> zones;
      std::vector<sync::UnservedStatus> unserved;
      std::vector<audit::ZoneComparison> comparisons;
    };
    return ask_sync<All>(
        context_, rooms_.sync_context, options_.limit,
        [rooms = rooms_]() -> All {
          return {rooms.sync.statuses(), rooms.sync.unserved(), rooms.comparer.comparisons()};
        },
        [reply = std::move(reply)](std::optional<All> all) {
          reply(all ? json_answer(zones_report(all->zones, all->unserved, all->comparisons)) : too_late());
        });
  }
  const auto filter = filter_parameters(request, true);
  if (!filter) return reply(refusal(400, filter.error().message));
  recent_.get([this, filter = *filter, reply = std::move(reply)](std::shared_ptr<const Overview> overview) {
    if (!overview) return reply(too_late());
    on_sync(reply, [rooms = rooms_, filter, overview] {
      return json_answer(zone_page_report(rooms, *overview, filter));
    });
  });
}

// ZONE, ZONE/mismatches or ZONE/history. A zone's name may hold a slash itself (RFC 2317), so the end
// decides.
void HttpRoutes::zone(std::string_view path, const HttpRequest& request, HttpReply reply) {
  constexpr std::string_view mismatches = "/mismatches", versions = "/history";
  constexpr std::size_t versions_told = 100, most_versions = 1000;
  const bool wants_mismatches = path.ends_with(mismatches), wants_history = path.ends_with(versions);
  if (wants_mismatches) path.remove_suffix(mismatches.size());
  if (wants_history) path.remove_suffix(versions.size());
  const auto apex = dns::Name::from_text(path);
  if (!apex) return reply(refusal(400, apex.error().message));
  if (wants_history) {
    const auto limit = number_parameter(request, "limit", versions_told, most_versions);
    return limit ? history(*apex, *limit, std::move(reply)) : reply(refusal(400, limit.error().message));
  }
  on_sync(std::move(reply), [rooms = rooms_, name = *apex, wants_mismatches] {
    const auto comparison = rooms.comparer.comparison(name);
    if (wants_mismatches) return comparison ? json_answer(comparison_report(*comparison)) : unknown_zone();
    const auto status = rooms.sync.status(name);
    return status ? json_answer(zone_with_conditions(*status, comparison, rooms.clock.wall()))
                  : unknown_zone();
  });
}

// The mirror remembers versions, the chronicle what else happened.
void HttpRoutes::history(const dns::Name& apex, std::size_t limit, HttpReply reply) {
  using Events = std::optional<std::vector<Event>>;
  ask_sync<Events>(
      context_, rooms_.sync_context, options_.limit,
      [rooms = rooms_, chronicle = std::weak_ptr(chronicle_), apex]() -> Events {
        const auto told = chronicle.lock();
        if (!told || !rooms.sync.status(apex)) return std::nullopt;
        return told->events(apex);
      },
      [this, apex, limit, reply = std::move(reply)](const std::optional<Events>& answer) {
        if (!answer) return reply(too_late());
        if (!*answer) return reply(unknown_zone());
        if (!reader_) {
          if (auto reader = rooms_.mirror.reader()) reader_ = std::move(*reader);
        }
        if (!reader_ || !reader_->renew()) return reply(text_answer(503, "the mirror cannot be read\n"));
        ZoneHistory past;
        if (const auto row = reader_->zone(apex)) {
          past.live = row->version;
          past.versions = reader_->versions(row->id);
          past.held = reader_->held(row->id);
        }
        reader_->reset();
        reply(json_answer(history_report(apex, past, **answer, limit)));
      });
}

}  // namespace understudy::control
