// Random well-formed RDATA of every type whose layout dns/rdata.cpp knows, built from the RFCs and not from
// that table.
#pragma once

#include <random>
#include <string>
#include <vector>

#include "dns/name.h"
#include "dns/types.h"

namespace understudy::dns {

using Random = std::mt19937;
using Bytes = std::vector<std::uint8_t>;

// Random data; `plain` keeps names and strings to letters and digits, for comparisons with ldns, which
// misprints others.
class RandomRdata {
 public:
  RandomRdata(Random& random, bool plain) : random_(random), plain_(plain) {}

  static const std::vector<std::uint16_t>& types();
  Bytes make(std::uint16_t type);
  Name name();

 private:
  unsigned below(unsigned limit) { return static_cast<unsigned>(random_() % limit); }
  void number(unsigned octets);
  void small(unsigned limit) { out_.push_back(static_cast<std::uint8_t>(below(limit))); }
  void blob(unsigned least, unsigned most);
  void string(unsigned least, unsigned most);
  void append_name();
  void bitmap();
  void service_parameters();
  void prefix_list();
  void location();
  void gateway(unsigned type);
  void hip();
  bool make_rfc1035(std::uint16_t type);
  bool make_dnssec(std::uint16_t type);

  Random& random_;
  bool plain_;
  Bytes out_;
};

}  // namespace understudy::dns
