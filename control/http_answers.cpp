#include "control/http_answers.h"

#include <charconv>

namespace understudy::control {

HttpResponse text_answer(unsigned status, std::string body) {
  return {status, "text/plain; charset=utf-8", std::move(body)};
}
HttpResponse json_answer(const boost::json::value& value, unsigned status) {
  return {status, "application/json", boost::json::serialize(value) + "\n"};
}
HttpResponse refusal(unsigned status, std::string_view message) {
  return json_answer(boost::json::object{{"error", message}}, status);
}
HttpResponse too_late() { return text_answer(503, "the sync thread did not answer in time\n"); }

Result<std::size_t> number_parameter(const HttpRequest& request, std::string_view name, std::size_t fallback,
                                     std::size_t most) {
  const auto text = request.parameter(name);
  if (!text) return fallback;
  std::size_t number = 0;
  const char* const end = text->data() + text->size();
  const auto [stopped, fault] = std::from_chars(text->data(), end, number);
  if (fault == std::errc() && stopped == end && number <= most) return number;
  return Error{"bad-request",
               std::string(name) + " is no whole number from 0 to " + std::to_string(most) + ": " + *text};
}

Result<ZoneFilter> filter_parameters(const HttpRequest& request, bool conditions) {
  constexpr std::size_t page = 100, most_zones = 100'000'000;
  ZoneFilter filter;
  filter.name = request.parameter("name").value_or("");
  filter.state = request.parameter("state").value_or("");
  const bool known = filter.state.empty() || is_state(filter.state) ||
                     (conditions && parse_condition(filter.state).has_value());
  if (!known) return Error{"bad-request", "there is no such state: " + filter.state};
  const auto offset = number_parameter(request, "offset", 0, most_zones);
  const auto limit = number_parameter(request, "limit", page, largest_page);
  if (!offset) return offset.error();
  if (!limit) return limit.error();
  filter.offset = *offset;
  filter.limit = *limit;
  return filter;
}

}  // namespace understudy::control
