// The option rows of the gate: each once for all zones, under [gate], and once for a zone of its own, written
// gate = { ... } in its table. Immutable, any thread.
#pragma once

#include "app/config_rows.h"

namespace understudy::app {

std::vector<ConfigRow> gate_rows();

}  // namespace understudy::app
