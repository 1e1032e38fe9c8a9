// The option rows of [[compare.expect]]: differences that are known and wanted. Immutable, any thread.
#pragma once

#include "app/config_rows.h"

namespace understudy::app {

std::vector<ConfigRow> expect_rows();

// "2027-01-31", or with the time "2027-01-31T12:00:00Z".
Result<UnixTime> parse_instant(const std::string& text);

}  // namespace understudy::app
