// The rows of [[template]] and [[catalog]]: those of [[zone]] that fit, and their own; and what such a table
// is once all of it was read. At start and reload only.
#pragma once

#include "app/config_rows.h"

namespace understudy::app {

// `zone_rows` are all rows, those of [[zone]] among them.
std::vector<ConfigRow> catalog_rows(std::span<const ConfigRow> zone_rows);

// Both take what the draft has and return what is wrong with it. A catalog's own zone goes among the zones.
std::vector<std::string> finish_template(ConfigDraft& draft);
std::vector<std::string> finish_catalog(ConfigDraft& draft);

}  // namespace understudy::app
