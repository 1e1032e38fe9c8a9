#include "app/catalog_rows.h"

#include <algorithm>

namespace understudy::app {
namespace {

using Type = OptionType;
using Problems = std::vector<std::string>;

const std::string& text(const OptionValue& value) { return std::get<std::string>(value); }

Result<> add_pattern(std::vector<sync::NamePattern>& patterns, const std::string& word) {
  auto pattern = sync::NamePattern::parse(word);
  if (!pattern) return pattern.error();
  patterns.push_back(std::move(*pattern));
  return {};
}

// `LEFT=RIGHT`, parted at the last sign: a group may be any text.
Result<std::pair<std::string, std::string>> parted(const std::string& word, std::string_view example) {
  const std::size_t equals = word.rfind('=');
  if (equals == std::string::npos || equals == 0 || equals + 1 == word.size()) {
    return Error{"configuration",
                 '"' + word + "\" is not understood: write such as \"" + std::string(example) + '"'};
  }
  return std::pair(word.substr(0, equals), word.substr(equals + 1));
}

Result<> add_group(CatalogDraft& draft, const std::string& word) {
  auto group = parted(word, "gold=TEMPLATE");
  if (!group) return group.error();
  draft.groups.push_back(std::move(*group));
  return {};
}

Result<> add_published_group(sync::PublishedCatalog& catalog, const std::string& word) {
  auto group = parted(word, "*.example.com=gold");
  if (!group) return group.error();
  auto pattern = sync::NamePattern::parse(group->first);
  if (!pattern) return pattern.error();
  if (group->second.size() > 255) return Error{"configuration", "a group has at most 255 octets"};
  catalog.groups.emplace_back(std::move(*pattern), group->second);
  return {};
}

Result<> add_rule(std::vector<net::AccessRule>& rules, const std::string& word) {
  auto rule = net::AccessRule::parse(word);
  if (!rule) return rule.error();
  rules.push_back(std::move(*rule));
  return {};
}

const ConfigRow template_row{
    {"template", "name", Type::text, "", 0, 0, "", "", "What catalogs call it by. Required."},
    [](ConfigDraft& d, const OptionValue& v) -> Result<> {
      d.template_name = text(v);
      return {};
    }};

const ConfigRow own_rows[] = {
    {{"catalog", "name", Type::text, "", 0, 0, "", "",
      "The catalog zone's apex, with or without the final dot. Required."},
     [](ConfigDraft& d, const OptionValue& v) -> Result<> {
       auto name = dns::Name::from_text(text(v));
       if (!name) return name.error();
       d.zone_names.push_back(*name);
       return {};
     }},
    {{"catalog", "source", Type::list, "", 0, 0, "", "",
      "Where the catalog zone is learned from, as `source` of `[[zone]]`: its members are then served. A "
      "catalog "
      "has either `source` or `publish`."},
     [](ConfigDraft& d, const OptionValue& v) -> Result<> {
       auto source = sync::parse_source(text(v));
       if (!source) return source.error();
       d.zone.sources.push_back(std::move(*source));
       return {};
     }},
    {{"catalog", "allow", Type::list, "", 0, 0, "", "",
      "Which zones this catalog may bring: `example.com` is that one, `*.example.com` all below it, `*` all. "
      "Others "
      "are refused, with a warning. Required beside `source`: who writes the catalog decides what is served "
      "here."},
     [](ConfigDraft& d, const OptionValue& v) { return add_pattern(d.catalog.allow, text(v)); }},
    {{"catalog", "template", Type::text, "", 0, 0, "", "",
      "The `[[template]]` with the options of members. Without it they come from the catalog's own sources, "
      "with "
      "every other option at its default."},
     [](ConfigDraft& d, const OptionValue& v) -> Result<> {
       d.catalog.template_name = text(v);
       return {};
     }},
    {{"catalog", "groups", Type::list, "", 0, 0, "", "",
      "Other templates for members of a group: `\"GROUP=TEMPLATE\"`. Of the groups of a member the first "
      "one, in their canonical order, that stands here counts; others are ignored."},
     [](ConfigDraft& d, const OptionValue& v) { return add_group(d.catalog, text(v)); }},
    {{"catalog", "guard", Type::ratio, "0.3", 0, 1, "", "",
      "A version of the catalog that lacks more than this share of its members, or gives them other labels "
      "so that "
      "their data would be forgotten, is held, with the reason `catalog-shrink`: not obeyed until "
      "`understudy "
      "accept`. Members that the catalog hands over to another (`coo`) do not count. 1: never."},
     [](ConfigDraft& d, const OptionValue& v) -> Result<> {
       d.catalog.guard.share = std::get<double>(v);
       return {};
     }},
    {{"catalog", "guard-ignore-below", Type::integer, "3", 0, 1e15, "members", "",
      "A version is not held for `guard` where it takes away fewer members than this."},
     [](ConfigDraft& d, const OptionValue& v) -> Result<> {
       d.catalog.guard.ignore_below = static_cast<std::uint64_t>(std::get<std::int64_t>(v));
       return {};
     }},
    {{"catalog", "publish", Type::list, "", 0, 0, "", "",
      "Makes the catalog here, for secondaries of ours, and lists the zones that are served and that one of "
      "these "
      "patterns fits (as in `allow`), those of other catalogs among them."},
     [](ConfigDraft& d, const OptionValue& v) { return add_pattern(d.catalog.published.zones, text(v)); }},
    {{"catalog", "publish-groups", Type::list, "", 0, 0, "", "",
      "The group of zones that are published: `\"PATTERN=GROUP\"`, the first that fits."},
     [](ConfigDraft& d, const OptionValue& v) { return add_published_group(d.catalog.published, text(v)); }},
    {{"catalog", "allow-query", Type::list, "", 0, 0, "", "",
      "Who gets answers from the catalog zone, besides those that may transfer it: entries as in "
      "`allow-notify`. "
      "All others are refused: it tells which zones are served."},
     [](ConfigDraft& d, const OptionValue& v) { return add_rule(d.catalog.allow_query, text(v)); }},
};

// What of a zone's options fits a catalog.
constexpr std::string_view shared_keys[] = {"allow-notify",    "allow-transfer",    "notify",
                                            "transfer-source", "refresh-min",       "refresh-max",
                                            "retry-min",       "retry-max",         "expire-min",
                                            "expire-max",      "transfer-max-size", "transfer-max-records",
                                            "keep.versions",   "keep.age",          "keep.bytes"};

std::string name_of(const ConfigDraft& draft) { return dns::to_string(draft.zone_names.front()); }

const sync::ZoneSettings* find_template(const ConfigDraft& draft, const std::string& name,
                                        const std::string& who, Problems& problems) {
  const auto found = draft.templates.find(name);
  if (found != draft.templates.end()) return &found->second;
  problems.push_back(who + ": there is no [[template]] with the name \"" + name + '"');
  return nullptr;
}

void finish_obeyed(ConfigDraft& draft, const std::string& who, Problems& problems) {
  CatalogDraft& given = draft.catalog;
  sync::CatalogSettings catalog;
  catalog.zone = draft.zone_names.front().lowered();
  catalog.allow = given.allow;
  if (given.allow.empty()) {
    problems.push_back(who +
                       " says not which zones it may bring: give allow, such as \"*.customers.example\", or "
                       "\"*\" for whatever it lists");
  }
  if (given.template_name.empty()) {
    catalog.member.sources = draft.zone.sources;
    catalog.member.transfer_source = draft.zone.transfer_source;
    catalog.member.gate = draft.config.gate;
  } else if (const auto* settings = find_template(draft, given.template_name, who, problems)) {
    catalog.member = *settings;
  }
  for (const auto& [group, name] : given.groups) {
    if (const auto* settings = find_template(draft, name, who, problems))
      catalog.groups.emplace_back(group, *settings);
  }
  // What the gate asks of records in general says little about a list of zones; the guard looks at members.
  sync::GatePolicy& gate = draft.zone.gate;
  gate.shrink = gate.churn = gate.ns_loss = 1;
  gate.losses = sync::Act::off;
  gate.accept_after = Seconds(0);
  gate.catalog = given.guard;
  draft.config.catalogs.push_back(std::move(catalog));
}

void finish_published(ConfigDraft& draft, const std::string& who, Problems& problems) {
  const CatalogDraft& given = draft.catalog;
  if (!given.allow.empty() || !given.template_name.empty() || !given.groups.empty())
    problems.push_back(who +
                       " is published here: allow, template and groups belong to a catalog with a source");
  draft.zone.sources = {given.published};
  draft.zone.gate = {};
  draft.zone.raise_serial = true;  // the next one for each change
}

}  // namespace

std::vector<ConfigRow> catalog_rows(std::span<const ConfigRow> zone_rows) {
  std::vector<ConfigRow> rows{template_row};
  for (const ConfigRow& row : zone_rows) {
    if (row.option.table != "zone" || row.option.key == "name" || row.option.key == "names") continue;
    rows.push_back(row);
    rows.back().option.table = "template";
  }
  rows.insert(rows.end(), std::begin(own_rows), std::end(own_rows));
  for (const ConfigRow& row : zone_rows) {
    if (row.option.table != "zone" || std::ranges::find(shared_keys, row.option.key) == std::end(shared_keys))
      continue;
    rows.push_back(row);
    rows.back().option.table = "catalog";
  }
  return rows;
}

std::vector<std::string> finish_template(ConfigDraft& draft) {
  Problems problems;
  const std::string who = "the template \"" + draft.template_name + '"';
  if (draft.template_name.empty()) problems.emplace_back("a template without a name: give name");
  if (draft.zone.sources.empty())
    problems.push_back(who + " has no source: give source, such as \"axfr://192.0.2.1\"");
  if (!draft.templates.emplace(draft.template_name, draft.zone).second)
    problems.push_back(who + " is given twice");
  return problems;
}

std::vector<std::string> finish_catalog(ConfigDraft& draft) {
  Problems problems;
  if (draft.zone_names.empty()) return {"a catalog without a name: give name, such as \"catalog.example\""};
  const std::string who = name_of(draft);
  const bool obeyed = !draft.zone.sources.empty(), published = !draft.catalog.published.zones.empty();
  if (obeyed == published) {
    problems.push_back(
        who +
        ": give either source, to serve the zones that it lists, or publish, to list zones that "
        "are served");
  } else if (obeyed) {
    finish_obeyed(draft, who, problems);
  } else {
    finish_published(draft, who, problems);
  }
  // A secondary asks for the SOA before it transfers.
  std::vector<net::AccessRule>& may_ask = draft.zone.allow_query.emplace(draft.catalog.allow_query);
  may_ask.insert(may_ask.end(), draft.zone.allow_transfer.begin(), draft.zone.allow_transfer.end());
  return problems;
}

}  // namespace understudy::app
