// The option rows of this program: each with the place where its value goes. Immutable, any thread.
#pragma once

#include <deque>
#include <span>

#include "app/config.h"
#include "app/key_values.h"

namespace understudy::app {

// A [[catalog]] while it is read, but for what it has in common with a [[zone]].
struct CatalogDraft {
  std::vector<sync::NamePattern> allow;
  std::string template_name;
  std::vector<std::pair<std::string, std::string>> groups;  // and the templates' names
  sync::CatalogGuard guard;
  std::vector<net::AccessRule> allow_query;
  sync::PublishedCatalog published;
};

// A configuration while it is read, and the key, zone, template and catalog tables that are being read.
struct ConfigDraft {
  Config config;
  KeyDraft key;
  sync::ZoneSettings zone;
  std::deque<dns::Name> zone_names;  // thousands perhaps, each of 256 octets: they do not move
  bool zone_has_command = false;     // a gate's command of its own
  std::string template_name;
  CatalogDraft catalog;
  std::map<std::string, sync::ZoneSettings> templates;
  audit::Expectation expectation;
};

struct ConfigRow {
  Option option;
  Result<> (*store)(ConfigDraft& draft, const OptionValue& value);
};

std::span<const ConfigRow> config_rows();

}  // namespace understudy::app
