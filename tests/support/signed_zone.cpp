#include "support/signed_zone.h"

#include <openssl/evp.h>

#include <algorithm>
#include <map>
#include <set>
#include <stdexcept>

namespace understudy::test {

namespace {

struct CanonicalOrder {
  bool operator()(const Labels& a, const Labels& b) const { return canonically_before(a, b); }
};

// Below a cut or a DNAME.
bool is_occluded(const Labels& owner, const std::vector<Rr>& records, const Labels& apex) {
  return std::any_of(records.begin(), records.end(), [&](const Rr& other) {
    const bool covers = (other.type == type::NS && !same(other.owner, apex)) || other.type == type::DNAME;
    return covers && !same(other.owner, owner) && at_or_below(owner, other.owner);
  });
}

bool is_cut(const Labels& owner, const std::vector<Rr>& records, const Labels& apex) {
  return !same(owner, apex) && std::any_of(records.begin(), records.end(), [&](const Rr& other) {
    return other.type == type::NS && same(other.owner, owner);
  });
}

}  // namespace

bool canonically_before(const Labels& a, const Labels& b) {
  const Labels x = lowered(a), y = lowered(b);
  const auto octets_before = [](const std::string& l, const std::string& r) {
    return std::lexicographical_compare(l.begin(), l.end(), r.begin(), r.end(), [](char c, char d) {
      return static_cast<unsigned char>(c) < static_cast<unsigned char>(d);
    });
  };
  return std::lexicographical_compare(x.rbegin(), x.rend(), y.rbegin(), y.rend(), octets_before);
}

Bytes type_bitmap(std::vector<std::uint16_t> types) {
  std::map<std::uint8_t, Bytes> windows;
  for (const std::uint16_t t : types) {
    Bytes& window = windows[static_cast<std::uint8_t>(t >> 8)];
    const std::size_t octet = (t & 255u) / 8;
    if (window.size() <= octet) window.resize(octet + 1);
    window[octet] = static_cast<std::uint8_t>(window[octet] | (0x80u >> (t & 7u)));
  }
  Bytes out;
  for (const auto& [number, window] : windows) {
    out.push_back(number);
    out.push_back(static_cast<std::uint8_t>(window.size()));
    out.insert(out.end(), window.begin(), window.end());
  }
  return out;
}

Rr signature_of(const Labels& apex, const Rr& record) {
  const bool wildcard = !record.owner.empty() && record.owner.front() == "*";
  Rr out{record.owner, type::RRSIG, record.ttl, {}};
  append16(out.rdata, record.type);
  out.rdata.push_back(13);
  out.rdata.push_back(static_cast<std::uint8_t>(record.owner.size() - wildcard));
  append32(out.rdata, record.ttl);
  append32(out.rdata, 2000000000);
  append32(out.rdata, 1000000000);
  append16(out.rdata, 4711);
  append_name(out.rdata, apex);
  const std::string text = "signature of " + type_text(record.type) + " at " + text_of(lowered(record.owner));
  out.rdata.insert(out.rdata.end(), text.begin(), text.end());
  return out;
}

namespace {

struct Chain {
  std::map<Labels, std::set<std::uint16_t>, CanonicalOrder> names;  // authoritative, with their types
  std::uint32_t minimum = 0;
};

Chain chain_of(const ZoneText& zone) {
  Chain out;
  for (const Rr& record : zone.records) {
    if (record.type == type::RRSIG) continue;
    if (!is_occluded(record.owner, zone.records, zone.apex)) out.names[record.owner].insert(record.type);
    if (record.type != type::SOA) continue;
    for (std::size_t i = record.rdata.size() - 4; i < record.rdata.size(); ++i)
      out.minimum = out.minimum << 8 | record.rdata[i];
  }
  return out;
}

std::vector<std::uint16_t> shown_types(const std::set<std::uint16_t>& types, bool cut) {
  std::vector<std::uint16_t> out;
  for (const std::uint16_t t : types) {
    if (!cut || t == type::NS || t == type::DS) out.push_back(t);
  }
  return out;
}

// RRSIGs for every RRset that is authoritative.
void sign(ZoneText& zone) {
  std::vector<Rr> signatures;
  std::set<std::pair<Labels, std::uint16_t>> signed_already;
  for (const Rr& record : zone.records) {
    if (is_occluded(record.owner, zone.records, zone.apex)) continue;
    const bool cut = is_cut(record.owner, zone.records, zone.apex);
    if (cut && record.type != type::DS && record.type != type::NSEC) continue;
    if (!signed_already.insert({lowered(record.owner), record.type}).second) continue;
    signatures.push_back(signature_of(zone.apex, record));
  }
  zone.records.insert(zone.records.end(), signatures.begin(), signatures.end());
}

Bytes nsec3_hash_octets(const Labels& name, const Nsec3Chain& chain) {
  Bytes data;
  append_name(data, lowered(name));
  for (unsigned i = 0; i <= chain.iterations; ++i) {
    data.insert(data.end(), chain.salt.begin(), chain.salt.end());
    Bytes digest(20);
    unsigned size = 0;
    if (EVP_Digest(data.data(), data.size(), digest.data(), &size, EVP_sha1(), nullptr) != 1 || size != 20)
      throw std::runtime_error("no SHA-1");
    data = digest;
  }
  return data;
}

std::string base32hex(const Bytes& octets) {
  std::string out;
  unsigned bits = 0, held = 0;
  for (const std::uint8_t octet : octets) {
    bits = bits << 8 | octet;
    for (held += 8; held >= 5; held -= 5) out += "0123456789abcdefghijklmnopqrstuv"[bits >> (held - 5) & 31];
  }
  return out;
}

Bytes parameters_of(const Nsec3Chain& chain, std::uint8_t flags) {
  Bytes out{1, flags};
  append16(out, static_cast<std::uint16_t>(chain.iterations));
  out.push_back(static_cast<std::uint8_t>(chain.salt.size()));
  out.insert(out.end(), chain.salt.begin(), chain.salt.end());
  return out;
}

// The NSEC3 of that owner in the chain, by its parameters, and its RRSIG.
std::vector<Rr> nsec3_at(const ZoneText& zone, const Labels& owner, const Nsec3Chain& chain) {
  const Bytes front = parameters_of(chain, 0);
  for (const Rr& record : zone.records) {
    if (record.type != type::NSEC3 || !same(record.owner, owner)) continue;
    if (std::equal(front.begin() + 2, front.end(), record.rdata.begin() + 2))
      return {record, signature_of(zone.apex, record)};
  }
  return {};
}

}  // namespace

ZoneText signed_zone(std::string_view apex_text, std::string_view lines) {
  ZoneText out = zone(apex_text, lines);
  const Chain chain = chain_of(out);
  for (auto at = chain.names.begin(); at != chain.names.end(); ++at) {
    const auto next = std::next(at) == chain.names.end() ? chain.names.begin() : std::next(at);
    std::vector<std::uint16_t> types = shown_types(at->second, is_cut(at->first, out.records, out.apex));
    types.insert(types.end(), {type::RRSIG, type::NSEC});
    Rr nsec{at->first, type::NSEC, chain.minimum, {}};
    append_name(nsec.rdata, lowered(next->first));
    const Bytes bitmap = type_bitmap(types);
    nsec.rdata.insert(nsec.rdata.end(), bitmap.begin(), bitmap.end());
    out.records.push_back(nsec);
  }
  sign(out);
  return out;
}

std::string nsec3_hash(const Labels& name, const Nsec3Chain& chain) {
  return base32hex(nsec3_hash_octets(name, chain));
}

std::vector<Rr> nsec3_chain(const ZoneText& zone, const Nsec3Chain& chain) {
  const Chain names = chain_of(zone);
  std::map<Bytes, std::vector<std::uint16_t>> hashes;
  for (const auto& [owner, all_types] : names.names) {
    const bool cut = is_cut(owner, zone.records, zone.apex);
    std::vector<std::uint16_t> types = shown_types(all_types, cut);
    if (chain.opt_out && cut && !all_types.contains(type::DS)) continue;
    if (!cut || all_types.contains(type::DS)) types.push_back(type::RRSIG);
    hashes[nsec3_hash_octets(owner, chain)] = types;
    // Empty non-terminals; a name that is there replaces what was entered for it here.
    for (Labels above = parent(owner); above.size() > zone.apex.size(); above = parent(above))
      if (!names.names.contains(above))
        hashes.emplace(nsec3_hash_octets(above, chain), std::vector<std::uint16_t>());
  }
  std::vector<Rr> out;
  for (auto at = hashes.begin(); at != hashes.end(); ++at) {
    const auto next = std::next(at) == hashes.end() ? hashes.begin() : std::next(at);
    Rr nsec3{join(base32hex(at->first), zone.apex), type::NSEC3, names.minimum,
             parameters_of(chain, chain.opt_out ? 1 : 0)};
    nsec3.rdata.push_back(20);
    nsec3.rdata.insert(nsec3.rdata.end(), next->first.begin(), next->first.end());
    const Bytes bitmap = type_bitmap(at->second);
    nsec3.rdata.insert(nsec3.rdata.end(), bitmap.begin(), bitmap.end());
    out.push_back(nsec3);
    out.push_back(signature_of(zone.apex, nsec3));
  }
  return out;
}

ZoneText signed_zone(std::string_view apex_text, std::string_view lines, const Nsec3Chain& chain) {
  ZoneText out = zone(apex_text, lines);
  out.records.push_back({out.apex, type::NSEC3PARAM, 0, parameters_of(chain, 0)});
  const std::vector<Rr> proofs = nsec3_chain(out, chain);
  sign(out);
  out.records.insert(out.records.end(), proofs.begin(), proofs.end());
  return out;
}

std::vector<Rr> nsec3_of(const ZoneText& zone, std::string_view owner, const Nsec3Chain& chain) {
  return nsec3_at(zone, join(nsec3_hash(name(owner), chain), zone.apex), chain);
}

std::vector<Rr> nsec3_before(const ZoneText& zone, std::string_view denied, const Nsec3Chain& chain) {
  const std::string hash = nsec3_hash(name(denied), chain);
  std::string nearest, last;
  for (const Rr& record : zone.records) {
    if (record.type != type::NSEC3 || nsec3_at(zone, record.owner, chain).empty()) continue;
    const std::string& label = record.owner.front();
    if (label < hash && label > nearest) nearest = label;
    last = std::max(last, label);
  }
  return nsec3_at(zone, join(nearest.empty() ? last : nearest, zone.apex), chain);
}

std::vector<Rr> signed_rrset(const ZoneText& zone, std::string_view owner, std::string_view type_name) {
  const std::uint16_t wanted = type_of(type_name);
  std::vector<Rr> out;
  for (const Rr& record : zone.records) {
    if (!same(record.owner, name(owner))) continue;
    const bool covers = record.type == type::RRSIG && (record.rdata[0] << 8 | record.rdata[1]) == wanted;
    if (record.type == wanted || covers) out.push_back(record);
  }
  return out;
}

std::vector<Rr> as_owned_by(std::vector<Rr> records, std::string_view owner) {
  for (Rr& record : records) record.owner = name(owner);
  return records;
}

std::vector<Rr> with_ttl(std::vector<Rr> records, std::uint32_t ttl) {
  for (Rr& record : records) record.ttl = ttl;
  return records;
}

std::vector<Rr> all_of(std::initializer_list<std::vector<Rr>> parts) {
  std::vector<Rr> out;
  for (const auto& part : parts) out.insert(out.end(), part.begin(), part.end());
  return out;
}

}  // namespace understudy::test
