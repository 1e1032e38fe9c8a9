// A zone's options outside the configuration file: as `add` takes them and as the mirror remembers them. The
// rows of app/config_rows.cpp say what each means. Pure functions but for added_zones(), which reads the
// mirror; at start, or on the sync thread.
#pragma once

#include "app/config.h"
#include "backend/mirror.h"

namespace understudy::app {

// The options that `add` takes: the rows of [[zone]] but the names.
std::vector<const Option*> addable_options();

// The settings of a zone with these options, and the configuration's gate where they say nothing else.
// Errors: "zone-options": what is wrong, and with which option.
Result<sync::ZoneSettings> zone_from_options(const dns::Name& apex, const backend::ZoneOptions& options,
                                             const sync::GatePolicy& gate);

// The zones that were added at run time and are not among `configured`, which goes before them: that is
// logged. One whose options are not all understood any more (an older program's, or a key that the
// configuration has not) stays the operator's: it is logged, has no source, and is served from the mirror to
// whom it may be.
Result<std::vector<sync::ZoneSettings>> added_zones(backend::Mirror& mirror,
                                                    const std::vector<sync::ZoneSettings>& configured,
                                                    const sync::GatePolicy& gate);

}  // namespace understudy::app
