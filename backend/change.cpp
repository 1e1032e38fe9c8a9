#include "backend/change.h"

#include <zstd.h>

#include "backend/reasons.h"

namespace understudy::backend {
namespace {

// Fast, and a tenth of what it takes in: the writer's thread has better things to do.
constexpr int compression_level = 1;
// The largest record: operation, owner, type, TTL, RDLENGTH, RDATA.
constexpr std::size_t record_octets = 1 + limits::name_octets + 8 + limits::message_octets;
constexpr std::size_t most_plain_octets = limits::change_chunk_octets + record_octets;

Error damaged() { return {reason::mirror_io, "a change in the mirror is damaged"}; }

}  // namespace

struct ChangeWriter::Compressor {
  ZSTD_CCtx* context = ZSTD_createCCtx();
  ~Compressor() { ZSTD_freeCCtx(context); }
};

ChangeWriter::ChangeWriter() = default;
ChangeWriter::~ChangeWriter() = default;
ChangeWriter::ChangeWriter(ChangeWriter&&) noexcept = default;
ChangeWriter& ChangeWriter::operator=(ChangeWriter&&) noexcept = default;

void ChangeWriter::add(const ChangedRecord& change) {
  ++(change.added ? added_ : removed_);
  if (dropped_) return;
  const dns::RecordView& r = change.record;
  const std::size_t size = 1 + r.owner.size() + 8 + r.rdata.size();
  // A record larger than a chunk has one to itself.
  if (!plain_.empty() && plain_.size() + size > limits::change_chunk_octets) end_chunk();
  const std::size_t start = plain_.size();
  plain_.resize(start + size);
  std::uint8_t* out = plain_.data() + start;
  *out++ = change.added ? 1 : 0;
  std::memcpy(out, r.owner.data(), r.owner.size());
  out += r.owner.size();
  dns::store16(out, static_cast<std::uint16_t>(r.type));
  dns::store32(out + 2, r.ttl);
  dns::store16(out + 6, static_cast<std::uint16_t>(r.rdata.size()));
  if (!r.rdata.empty()) std::memcpy(out + 8, r.rdata.data(), r.rdata.size());
  octets_ += size;
}

void ChangeWriter::end_chunk() {
  if (plain_.empty()) return;
  if (!compressor_) compressor_ = std::make_unique<Compressor>();
  Chunk chunk(ZSTD_compressBound(plain_.size()));
  // With room of that bound compression cannot fail but for want of memory.
  const std::size_t size = ZSTD_compressCCtx(compressor_->context, chunk.data(), chunk.size(), plain_.data(),
                                             plain_.size(), compression_level);
  chunk.resize(ZSTD_isError(size) != 0 ? 0 : size);
  chunk.shrink_to_fit();
  chunks_.push_back(std::move(chunk));
  plain_.clear();
}

void ChangeWriter::drop() {
  dropped_ = true;
  octets_ = 0;
  plain_ = {};
  chunks_ = {};
}

std::vector<ChangeWriter::Chunk> ChangeWriter::finish() {
  end_chunk();
  compressor_.reset();
  return std::move(chunks_);
}

struct ChunkExpander::Context {
  ZSTD_DCtx* context = ZSTD_createDCtx();
  ~Context() { ZSTD_freeDCtx(context); }
};

ChunkExpander::ChunkExpander() : context_(std::make_unique<Context>()) {}
ChunkExpander::~ChunkExpander() = default;

Result<> ChunkExpander::expand(dns::Octets chunk, std::vector<std::uint8_t>& plain) {
  const unsigned long long size = ZSTD_getFrameContentSize(chunk.data(), chunk.size());
  if (size == ZSTD_CONTENTSIZE_ERROR || size == ZSTD_CONTENTSIZE_UNKNOWN || size > most_plain_octets)
    return damaged();
  plain.resize(size);
  if (expand_into(chunk, plain) != size) return damaged();
  return {};
}

std::optional<std::size_t> ChunkExpander::expand_into(dns::Octets chunk, std::span<std::uint8_t> room) {
  const unsigned long long size = ZSTD_getFrameContentSize(chunk.data(), chunk.size());
  if (size == ZSTD_CONTENTSIZE_ERROR || size == ZSTD_CONTENTSIZE_UNKNOWN || size > room.size())
    return std::nullopt;
  const std::size_t got =
      ZSTD_decompressDCtx(context_->context, room.data(), size, chunk.data(), chunk.size());
  if (ZSTD_isError(got) != 0 || got != size) return std::nullopt;
  return got;
}

std::optional<ChangedRecord> ChunkReader::next() {
  if (rest_.empty()) return std::nullopt;
  failed_ = true;
  ChangedRecord change;
  if (rest_[0] > 1) return std::nullopt;
  change.added = rest_[0] == 1;
  const auto owner = dns::NameView::parse(rest_.subspan(1));
  if (!owner) return std::nullopt;
  const std::size_t head = 1 + owner->size() + 8;
  if (rest_.size() < head) return std::nullopt;
  const std::uint8_t* fixed = rest_.data() + head - 8;
  const std::size_t rdata_size = dns::load16(fixed + 6);
  if (rest_.size() < head + rdata_size) return std::nullopt;
  change.record = {*owner, dns::RRType{dns::load16(fixed)}, dns::load32(fixed + 2),
                   rest_.subspan(head, rdata_size)};
  rest_ = rest_.subspan(head + rdata_size);
  failed_ = false;
  return change;
}

}  // namespace understudy::backend
