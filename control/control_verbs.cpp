#include "control/control_verbs.h"

#include "control/report.h"
#include "control/samples.h"

namespace understudy::control {
namespace {

namespace json = boost::json;

Error bad_request(std::string message) { return {"bad-request", std::move(message)}; }
Error unknown_zone(const dns::Name& apex) {
  return {"unknown-zone",
          dns::to_string(apex) + " is not configured here; `understudy status` lists the zones that are"};
}

const json::string* text_of(const json::object& request, std::string_view key) {
  const json::value* const value = request.if_contains(key);
  return value == nullptr ? nullptr : value->if_string();
}

void status(const Rooms& rooms, const std::optional<dns::Name>& apex, const ControlReply& reply) {
  if (!apex) return reply.done(zones_report(rooms.sync.statuses(), rooms.comparer.comparisons()));
  const auto found = rooms.sync.status(*apex);
  if (!found) return reply.done(unknown_zone(*apex));
  reply.done(zone_report(*found, rooms.comparer.comparison(*apex)));
}

// refresh and retransfer.
void check(const Rooms& rooms, bool whole, const dns::Name& apex, const ControlReply& reply) {
  if (!rooms.sync.status(apex)) return reply.done(unknown_zone(apex));
  auto done = [done = reply.done, zone = dns::to_string(apex)](Result<std::string> outcome) {
    if (!outcome) return done(outcome.error());
    done(json::object{{"zone", zone}, {"outcome", *outcome}});
  };
  if (whole) {
    rooms.sync.retransfer(apex, std::move(done));
  } else {
    rooms.sync.refresh(apex, std::move(done));
  }
}

Result<std::vector<net::Endpoint>> addresses_of(const json::value& with) {
  std::vector<net::Endpoint> addresses;
  const json::array* const list = with.if_array();
  if (list == nullptr || list->empty()) return bad_request("\"with\" is no list of addresses");
  for (const json::value& element : *list) {
    const json::string* const text = element.if_string();
    if (text == nullptr) return bad_request("\"with\" is no list of addresses");
    auto address = net::parse_endpoint(std::string_view(*text), 53);
    if (!address) return address.error();
    addresses.push_back(*address);
  }
  return addresses;
}

void compare(const Rooms& rooms, const json::object& request, const dns::Name& apex,
             const ControlReply& reply) {
  if (!rooms.sync.status(apex)) return reply.done(unknown_zone(apex));
  const json::value* const with = request.if_contains("with");
  if (with == nullptr) {
    const auto running = rooms.comparer.comparison(apex);
    if (!running)
      return reply.done(Error{"not-compared", dns::to_string(apex) + " has not been compared yet"});
    return reply.done(comparison_report(*running));
  }
  auto addresses = addresses_of(*with);
  if (!addresses) return reply.done(addresses.error());
  double rate = 50;
  if (const json::value* const asked = request.if_contains("rate")) {
    boost::system::error_code fault;
    rate = asked->to_number<double>(fault);
    if (fault || !(rate > 0)) return reply.done(bad_request("\"rate\" is no number above 0"));
  }
  rooms.comparer.compare_once(
      apex, std::move(*addresses), rate,
      [progress = reply.progress](std::uint64_t asked, std::uint64_t total) {
        progress(json::object{{"asked", asked}, {"total", total}});
      },
      [done = reply.done](Result<audit::ZoneComparison> outcome) {
        if (!outcome) return done(outcome.error());
        done(comparison_report(*outcome));
      });
}

}  // namespace

bool is_changing_verb(std::string_view verb) { return verb == "refresh" || verb == "retransfer"; }

void run_verb(const Rooms& rooms, const json::value& request, ControlReply reply) {
  const json::object* const object = request.if_object();
  const json::string* const verb = object == nullptr ? nullptr : text_of(*object, "verb");
  if (verb == nullptr) return reply.done(bad_request("a request is one JSON object with a \"verb\""));
  std::optional<dns::Name> apex;
  if (const json::string* const zone = text_of(*object, "zone")) {
    const auto parsed = dns::Name::from_text(std::string_view(*zone));
    if (!parsed) return reply.done(parsed.error());
    apex = *parsed;
  }
  if (*verb == "status") return status(rooms, apex, reply);
  const bool refresh = *verb == "refresh", retransfer = *verb == "retransfer";
  if (!refresh && !retransfer && *verb != "compare") {
    return reply.done(bad_request("this server does not know the verb \"" + std::string(*verb) + '"'));
  }
  if (!apex) return reply.done(bad_request("this verb wants a \"zone\""));
  if (*verb == "compare") return compare(rooms, *object, *apex, reply);
  check(rooms, retransfer, *apex, reply);
}

}  // namespace understudy::control
