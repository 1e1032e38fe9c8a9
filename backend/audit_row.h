// What the comparer keeps in the mirror of each zone: which answers differed, and how far its passes came.
// The store does not look into the values (docs/formats.md tells them).
#pragma once

#include <array>
#include <vector>

#include "backend/versions.h"

namespace understudy::backend {

enum class AuditKind : std::uint8_t { evidence, pass };  // a database each

using AuditKey = std::array<std::uint8_t, 16>;

struct AuditRow {
  ZoneId zone = 0;
  AuditKind kind{};
  AuditKey key{};
  std::vector<std::uint8_t> value;  // empty, where it is saved: the row goes
};

}  // namespace understudy::backend
