// The option rows of this program: each with the place where its value goes. Immutable, any thread.
#pragma once

#include <span>

#include "app/config.h"
#include "app/key_values.h"

namespace understudy::app {

// A configuration while it is read, and the key and zone tables that are being read.
struct ConfigDraft {
  Config config;
  KeyDraft key;
  sync::ZoneSettings zone;
  std::vector<dns::Name> zone_names;
  bool zone_has_command = false;  // a gate's command of its own
  audit::Expectation expectation;
};

struct ConfigRow {
  Option option;
  Result<> (*store)(ConfigDraft& draft, const OptionValue& value);
};

std::span<const ConfigRow> config_rows();

}  // namespace understudy::app
