#include "server/rendering.h"

#include "backend/reasons.h"

namespace understudy::server {

using backend::NodeView;
using backend::RRsetView;
using dns::RRType;

namespace {

// Walks one snapshot of one zone.
class Renderer {
 public:
  Renderer(SpoolWriter& writer, dns::NameView apex)
      : writer_(writer), apex_(apex), rdata_(limits::message_octets) {}

  // The SOA opens the transfer and is not repeated at the apex (RFC 5936 2.2).
  Result<> begin(const Apex& apex) {
    if (auto added = add_soa(apex); !added) return added;
    if (auto added = add_signatures(*apex.node.find(RRType::SOA)); !added) return added;
    return add_node(apex.node, RRType::SOA);
  }

  Result<> add(const backend::FoundNode& found) {
    if (found.node.is_empty_non_terminal()) return {};
    const auto name = dns::name_of_key(found.key);
    if (!name) return Error{"zone-broken", "a key in the mirror's " + dns::to_string(apex_) + " is no name"};
    set_owner(found.node, *name);
    return add_node(found.node, RRType{0});
  }

  Result<> end(const Apex& apex) { return add_soa(apex); }

 private:
  Result<> add_soa(const Apex& apex) {
    set_owner(apex.node, apex_);
    return writer_.add_compressing(RRType::SOA, apex.soa.ttl, apex.soa.rdata);
  }

  void set_owner(const NodeView& node, dns::NameView name) {
    owner_ = dns::Name(node.owner_case().value_or(name));
    writer_.set_owner(owner_);
  }

  Result<> add_node(const NodeView& node, RRType without) {
    for (unsigned i = 0; i < node.rrset_count(); ++i) {
      const RRsetView rrset = node.rrset(i);
      if (rrset.type() == without) continue;
      if (auto added = add_rrset(rrset); !added) return added;
      if (auto added = add_signatures(rrset); !added) return added;
    }
    return {};
  }

  Result<> add_rrset(const RRsetView& rrset) {
    const dns::Octets rrs = rrset.rrs();
    const bool compress = SpoolWriter::may_compress(rrset.type());
    const bool as_stored = !compress && rrset.patch_count() == 0;
    for (std::size_t place = 0; place < rrs.size(); place += 2u + dns::load16(rrs.data() + place)) {
      dns::Octets rdata = rrs.subspan(place + 2, dns::load16(rrs.data() + place));
      if (!as_stored) rdata = {rdata_.data(), backend::expand_rr(rrset, place, owner_, rdata_.data())};
      auto added = compress ? writer_.add_compressing(rrset.type(), rrset.ttl(), rdata)
                            : writer_.add(rrset.type(), rrset.ttl(), rdata);
      if (!added) return added;
    }
    return {};
  }

  Result<> add_signatures(const RRsetView& rrset) {
    const dns::Octets rrs = rrset.signatures();
    for (std::size_t place = 0; place < rrs.size(); place += 2u + dns::load16(rrs.data() + place)) {
      auto added = writer_.add(RRType::RRSIG, rrset.signature_ttl(),
                               rrs.subspan(place + 2, dns::load16(rrs.data() + place)));
      if (!added) return added;
    }
    return {};
  }

  SpoolWriter& writer_;
  const dns::NameView apex_;
  dns::Name owner_;
  std::vector<std::uint8_t> rdata_;
};

Result<std::uint32_t> render(const Rendering& rendering, SpoolWriter& writer) {
  const auto apex = find_apex(rendering);
  if (!apex) return apex.error();
  Renderer renderer(writer, rendering.apex);
  if (auto begun = renderer.begin(*apex); !begun) return begun.error();
  backend::FoundNode found;
  while (rendering.reader.next(found)) {
    if (rendering.stop.load(std::memory_order_relaxed))
      return Error{backend::reason::stopping, "the server stops"};
    if (auto added = renderer.add(found); !added) return added.error();
  }
  if (auto ended = renderer.end(*apex); !ended) return ended.error();
  return dns::Soa::of(apex->soa.rdata).serial;
}

}  // namespace

Result<Apex> find_apex(const Rendering& rendering) {
  backend::FoundNode found;
  const dns::NameKey key(rendering.apex);
  // The apex is the first node in canonical order.
  if (!rendering.reader.seek(rendering.generation, key.octets(), found) ||
      !std::ranges::equal(found.key, key.octets())) {
    return Error{"zone-broken", "the mirror has no apex for " + dns::to_string(rendering.apex)};
  }
  const auto soa = found.node.find(RRType::SOA);
  if (!soa || soa->size() != 1)
    return Error{"zone-broken", "the mirror has no SOA for " + dns::to_string(rendering.apex)};
  const dns::NameView owner = found.node.owner_case().value_or(rendering.apex);
  return Apex{found.node, {dns::Name(owner), RRType::SOA, soa->ttl(), soa->expand(rendering.apex).front()}};
}

Result<std::shared_ptr<const Spool>> render_zone(const Rendering& rendering) {
  return make_spool(rendering.directory, rendering.apex, TransferType::axfr,
                    [&](SpoolWriter& writer) { return render(rendering, writer); });
}

}  // namespace understudy::server
