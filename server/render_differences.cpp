#include "server/rendering.h"

#include "backend/reasons.h"

namespace understudy::server {

using backend::ChangeCursor;
using backend::Difference;
using dns::RRType;

namespace {

bool is_soa(const backend::ChangedRecord& change) { return change.record.type == RRType::SOA; }

class DifferenceRenderer {
 public:
  DifferenceRenderer(const Rendering& rendering, SpoolWriter& writer)
      : rendering_(rendering), writer_(writer) {}

  // RFC 1995 4: the older SOA, what went, the newer SOA, what came.
  Result<> add(const Difference& difference) {
    for (const bool added : {false, true}) {
      if (auto done = add_soa(difference, added); !done) return done;
      if (auto done = add_others(difference, added); !done) return done;
    }
    return {};
  }

  Result<> add(const dns::RecordView& record) {
    if (!std::ranges::equal(owner_.view().octets(), record.owner.octets())) {
      owner_ = dns::Name(record.owner);
      writer_.set_owner(owner_);
    }
    return writer_.add_whole(record.type, record.ttl, record.rdata);
  }

 private:
  // It stands near the front, since the apex comes before all other owners.
  Result<> add_soa(const Difference& difference, bool added) {
    ChangeCursor cursor = difference.read();
    for (;;) {
      const Result<bool> more = cursor.advance(expander_);
      if (!more) return more.error();
      if (!*more) break;
      if (is_soa(cursor.current()) && cursor.current().added == added) return add(cursor.current().record);
    }
    return Error{"zone-broken",
                 "a change of " + dns::to_string(rendering_.apex) + " in the mirror has no SOA"};
  }

  Result<> add_others(const Difference& difference, bool added) {
    ChangeCursor cursor = difference.read();
    for (;;) {
      if (rendering_.stop.load(std::memory_order_relaxed))
        return Error{backend::reason::stopping, "the server stops"};
      const Result<bool> more = cursor.advance(expander_);
      if (!more) return more.error();
      if (!*more) return {};
      if (is_soa(cursor.current()) || cursor.current().added != added) continue;
      if (auto done = add(cursor.current().record); !done) return done;
    }
  }

  const Rendering& rendering_;
  SpoolWriter& writer_;
  backend::ChunkExpander expander_;
  dns::Name owner_;  // as the writer has it, the root at first
};

}  // namespace

Result<std::shared_ptr<const Spool>> render_differences(const Rendering& rendering,
                                                        const std::vector<Difference>& differences) {
  const auto apex = find_apex(rendering);
  if (!apex) return apex.error();
  const dns::Record& soa = apex->soa;
  const auto render = [&](SpoolWriter& writer) -> Result<std::uint32_t> {
    DifferenceRenderer renderer(rendering, writer);
    const dns::RecordView current{soa.owner, soa.type, soa.ttl, soa.rdata};
    if (auto added = renderer.add(current); !added) return added.error();
    for (const Difference& difference : differences) {
      if (auto added = renderer.add(difference); !added) return added.error();
    }
    if (auto added = renderer.add(current); !added) return added.error();
    return dns::Soa::of(soa.rdata).serial;
  };
  return make_spool(rendering.directory, rendering.apex, TransferType::ixfr, render);
}

}  // namespace understudy::server
