#include "property/world_maker.h"

#include <algorithm>
#include <array>

namespace understudy::test {

namespace {

// Few, so that names meet; odd, so that order and escapes of keys are tried: dots, NULs, 01, 7f and above,
// signs around the letters, look-alikes of the wildcard.
const std::array<std::string, 20> label_pool{"a",
                                             "b",
                                             "c",
                                             "d",
                                             "*",
                                             "*",
                                             "www",
                                             "A",
                                             "B",
                                             "x.y",
                                             std::string(1, '\0'),
                                             std::string("\0a", 2),
                                             "\x01",
                                             "\xff",
                                             "_t",
                                             "**",
                                             "*a",
                                             "@",
                                             "[",
                                             std::string(63, 'l')};

constexpr std::array<std::uint16_t, 8> plain_types{type::A,     type::AAAA, type::TXT, type::MX,
                                                   type::HINFO, 65280,      type::SRV, type::A};

const std::vector<Labels>& apexes() {
  static const std::vector<Labels> all{{},
                                       {"test"},
                                       {"Example", "test"},
                                       {"a", "b"},
                                       {"*", "a"},
                                       {"x.y", "b"},
                                       {std::string(63, 'l'), "c", "d"}};
  return all;
}

Bytes wire(const Labels& labels) {
  Bytes out;
  append_name(out, labels);
  return out;
}

bool is_wildcard(const Labels& labels) { return !labels.empty() && labels.front() == "*"; }

}  // namespace

std::string WorldMaker::label() { return label_pool[chance(70) ? below(9) : below(label_pool.size())]; }

std::uint32_t WorldMaker::ttl() {
  static constexpr std::array<std::uint32_t, 5> choices{0, 60, 300, 3600, 86400};
  return choices[below(choices.size())];
}

Labels WorldMaker::mixed_case(Labels labels) {
  for (auto& text : labels) {
    for (char& c : text) {
      if (c >= 'a' && c <= 'z' && chance(50)) c = static_cast<char>(c - 32);
    }
  }
  return labels;
}

void WorldMaker::add(RandomZone& zone, const Labels& owner, std::uint16_t rr_type, Bytes rdata) {
  if (wire_size(owner) > 255 || !at_or_below(owner, zone.apex)) return;
  for (const Rr& record : zone.records) {
    if (!same(record.owner, owner)) continue;
    const bool alone = record.type == type::CNAME || rr_type == type::CNAME;
    const bool single = record.type == rr_type && rr_type == type::DNAME;
    if (alone || single) return;
  }
  const Rr made{chance(20) ? mixed_case(owner) : owner, rr_type, ttl(), std::move(rdata)};
  zone.records.push_back(made);
  if (chance(5) && rr_type != type::CNAME && rr_type != type::DNAME) zone.records.push_back(made);
}

// Near something that is there, so that trees, enclosers and occluded names come about.
Labels WorldMaker::owner_in(const RandomZone& zone) {
  Labels out = chance(60) ? zone.records[below(zone.records.size())].owner : zone.apex;
  if (chance(10) && out.size() > zone.apex.size()) return out;
  for (std::size_t count = 1 + below(chance(15) ? 4 : 2); count > 0; --count) out = join(label(), out);
  return wire_size(out) <= 255 ? out : join("a", zone.apex);
}

Labels WorldMaker::target_for(const RandomZone& zone) {
  if (chance(15)) return {"ns", "elsewhere"};
  Labels out = zone.records[below(zone.records.size())].owner;
  if (chance(30)) out = owner_in(zone);
  if (chance(20)) out = join(label(), out);
  return wire_size(out) <= 255 ? out : zone.apex;
}

void WorldMaker::add_addresses(RandomZone& zone, const Labels& owner) {
  for (std::size_t count = 1 + below(2); count > 0; --count) {
    add(zone, owner, type::A, {192, 0, 2, static_cast<std::uint8_t>(below(256))});
  }
  if (!chance(40)) return;
  Bytes address{0x20, 0x01, 0x0d, 0xb8};
  address.resize(16, static_cast<std::uint8_t>(below(256)));
  add(zone, owner, type::AAAA, address);
}

void WorldMaker::add_plain(RandomZone& zone, const Labels& owner) {
  const std::uint16_t rr_type = plain_types[below(plain_types.size())];
  Bytes rdata;
  switch (rr_type) {
    case type::A:
      return add_addresses(zone, owner);
    case type::AAAA:
      rdata.assign(16, static_cast<std::uint8_t>(below(256)));
      break;
    case type::TXT:
      rdata = {2, 'h', static_cast<std::uint8_t>('a' + below(26))};
      break;
    case type::HINFO:
      rdata = {1, 'c', 1, 'o'};
      break;
    case type::MX:
    case type::SRV: {
      rdata.assign(rr_type == type::MX ? 2 : 6, 7);
      append_name(rdata, target_for(zone));
      break;
    }
    default:
      rdata.assign(below(5), 0xc0);  // looks like a pointer, is none (RFC 3597)
  }
  add(zone, owner, rr_type, rdata);
}

void WorldMaker::add_delegation(RandomZone& zone, const Labels& owner) {
  if (is_wildcard(owner) && !chance(10)) return;
  for (std::size_t count = 1 + below(3); count > 0; --count) {
    const Labels target = chance(60) ? join(count == 1 ? "ns" : "ns2", owner) : target_for(zone);
    if (wire_size(target) > 255) continue;
    add(zone, owner, type::NS, wire(target));
    if (chance(75)) add_addresses(zone, target);
  }
  if (chance(30)) add(zone, owner, type::DS, {0, 1, 13, 2, static_cast<std::uint8_t>(below(256)), 9, 9, 9});
}

void WorldMaker::add_link(RandomZone& zone, const Labels& owner, std::uint16_t rr_type) {
  if (rr_type == type::DNAME && is_wildcard(owner) && !chance(10)) return;
  add(zone, owner, rr_type, wire(target_for(zone)));
}

void WorldMaker::add_something(RandomZone& zone) {
  const Labels owner = owner_in(zone);
  const std::size_t kind = below(100);
  if (kind < 35) return add_plain(zone, owner);
  if (kind < 50) return add_delegation(zone, owner);
  if (kind < 65) return add_link(zone, owner, type::CNAME);
  if (kind < 73) return add_link(zone, owner, type::DNAME);
  if (kind < 88)
    return chance(60) ? add_plain(zone, join("*", owner)) : add_link(zone, join("*", owner), type::CNAME);
  if (kind < 94) return add_plain(zone, join("a", join("*", owner)));  // *.owner is an empty non-terminal
  if (kind < 97) {
    // A chain that is longer than is followed, or nearly so.
    const std::size_t length = 12 + below(8);
    for (std::size_t i = 0; i < length; ++i) {
      const Labels next = join("link" + std::to_string(i + 1), zone.apex);
      add(zone, join("link" + std::to_string(i), zone.apex), type::CNAME, wire(next));
    }
    return;
  }
  // A target that overflows names (RFC 6672 2.2).
  Labels deep = zone.apex;
  while (wire_size(deep) + 64 <= 240) deep = join(std::string(63, 'm'), deep);
  add(zone, owner, type::DNAME, wire(deep));
}

void WorldMaker::add_signatures(RandomZone& zone) {
  std::vector<Rr> made;
  for (const Rr& record : zone.records) {
    // RFC 4035 2.2: what is not authoritative is not signed, but for the DS at a cut.
    const auto is_cut_over = [&](const Rr& other) {
      const bool at_cut = same(other.owner, record.owner) && record.type == type::DS;
      return other.type == type::NS && !same(other.owner, zone.apex) &&
             at_or_below(record.owner, other.owner) && !at_cut;
    };
    if (std::any_of(zone.records.begin(), zone.records.end(), is_cut_over)) continue;
    const auto same_rrset = [&](const Rr& other) {
      return other.type == record.type && same(other.owner, record.owner);
    };
    if (&*std::find_if(zone.records.begin(), zone.records.end(), same_rrset) != &record || !chance(80))
      continue;
    std::uint32_t lowest = record.ttl;  // RFC 4034 3: the signature has the RRset's TTL
    for (const Rr& other : zone.records) {
      if (same_rrset(other)) lowest = std::min(lowest, other.ttl);
    }
    Bytes rdata;
    append16(rdata, record.type);
    rdata.insert(rdata.end(), {13, static_cast<std::uint8_t>(record.owner.size())});
    append32(rdata, lowest);
    append32(rdata, 1800000000);
    append32(rdata, 1700000000);
    append16(rdata, 4711);
    append_name(rdata, zone.apex);
    rdata.insert(rdata.end(), {1, 2, 3, static_cast<std::uint8_t>(below(256))});
    made.push_back({record.owner, type::RRSIG, lowest, rdata});
  }
  zone.records.insert(zone.records.end(), made.begin(), made.end());
}

RandomZone WorldMaker::make_zone(const Labels& apex) {
  RandomZone zone{apex, {}};
  Bytes soa = wire(join("ns", apex));
  append_name(soa, join("hostmaster", apex));
  for (const std::uint32_t number : {1u, 7200u, 900u, 1209600u}) append32(soa, number);
  append32(soa, ttl());
  zone.records.push_back({apex, type::SOA, ttl(), soa});
  add(zone, apex, type::NS, wire(join("ns", apex)));
  if (chance(50)) add(zone, apex, type::NS, wire({"ns", "elsewhere"}));
  if (chance(80)) add_addresses(zone, join("ns", apex));
  if (chance(4)) add_link(zone, apex, type::DNAME);
  for (std::size_t count = 2 + below(16); count > 0; --count) add_something(zone);
  if (chance(30)) add_signatures(zone);
  std::shuffle(zone.records.begin(), zone.records.end(), random_);
  return zone;
}

World WorldMaker::make_world() {
  World world;
  world.push_back(make_zone(apexes()[below(apexes().size())]));
  // Zones below and beside the first: the longest apex wins, and DS stays with the parent.
  for (std::size_t more = below(3); more > 0; --more) {
    const Labels apex = chance(70) ? owner_in(world[0]) : apexes()[below(apexes().size())];
    const auto held = [&](const RandomZone& zone) { return same(zone.apex, apex); };
    if (wire_size(apex) <= 150 && std::none_of(world.begin(), world.end(), held))
      world.push_back(make_zone(apex));
  }
  return world;
}

RandomZone WorldMaker::make_next(const RandomZone& zone) {
  RandomZone next{zone.apex, {}};
  const unsigned losses = chance(20) ? 70 : 15;
  for (const Rr& record : zone.records) {
    const bool needed =
        same(record.owner, zone.apex) && (record.type == type::SOA || record.type == type::NS);
    if (needed || !chance(losses)) next.records.push_back(record);
  }
  for (std::size_t count = below(8); count > 0; --count) add_something(next);
  for (Rr& record : next.records) {
    if (record.type == type::SOA) {
      std::uint8_t* const low = &record.rdata[record.rdata.size() - 17];
      *low = static_cast<std::uint8_t>(*low + 1);  // of SERIAL, which is 1 at first
    } else if (chance(5)) {
      record.ttl = ttl();
    }
    if (chance(3)) record.owner = mixed_case(record.owner);
  }
  std::shuffle(next.records.begin(), next.records.end(), random_);
  return next;
}

Labels WorldMaker::make_question_name(const World& world) {
  for (;;) {
    const RandomZone& zone = world[below(world.size())];
    const Rr& record = zone.records[below(zone.records.size())];
    Labels out = record.owner;
    const auto targets = names_in(record);
    if (!targets.empty() && chance(15)) out = targets[below(targets.size())];
    const std::size_t how = below(100);
    if (how >= 35 && how < 60) out = join(label(), out);
    if (how >= 60 && how < 70) out = join(label(), join(label(), out));
    if (how >= 70 && how < 78) out = parent(out);
    if (how >= 78 && how < 88) out = join(label(), parent(out));
    if (how >= 88 && how < 94) out = owner_in(zone);
    if (how >= 94 && how < 97) out = {label(), label()};
    while (how >= 97 && wire_size(out) + 9 <= 255) out = join("overlong", out);
    if (chance(25)) out = mixed_case(out);
    if (wire_size(out) <= 255) return out;
  }
}

std::uint16_t WorldMaker::make_question_type() {
  static constexpr std::array<std::uint16_t, 24> choices{
      type::A,   type::A,   type::A,   type::A,     type::AAAA, type::NS,    type::NS,  type::CNAME,
      type::SOA, type::MX,  type::TXT, type::DNAME, type::DS,   type::DS,    type::ANY, type::ANY,
      65280,     type::SRV, type::PTR, type::RRSIG, type::AAAA, type::HINFO, type::A,   1234};
  return choices[below(choices.size())];
}

}  // namespace understudy::test
