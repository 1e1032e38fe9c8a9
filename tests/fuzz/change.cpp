// Chunks of changes: from damaged octets come sound names or a failure, and what is read can be written and
// read again.
#include "backend/change.h"

#include "fuzz/fuzz.h"

namespace understudy::fuzz {
namespace {

using backend::ChangedRecord;

// What the octets tell, up to where they are damaged.
std::vector<ChangedRecord> read_all(Octets plain, bool& failed) {
  std::vector<ChangedRecord> out;
  backend::ChunkReader reader(plain);
  while (const auto change = reader.next()) {
    check(dns::NameView::parse(change->record.owner.octets()).has_value(), "an owner that is no name");
    check(change->record.rdata.data() >= plain.data() &&
              change->record.rdata.data() + change->record.rdata.size() <= plain.data() + plain.size(),
          "RDATA outside of the chunk");
    out.push_back(*change);
  }
  failed = reader.failed();
  return out;
}

bool equal(const ChangedRecord& a, const ChangedRecord& b) {
  return a.added == b.added && same(a.record.owner.octets(), b.record.owner.octets()) &&
         a.record.type == b.record.type && a.record.ttl == b.record.ttl &&
         same(a.record.rdata, b.record.rdata);
}

void check_way_back(const std::vector<ChangedRecord>& changes) {
  backend::ChangeWriter writer;
  for (const ChangedRecord& change : changes) writer.add(change);
  check(writer.added() + writer.removed() == changes.size(), "changes are counted wrongly");
  backend::ChunkExpander expander;
  std::size_t at = 0;
  for (const Bytes& chunk : writer.finish()) {
    Bytes plain;
    check(expander.expand(chunk, plain).has_value(), "our own chunk does not expand");
    bool failed = false;
    for (const ChangedRecord& change : read_all(plain, failed)) {
      check(at < changes.size() && equal(change, changes[at]), "a change is another after its way back");
      ++at;
    }
    check(!failed, "our own chunk is damaged");
  }
  check(at == changes.size(), "a change is lost");
}

}  // namespace
}  // namespace understudy::fuzz

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace understudy;
  static backend::ChunkExpander expander;
  const fuzz::Bytes input(data, data + size);
  bool failed = false;
  fuzz::Bytes plain;
  if (expander.expand(input, plain)) fuzz::read_all(plain, failed);
  fuzz::check_way_back(fuzz::read_all(input, failed));
  return 0;
}
