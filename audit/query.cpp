#include "audit/query.h"

namespace understudy::audit {

namespace {

// NSID and ZONEVERSION are empty in queries.
constexpr std::uint8_t who_and_which[] = {0, 3, 0, 0, 0, 19, 0, 0};
// Client subnet: family 1 (IPv4), source and scope prefixes of 0 bits, no address.
constexpr std::uint8_t nobody[] = {0, 8, 0, 4, 0, 1, 0, 0};

}  // namespace

net::Message query_of(const Ask& ask) {
  net::Message query = net::make_query(ask.question.name, ask.question.type, {false, true, ask.dnssec});
  if (!ask.again) return query;
  // The OPT record is the last one and ends with the length of its options.
  std::size_t options = 0;
  const auto add = [&](dns::Octets octets) {
    query.insert(query.end(), octets.begin(), octets.end());
    options += octets.size();
  };
  const std::size_t length_at = query.size() - 2;
  add(who_and_which);
  if (ask.tries % 2 == 1) add(nobody);
  dns::store16(query.data() + length_at, static_cast<std::uint16_t>(options));
  return query;
}

}  // namespace understudy::audit
