#include "control/http_routes.h"

#include "control/ask_sync.h"
#include "control/page.h"
#include "control/report.h"
#include "control/samples.h"
#include "control/self_query.h"

namespace understudy::control {
namespace {

namespace json = boost::json;

constexpr std::string_view zones_path = "/api/v1/zones";

HttpResponse text(unsigned status, std::string body) {
  return {status, "text/plain; charset=utf-8", std::move(body)};
}
HttpResponse file(std::string_view type, std::string_view body) {
  return {200, std::string(type) + "; charset=utf-8", std::string(body)};
}
HttpResponse json_body(const json::value& value, unsigned status = 200) {
  return {status, "application/json", json::serialize(value) + "\n"};
}
HttpResponse unknown_zone() { return json_body(json::object{{"error", "no such zone is configured"}}, 404); }
HttpResponse too_late() { return text(503, "the sync thread did not answer in time\n"); }

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
  return text(ready ? 200 : 503, (ready ? "ready\n" : "not ready\n") + lines);
}

}  // namespace

HttpRoutes::HttpRoutes(const Rooms& rooms, boost::asio::io_context& http_context, RouteOptions options)
    : rooms_(rooms), context_(http_context), options_(options), pin_(rooms.tables) {}

void HttpRoutes::handle(const HttpRequest& request, HttpReply reply) {
  const std::string& path = request.path;
  if (path == "/") return reply(file("text/html", page_html()));
  if (path == "/page.js") return reply(file("text/javascript", page_script()));
  if (path == "/page.css") return reply(file("text/css", page_style()));
  if (path == "/healthz") return reply(text(200, "alive\n"));
  if (path == "/metrics") return metrics(std::move(reply));
  if (path == zones_path) return zones(std::move(reply));
  if (path.starts_with(zones_path) && path[zones_path.size()] == '/') {
    return zone(std::string_view(path).substr(zones_path.size() + 1), std::move(reply));
  }
  if (path == "/readyz") {
    if (!request.zone) return ready(std::move(reply));
    const auto apex = dns::Name::from_text(*request.zone);
    if (!apex) return reply(text(400, apex.error().message + "\n"));
    return zone_ready(*apex, std::move(reply));
  }
  reply(text(404, "nothing here; there are /, /metrics, /healthz, /readyz and /api/v1/zones\n"));
}

void HttpRoutes::on_sync(HttpReply reply, std::function<HttpResponse()> question) {
  ask_sync<HttpResponse>(context_, rooms_.sync_context, options_.limit, std::move(question),
                         [reply = std::move(reply)](std::optional<HttpResponse> answer) {
                           reply(answer ? std::move(*answer) : too_late());
                         });
}

void HttpRoutes::metrics(HttpReply reply) {
  ask_sync<SyncSnapshot>(
      context_, rooms_.sync_context, options_.limit, [this] { return take_snapshot(rooms_); },
      [this, reply = std::move(reply)](std::optional<SyncSnapshot> snapshot) {
        if (!snapshot) return reply(too_late());
        reply({200, "text/plain; version=0.0.4; charset=utf-8", metrics_page(rooms_, *snapshot, pin_)});
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
    const auto statuses = rooms.sync.statuses();
    std::size_t served = 0;
    for (const sync::ZoneStatus& status : statuses) served += is_served(status.state) ? 1 : 0;
    const double ratio =
        statuses.empty() ? 1 : static_cast<double>(served) / static_cast<double>(statuses.size());
    return {rooms.sync.all_tried(), ratio};
  };
  ask_sync<Zones>(
      context_, rooms_.sync_context, options_.limit, ask_zones,
      [this, reply = std::move(reply)](std::optional<Zones> zones) {
        const auto addresses = rooms_.server.addresses();
        const bool mirror_open = rooms_.mirror.statistics().has_value();
        const auto finish = [this, reply, zones, mirror_open, bound = !addresses.empty()](bool answered) {
          reply(readiness(
              {{"listeners are bound", bound},
               {"the mirror is open", mirror_open},
               {"the sync thread answers", zones.has_value()},
               {"each zone was loaded or tried once", zones && zones->all_tried},
               {"enough zones are served", zones && zones->served_ratio >= options_.ready_min_served_ratio},
               {"our own socket answers queries", answered}}));
        };
        if (addresses.empty()) return finish(false);
        ask_ourselves(context_, addresses.front(), options_.limit, finish);
      });
}

void HttpRoutes::zone_ready(const dns::Name& apex, HttpReply reply) {
  on_sync(std::move(reply), [rooms = rooms_, apex] {
    const auto status = rooms.sync.status(apex);
    if (!status) return text(404, "no such zone is configured\n");
    const std::string line =
        dns::to_string(apex) + " is " + std::string(sync::to_string(status->state)) + "\n";
    return text(is_served(status->state) ? 200 : 503, line);
  });
}

void HttpRoutes::zones(HttpReply reply) {
  ask_sync<SyncSnapshot>(
      context_, rooms_.sync_context, options_.limit, [this] { return take_snapshot(rooms_); },
      [reply = std::move(reply)](std::optional<SyncSnapshot> snapshot) {
        reply(snapshot ? json_body(zones_report(snapshot->zones, snapshot->unserved, snapshot->comparisons)) : too_late());
      });
}

// ZONE or ZONE/mismatches. A zone's name may hold a slash itself (RFC 2317), so the end decides.
void HttpRoutes::zone(std::string_view path, HttpReply reply) {
  constexpr std::string_view mismatches = "/mismatches";
  const bool wants_mismatches = path.ends_with(mismatches);
  if (wants_mismatches) path.remove_suffix(mismatches.size());
  const auto apex = dns::Name::from_text(path);
  if (!apex) return reply(json_body(json::object{{"error", apex.error().message}}, 400));
  if (!wants_mismatches) {
    return on_sync(std::move(reply), [rooms = rooms_, name = *apex] {
      const auto status = rooms.sync.status(name);
      return status ? json_body(zone_report(*status, rooms.comparer.comparison(name))) : unknown_zone();
    });
  }
  on_sync(std::move(reply), [rooms = rooms_, name = *apex] {
    const auto comparison = rooms.comparer.comparison(name);
    return comparison ? json_body(comparison_report(*comparison)) : unknown_zone();
  });
}

}  // namespace understudy::control
