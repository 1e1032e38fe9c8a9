// The zones of a mirror as a table to answer from, for verbs that work beside a running or a stopped server:
// no publication is told to them, so they look whether the mirror was written to.
//
// One thread.
#pragma once

#include "backend/zone_table.h"

namespace understudy::audit {

class MirrorTables {
 public:
  // Every zone that the server would answer for.
  static Result<std::unique_ptr<MirrorTables>> open(backend::Mirror& mirror);

  // Takes over what was published since; one look at the mirror's state where nothing was.
  Result<> follow();
  backend::ZoneTables& tables() { return tables_; }

 private:
  explicit MirrorTables(std::unique_ptr<backend::Reader> reader) : reader_(std::move(reader)) {}

  std::unique_ptr<backend::Reader> reader_;
  backend::ZoneTables tables_;
  std::vector<std::shared_ptr<backend::ZoneEntry>> entries_;
  std::uint64_t commit_ = 0;  // that was looked at last
};

}  // namespace understudy::audit
