#include "backend/lookup.h"

namespace understudy::backend {
namespace {

LookupResult at(Outcome outcome, NodeView node, unsigned owner_labels, bool wildcard = false) {
  return {outcome, node, owner_labels, wildcard, {}};
}

// What a node that owns the name (or the wildcard that stands for it) says of a type.
LookupResult from_node(NodeView node, unsigned labels, bool wildcard, RRType type) {
  if (type == RRType::ANY || type == RRType::RRSIG) {
    return at(node.is_empty_non_terminal() ? Outcome::nodata : Outcome::any, node, labels, wildcard);
  }
  if (const auto rrset = node.find(type); rrset && rrset->size() != 0) {
    return at(Outcome::answer, node, labels, wildcard);
  }
  // RFC 1034 4.3.2 3a.
  if (const auto cname = node.find(RRType::CNAME); cname && cname->size() != 0) {
    return at(Outcome::cname, node, labels, wildcard);
  }
  return at(Outcome::nodata, node, labels, wildcard);
}

// The cut or DNAME with `labels` labels that the writer said is above the name.
LookupResult covered(Reader& reader, Generation generation, dns::NameKey& key, unsigned labels) {
  FoundNode cover;
  if (!reader.find_exact(generation, key, key.prefix_size(labels), cover)) return {};
  if (cover.node.has(node_flag::cut)) return at(Outcome::referral, cover.node, labels);
  if (cover.node.has(node_flag::dname)) return at(Outcome::dname, cover.node, labels);
  return {};
}

LookupResult exact(Reader& reader, Generation generation, dns::NameKey& key, NodeView node, RRType type) {
  if (node.has(node_flag::occluded)) [[unlikely]]
    return covered(reader, generation, key, node.cover_labels());
  // RFC 4035 3.1.4.1: the parent side answers for DS at a cut, the child for all else.
  if (node.has(node_flag::cut) && type != RRType::DS) return at(Outcome::referral, node, key.label_count());
  return from_node(node, key.label_count(), false, type);
}

// RFC 4592 3.3.1: the source of synthesis is "*" right below the closest encloser.
LookupResult from_wildcard(Reader& reader, Generation generation, const dns::NameKey& key,
                           unsigned encloser_labels, NodeView encloser, RRType type) {
  dns::NameKey wildcard;
  wildcard.assign_wildcard(key, encloser_labels);
  FoundNode found;
  if (!reader.find_exact(generation, wildcard, wildcard.size(), found)) {
    return at(Outcome::name_error, encloser, encloser_labels);
  }
  // RFC 4592 4.2: NS at a wildcard is undefined there; here it is no cut for the names it would stand for.
  return from_node(found.node, encloser_labels, true, type);
}

}  // namespace

LookupResult look_up(Reader& reader, Generation generation, unsigned apex_labels, dns::NameKey& key,
                     RRType type) {
  FoundNode found;
  if (!reader.find(generation, key, found)) return {};
  if (found.exact) return exact(reader, generation, key, found.node, type);
  // The closest encloser is the longest ancestor shared with the node before: it exists, if only as a
  // non-terminal.
  const unsigned encloser_labels = key.common_labels(found.key);
  if (encloser_labels < apex_labels) return {};
  const FoundNode before = found;
  if (found.key.size() != key.prefix_size(encloser_labels)) {
    if (!reader.find_exact(generation, key, key.prefix_size(encloser_labels), found)) return {};
  }
  const NodeView encloser = found.node;
  if (encloser.has(node_flag::occluded)) return covered(reader, generation, key, encloser.cover_labels());
  if (encloser.has(node_flag::cut)) return at(Outcome::referral, encloser, encloser_labels);
  if (encloser.has(node_flag::dname)) return at(Outcome::dname, encloser, encloser_labels);
  LookupResult result = encloser.has(node_flag::wildcard_child)
                            ? from_wildcard(reader, generation, key, encloser_labels, encloser, type)
                            : at(Outcome::name_error, encloser, encloser_labels);
  result.before = before;
  return result;
}

}  // namespace understudy::backend
