// Node blocks: records of one owner into a block and out of it again, where they must be the same. Blocks
// themselves are the mirror's own, and so never hostile.
#include "backend/node_block.h"
#include "backend/node_walk.h"
#include "dns/name_key.h"
#include "dns/rdata.h"
#include "fuzz/fuzz.h"

namespace understudy::fuzz {
namespace {

using dns::RRType;

struct Given {
  RRType type;
  std::uint32_t ttl;
  Bytes rdata;
};

// A name in front, then records: type, TTL, and RDATA in which names may point into what came before.
std::vector<Given> read_records(dns::WireReader& reader) {
  std::vector<Given> out;
  while (reader.ok() && reader.remaining() > 0 && out.size() < 200) {
    Given given;
    given.type = RRType{reader.u16()};
    given.ttl = reader.u8();
    const std::size_t length = reader.u8();
    if (!reader.ok() || length > reader.remaining()) break;
    const std::size_t end = reader.position() + length;
    if (!dns::is_meta_type(given.type) &&
        dns::expand_rdata(reader, given.type, length, given.rdata) == nullptr) {
      check(dns::check_rdata(given.type, given.rdata) == nullptr, "expanded RDATA is not sound");
      out.push_back(std::move(given));
    }
    reader = dns::WireReader(reader.message(), end);
  }
  return out;
}

bool same_data(RRType type, Octets a, Octets b) {
  Bytes scratch;
  return dns::canonical_rdata_order(type, a, b, scratch) == 0;
}

Result<Octets> build(backend::NodeBuilder& builder, dns::NameView owner, const std::vector<Given>& records) {
  builder.begin(owner);
  for (const Given& given : records) builder.add(given.type, given.ttl, given.rdata);
  return builder.finish(backend::node_flag::apex, 3);
}

void check_block(const dns::Name& owner, const std::vector<Given>& records, Octets octets,
                 std::size_t count) {
  const backend::NodeView block(octets);
  check(block.has(backend::node_flag::apex) && block.cover_labels() == 3, "flags are lost");
  const dns::NameKey key(owner);
  backend::NodeExpander expander;
  backend::WalkedNode node;
  check(expander.expand(key.octets(), block, node).has_value(), "a block cannot be taken apart");
  check(same(node.owner.octets(), owner.view().octets()), "the owner's octets are lost");
  check(node.records.size() == count, "the block holds another number of records");
  const auto holds = [](const auto& all, const auto& wanted) {
    return std::any_of(all.begin(), all.end(), [&](const auto& other) {
      return other.type == wanted.type && same_data(wanted.type, other.rdata, wanted.rdata);
    });
  };
  for (const Given& given : records) check(holds(node.records, given), "a record is lost");
  std::vector<Given> again;
  for (const backend::WalkedRecord& record : node.records) {
    check(holds(records, record), "a record comes from nowhere");
    check(dns::check_rdata(record.type, record.rdata) == nullptr, "a record's data is damaged");
    again.push_back({record.type, record.ttl, {record.rdata.begin(), record.rdata.end()}});
  }
  for (const Given& given : records) {
    const auto rrset =
        block.find(given.type == RRType::RRSIG ? RRType{dns::load16(given.rdata.data())} : given.type);
    check(rrset.has_value(), "an RRset is lost");
    const std::uint32_t ttl = given.type == RRType::RRSIG ? rrset->signature_ttl() : rrset->ttl();
    check(ttl <= given.ttl, "an RRset's TTL is not the lowest");  // RFC 2181 5.2
  }
  // The same records in another order are the same octets: versions are compared by their blocks.
  std::reverse(again.begin(), again.end());
  backend::NodeBuilder builder;
  const auto rebuilt = build(builder, owner, again);
  check(rebuilt.has_value() && same(*rebuilt, octets), "the same records make another block");
}

}  // namespace
}  // namespace understudy::fuzz

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace understudy;
  const fuzz::Bytes input(data, data + size);
  dns::WireReader reader(input);
  dns::Name owner;
  if (!reader.name(owner)) return 0;
  const auto records = fuzz::read_records(reader);
  backend::NodeBuilder builder;
  const auto block = fuzz::build(builder, owner, records);
  if (block) fuzz::check_block(owner, records, *block, builder.record_count());
  return 0;
}
