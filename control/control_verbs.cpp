#include "control/control_verbs.h"

#include "control/report.h"
#include "control/samples.h"

namespace understudy::control {
namespace {

namespace json = boost::json;

Error bad_request(std::string message) { return {"bad-request", std::move(message)}; }
Error unknown_zone(const dns::Name& apex) {
  return {"unknown-zone",
          dns::to_string(apex) + " is no zone of this server; `understudy status` lists those that are"};
}

const json::string* text_of(const json::object& request, std::string_view key) {
  const json::value* const value = request.if_contains(key);
  return value == nullptr ? nullptr : value->if_string();
}

void status(const Rooms& rooms, const std::optional<dns::Name>& apex, const ControlReply& reply) {
  if (!apex) {
    return reply.done(
        zones_report(rooms.sync.statuses(), rooms.sync.unserved(), rooms.comparer.comparisons()));
  }
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

// hold, accept, rollback and resume.
void decide(const Rooms& rooms, std::string_view verb, const json::object& request, const dns::Name& apex,
            const ControlReply& reply) {
  if (!rooms.sync.status(apex)) return reply.done(unknown_zone(apex));
  auto done = [done = reply.done, zone = dns::to_string(apex)](Result<std::string> outcome) {
    if (!outcome) return done(outcome.error());
    done(json::object{{"zone", zone}, {"outcome", *outcome}});
  };
  if (verb == "hold") return rooms.sync.hold(apex, std::move(done));
  if (verb == "resume") return rooms.sync.resume(apex, std::move(done));
  const json::value* const asked = request.if_contains("version");
  boost::system::error_code fault;
  const auto version = asked == nullptr ? 0 : asked->to_number<backend::Version>(fault);
  if (fault || version == 0) return reply.done(bad_request("\"version\" is no number of a version"));
  if (verb == "accept") return rooms.sync.accept(apex, version, std::move(done));
  const json::value* const force = request.if_contains("force");
  const bool forced = force != nullptr && force->is_bool() && force->get_bool();
  rooms.sync.rollback(apex, version, forced, std::move(done));
}

void compare(const Rooms& rooms, const dns::Name& apex, const ControlReply& reply) {
  if (!rooms.sync.status(apex)) return reply.done(unknown_zone(apex));
  const auto running = rooms.comparer.comparison(apex);
  if (!running) return reply.done(Error{"not-compared", dns::to_string(apex) + " has not been compared yet"});
  reply.done(comparison_report(*running));
}

// [["source", "axfr://192.0.2.1"], ...]
Result<backend::ZoneOptions> options_of(const json::value* list) {
  const Error wrong = bad_request("\"options\" is no list of pairs of texts");
  if (list == nullptr || !list->is_array()) return wrong;
  backend::ZoneOptions options;
  for (const json::value& element : list->get_array()) {
    const json::array* const pair = element.if_array();
    if (pair == nullptr || pair->size() != 2 || !pair->at(0).is_string() || !pair->at(1).is_string())
      return wrong;
    options.emplace_back(pair->at(0).get_string(), pair->at(1).get_string());
  }
  return options;
}

void add(const Rooms& rooms, const json::object& request, const dns::Name& apex, const ControlReply& reply) {
  if (!rooms.read_zone_options) return reply.done(bad_request("zones cannot be added here"));
  auto options = options_of(request.if_contains("options"));
  if (!options) return reply.done(options.error());
  const auto settings = rooms.read_zone_options(apex, *options);
  if (!settings) return reply.done(settings.error());
  audit::CompareTarget target{settings->apex, sync::compared_addresses(*settings)};
  rooms.sync.add(*settings, std::move(*options),
                 [&comparer = rooms.comparer, done = reply.done, target](Result<std::string> outcome) {
                   if (!outcome) return done(outcome.error());
                   comparer.add(target);
                   done(json::object{{"zone", dns::to_string(target.zone)}, {"outcome", *outcome}});
                 });
}

void remove(const Rooms& rooms, const dns::Name& apex, const ControlReply& reply) {
  if (!rooms.sync.status(apex)) return reply.done(unknown_zone(apex));
  rooms.sync.remove(apex, [&comparer = rooms.comparer, done = reply.done, apex](Result<std::string> outcome) {
    if (!outcome) return done(outcome.error());
    comparer.remove(apex);
    done(json::object{{"zone", dns::to_string(apex)}, {"outcome", *outcome}});
  });
}

void reload(const Rooms& rooms, const ControlReply& reply) {
  if (!rooms.reload) return reply.done(bad_request("nothing can be reloaded here"));
  rooms.reload([done = reply.done](const Result<Reloaded>& outcome) {
    if (!outcome) return done(outcome.error());
    done(reload_report(*outcome));
  });
}

bool is_decision(std::string_view verb) {
  return verb == "hold" || verb == "accept" || verb == "rollback" || verb == "resume";
}

}  // namespace

bool is_changing_verb(std::string_view verb) {
  return verb == "refresh" || verb == "retransfer" || verb == "add" || verb == "remove" || verb == "reload" ||
         is_decision(verb);
}

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
  if (*verb == "where") return reply.done(json::object{{"data", rooms.data_directory}});
  if (*verb != "compare" && !is_changing_verb(*verb)) {
    return reply.done(bad_request("this server does not know the verb \"" + std::string(*verb) + '"'));
  }
  if (*verb == "reload") return reload(rooms, reply);
  if (!apex) return reply.done(bad_request("this verb wants a \"zone\""));
  if (*verb == "compare") return compare(rooms, *apex, reply);
  if (*verb == "add") return add(rooms, *object, *apex, reply);
  if (*verb == "remove") return remove(rooms, *apex, reply);
  if (is_decision(*verb)) return decide(rooms, *verb, *object, *apex, reply);
  check(rooms, *verb == "retransfer", *apex, reply);
}

}  // namespace understudy::control
