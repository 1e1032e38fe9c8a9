// The nodes in which a version differs from the live one: takes the new blocks of the owners that were
// edited, and finds what else they change: empty non-terminals that come and go, the wildcard flag of
// parents, and what a cut or a DNAME that came or went covers.
//
// One object, one thread. Looks only at the names that were put, their ancestors and what lies below such a
// cut; holds only those. Nodes are as a builder of the whole zone would make them (zone_builder.h).
#pragma once

#include <map>
#include <optional>

#include "backend/key_order.h"
#include "backend/mirror.h"

namespace understudy::backend {

class NodePatch {
 public:
  struct Node {
    NodeView live;                    // not valid(): it is not there
    std::vector<std::uint8_t> block;  // as it will be; empty: it will not be there
    bool edited = false;              // its records are others; otherwise at most its flags
  };
  struct KeyLess {
    using is_transparent = void;
    bool operator()(dns::Octets a, dns::Octets b) const { return order(a, b) < 0; }
  };
  using Nodes = std::map<std::vector<std::uint8_t>, Node, KeyLess>;

  // What may be redone below cuts and DNAMEs that came or went.
  struct Bounds {
    std::size_t nodes, octets;
  };

  // The reader stays renewed as long as this lives.
  NodePatch(Reader& reader, Generation live, dns::Octets apex_key)
      : reader_(reader), live_(live), apex_size_(apex_key.size()) {}

  // The node of that key in the live version; not valid() where there is none.
  NodeView live(dns::Octets key) const;
  // The block of an owner that was edited, without the flags of its place; empty where it has no records now.
  void put(dns::Octets key, NodeView live, std::vector<std::uint8_t> block);
  // After the last put(). False where more has to be redone than the bounds allow: nodes() is then unfit.
  bool settle(const Bounds& bounds);
  const Nodes& nodes() const { return nodes_; }

 private:
  // Whether what stands below a node is occluded, and by a cut or DNAME of how many labels.
  struct Cover {
    bool covers = false;
    unsigned labels = 0;
    friend bool operator==(const Cover&, const Cover&) = default;
  };
  static Cover cover_below(NodeView node, dns::Octets key);
  Cover cover_above(dns::Octets key) const;
  NodeView node(dns::Octets key) const;  // as it will be
  bool has_child(dns::Octets key) const;
  bool has_wildcard(dns::Octets key) const;
  void add_ancestors();
  void remove_childless();
  void include_parents_of_wildcards();
  bool place(const Bounds& bounds);
  bool include_below(dns::Octets key, const Bounds& bounds);

  Reader& reader_;
  const Generation live_;
  const std::size_t apex_size_;
  Nodes nodes_;
  // of include_below()
  std::optional<std::vector<std::uint8_t>> included_;  // the key below which all nodes are in nodes_
  std::size_t redone_ = 0, redone_octets_ = 0;
};

}  // namespace understudy::backend
