#include "sync/catalog.h"

#include <algorithm>

#include "sync/reasons.h"
#include "sync/zone_key.h"

namespace understudy::sync {
namespace {

using backend::WalkedNode;
using backend::WalkedRecord;
using dns::NameView;
using dns::RRType;

constexpr std::string_view schema_version = "2";

Error broken(std::string message) { return {reason::catalog_broken, std::move(message)}; }

bool is(dns::Octets label, std::string_view word) {
  return std::equal(label.begin(), label.end(), word.begin(), word.end(), [](std::uint8_t a, char b) {
    return (a >= 'A' && a <= 'Z' ? a + 32 : a) == static_cast<std::uint8_t>(b);
  });
}

// A TXT record of one character-string; nothing where it is made of several.
std::optional<std::string> only_string(dns::Octets rdata) {
  if (rdata.empty() || rdata.size() != 1u + rdata[0]) return std::nullopt;
  return std::string(rdata.begin() + 1, rdata.end());
}

std::vector<dns::Octets> of_type(const WalkedNode& node, RRType type) {
  std::vector<dns::Octets> rdata;
  for (const WalkedRecord& record : node.records) {
    if (record.type == type) rdata.push_back(record.rdata);
  }
  return rdata;
}

// Takes the nodes of a walk. In canonical order a member node comes right before what stands below it.
class CatalogReader {
 public:
  explicit CatalogReader(NameView apex) : apex_(apex), depth_(apex.label_count()) {}

  Result<> take(const WalkedNode& node) {
    const unsigned labels = node.owner.label_count();
    if (labels <= depth_) return {};
    const unsigned below = labels - depth_;
    if (below == 1) return is(node.owner.first_label(), "version") ? take_version(node) : Result<>();
    if (!is(node.owner.suffix(depth_ + 1).first_label(), "zones")) return {};
    if (below == 2) return take_member(node);
    // Properties of a member node; those below `ext`, and all that are deeper, are others' own (4.5).
    if (below != 3 || !has_member_ || !node.owner.parent().equals(node_)) return {};
    if (is(node.owner.first_label(), "coo")) return take_coo(node);
    if (is(node.owner.first_label(), "group")) take_groups(node);
    return {};
  }

  Result<Catalog> finish() {
    if (!has_version_) {
      return broken("it says no version: RFC 9432 4.3.1 wants one TXT record \"2\" at version." +
                    dns::to_string(apex_));
    }
    if (Result<> added = end_member(); !added) return added.error();
    return std::move(catalog_);
  }

 private:
  // 4.3.1: exactly one record, and its value.
  Result<> take_version(const WalkedNode& node) {
    const std::vector<dns::Octets> versions = of_type(node, RRType::TXT);
    if (versions.empty()) return {};
    if (versions.size() > 1)
      return broken("it says " + std::to_string(versions.size()) + " versions, and must say one");
    const auto text = only_string(versions.front());
    if (!text || *text != schema_version) {
      std::string said = "not one text";
      if (text) dns::append_label_text(said = "", versions.front().subspan(1));  // foreign: escaped
      return broken("its version is " + said + ", and only 2 (RFC 9432) is understood" +
                    (said == "1" ? ": 1 was there before the RFC; let its primary make version 2" : ""));
    }
    has_version_ = true;
    return {};
  }

  // 4.2: one PTR record. Other types are ignored.
  Result<> take_member(const WalkedNode& node) {
    if (Result<> added = end_member(); !added) return added;
    const std::vector<dns::Octets> targets = of_type(node, RRType::PTR);
    if (targets.empty()) return {};
    if (targets.size() > 1)
      return broken(dns::to_string(node.owner) + " has " + std::to_string(targets.size()) +
                    " PTR records, and must have one");
    const auto zone = NameView::parse(targets.front());
    if (!zone) return broken(dns::to_string(node.owner) + " has a PTR record that is no name");
    has_member_ = true;
    node_ = dns::Name(node.owner).lowered();
    member_ = {dns::Name(*zone).lowered(), {}, {}, {}};
    dns::append_label_text(member_.label, node_.view().first_label());
    return {};
  }

  // 4.4.1: a single PTR record.
  Result<> take_coo(const WalkedNode& node) {
    const std::vector<dns::Octets> targets = of_type(node, RRType::PTR);
    if (targets.empty()) return {};
    if (targets.size() > 1)
      return broken(dns::to_string(node.owner) + " has " + std::to_string(targets.size()) +
                    " PTR records, and must have one");
    const auto catalog = NameView::parse(targets.front());
    if (!catalog) return broken(dns::to_string(node.owner) + " has a PTR record that is no name");
    member_.coo = dns::Name(*catalog).lowered();
    return {};
  }

  // 4.4.2: any number; what is not one text is a value that is not understood, and those are ignored.
  void take_groups(const WalkedNode& node) {
    for (const dns::Octets rdata : of_type(node, RRType::TXT)) {
      if (auto group = only_string(rdata); group && !group->empty())
        member_.groups.push_back(std::move(*group));
    }
  }

  // 4.2: no zone stands at two nodes.
  Result<> end_member() {
    if (!std::exchange(has_member_, false)) return {};
    const auto [place, is_new] = catalog_.members.try_emplace(key_of(member_.zone), member_);
    if (is_new) return {};
    return broken("the labels " + place->second.label + " and " + member_.label +
                  " both stand for the zone " + dns::to_string(member_.zone));
  }

  const dns::Name apex_;
  const unsigned depth_;
  bool has_version_ = false;
  bool has_member_ = false;
  dns::Name node_;  // of the member at hand
  CatalogMember member_;
  Catalog catalog_;
};

}  // namespace

Result<Catalog> read_catalog(NameView apex, backend::NodeWalk& walk) {
  CatalogReader reader(apex);
  WalkedNode node;
  for (;;) {
    const Result<bool> more = walk.next(node);
    if (!more) return more.error();
    if (!*more) return reader.finish();
    if (Result<> taken = reader.take(node); !taken) return taken.error();
  }
}

CatalogLosses losses_between(const Catalog& before, const Catalog& now) {
  CatalogLosses losses;
  losses.before = before.members.size();
  for (const auto& [key, member] : before.members) {
    const CatalogMember* const still = now.find(key);
    if (still != nullptr && still->label == member.label) continue;
    if (still == nullptr && member.coo) continue;
    if (losses.gone + losses.reset == 0) losses.first = member.zone;
    ++(still == nullptr ? losses.gone : losses.reset);
  }
  return losses;
}

}  // namespace understudy::sync
