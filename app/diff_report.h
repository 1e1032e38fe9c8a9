// How `diff` tells what it found: for people or as JSON. Both gather in spools, since what stands first is
// known last.
//
// One thread. Bounded by one difference and the disk.
#pragma once

#include "app/console.h"
#include "audit/zone_diff.h"

namespace understudy::app {

struct DiffHead {
  dns::Name zone;
  std::string a, b;              // the sides as they are written
  std::string about_a, about_b;  // what people want to know besides; may be empty
  bool complete = false;         // nothing that one of the sides has can have been missed
};

class DiffReport {
 public:
  virtual ~DiffReport() = default;
  // In canonical order.
  virtual void difference(const audit::Difference& difference) = 0;
  virtual void unknown(dns::NameView owner, dns::RRType type, std::string_view why) = 0;
  // Once, at the end. Errors: "spool".
  virtual Result<> print(const DiffHead& head, const audit::ZoneDiff::Counts& counts,
                         const Console& console) = 0;
};

// `colour`: changed parts are painted; else they are underlined by a line of ^.
std::unique_ptr<DiffReport> readable_diff(const Console& console);
std::unique_ptr<DiffReport> json_diff();

}  // namespace understudy::app
