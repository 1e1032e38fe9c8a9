#include "server/spool.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "server/spool_writer.h"

namespace understudy::server {

using backend::NodeView;
using backend::RRsetView;
using dns::RRType;

namespace {

Error io_error(const std::string& what) { return {"spool-io", what + ": " + std::strerror(errno)}; }

// A file that is gone as soon as nobody has it open, crashes included.
Result<int> open_unnamed(const std::string& directory) {
  const int file = ::open(directory.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
  if (file >= 0) return file;
  // Not every file system knows files without names.
  std::string path = directory + "/transfer-XXXXXX";
  const int named = ::mkostemp(path.data(), O_CLOEXEC);
  if (named < 0) return io_error("making a transfer's spool in " + directory);
  ::unlink(path.c_str());
  return named;
}

// The types whose names a sender may compress: those of RFC 1035 (RFC 3597 4) that are still data of zones.
bool may_compress(RRType type) {
  switch (static_cast<std::uint16_t>(type)) {
    case 2:
    case 3:
    case 4:
    case 5:
    case 6:
    case 7:
    case 8:
    case 9:
    case 12:
    case 14:
    case 15:
      return true;
    default:
      return false;
  }
}

// Walks one snapshot of one zone.
class Renderer {
 public:
  Renderer(SpoolWriter& writer, dns::NameView apex)
      : writer_(writer), apex_(apex), rdata_(limits::message_octets) {}

  // The SOA opens the transfer and is not repeated at the apex (RFC 5936 2.2).
  Result<> begin(const NodeView& apex) {
    set_owner(apex, apex_);
    const auto soa = apex.find(RRType::SOA);
    if (!soa || soa->size() != 1)
      return Error{"zone-broken", "the mirror has no SOA for " + dns::to_string(apex_)};
    const std::size_t size = backend::expand_rr(*soa, 0, apex_, rdata_.data());
    soa_.assign(rdata_.begin(), rdata_.begin() + static_cast<std::ptrdiff_t>(size));
    soa_ttl_ = soa->ttl();
    if (auto added = writer_.add_compressing(RRType::SOA, soa_ttl_, soa_); !added) return added;
    if (auto added = add_signatures(*soa); !added) return added;
    return add_node(apex, RRType::SOA);
  }

  Result<> add(const backend::FoundNode& found) {
    if (found.node.is_empty_non_terminal()) return {};
    const auto name = dns::name_of_key(found.key);
    if (!name) return Error{"zone-broken", "a key in the mirror's " + dns::to_string(apex_) + " is no name"};
    set_owner(found.node, *name);
    return add_node(found.node, RRType{0});
  }

  Result<> end(const NodeView& apex) {
    set_owner(apex, apex_);
    return writer_.add_compressing(RRType::SOA, soa_ttl_, soa_);
  }

 private:
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
    const bool compress = may_compress(rrset.type());
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
  std::vector<std::uint8_t> rdata_, soa_;
  std::uint32_t soa_ttl_ = 0;
};

Result<> render(backend::Reader& reader, backend::Generation generation, dns::NameView apex,
                SpoolWriter& writer, const std::atomic<bool>& stop) {
  Renderer renderer(writer, apex);
  backend::FoundNode found;
  const dns::NameKey apex_key(apex);
  // The apex is the first node in canonical order.
  if (!reader.seek(generation, apex_key.octets(), found) ||
      !std::ranges::equal(found.key, apex_key.octets())) {
    return Error{"zone-broken", "the mirror has no apex for " + dns::to_string(apex)};
  }
  const NodeView apex_node = found.node;
  if (auto begun = renderer.begin(apex_node); !begun) return begun;
  while (reader.next(found)) {
    if (stop.load(std::memory_order_relaxed)) return Error{"stopping", "the server stops"};
    if (auto added = renderer.add(found); !added) return added;
  }
  if (auto ended = renderer.end(apex_node); !ended) return ended;
  return writer.finish();
}

}  // namespace

Spool::~Spool() { ::close(file_); }

bool Spool::read(std::uint64_t offset, std::span<std::uint8_t> out) const {
  while (!out.empty() && offset < size_) {
    const ssize_t n = ::pread(file_, out.data(), out.size(), static_cast<off_t>(offset));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    out = out.subspan(static_cast<std::size_t>(n));
    offset += static_cast<std::uint64_t>(n);
  }
  return true;
}

Result<std::shared_ptr<const Spool>> render_spool(backend::Reader& reader, backend::Generation generation,
                                                  dns::NameView apex, const std::string& directory,
                                                  const std::atomic<bool>& stop) {
  const auto file = open_unnamed(directory);
  if (!file) return file.error();
  SpoolWriter writer(*file, apex);
  const auto rendered = render(reader, generation, apex, writer, stop);
  if (!rendered) {
    ::close(*file);
    return rendered.error();
  }
  return std::make_shared<const Spool>(*file, writer.octets_written(), writer.records());
}

}  // namespace understudy::server
