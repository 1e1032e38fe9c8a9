#include "backend/record_sorter.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>

#include "backend/key_order.h"
#include "backend/reasons.h"

namespace understudy::backend {
namespace {

// A record in a run: size of what follows 4, key size 2, RDATA size 2, type 2, TTL 4, owner size 1, key,
// RDATA, owner.
constexpr std::size_t head_octets = 15;
constexpr std::size_t read_octets = 256u << 10;

Octets key_of(Octets record) { return record.subspan(head_octets, dns::load16(record.data() + 4)); }

bool less(Octets a, Octets b) { return order(a, b) < 0; }

Error spool_error(std::string_view doing) {
  const std::string why = std::generic_category().message(errno);
  return {errno == ENOSPC ? reason::disk_full : reason::mirror_io,
          "the spool file for sorting, " + std::string(doing) + ": " + why + "; look at the data directory"};
}

}  // namespace

RecordSorter::~RecordSorter() {
  if (file_ >= 0) ::close(file_);
}

Octets RecordSorter::Run::record() const {
  const std::uint8_t* start = buffer.data() + begin;
  return {start, 4 + std::size_t{dns::load32(start)}};
}

Result<> RecordSorter::add(const dns::NameKey& key, const dns::RecordView& record) {
  const bool keep_owner = record.owner.has_upper_case();
  const std::size_t owner_size = keep_owner ? record.owner.size() : 0;
  const std::size_t size = head_octets + key.size() + record.rdata.size() + owner_size;
  if (!records_.empty() && records_.size() + size > limits::sort_run_octets) {
    if (auto spilled = spill(); !spilled) return spilled;
  }
  if (in_order_ && !starts_.empty()) {
    const Octets last = Octets(records_).subspan(starts_.back());
    in_order_ = !less(key.octets(), key_of(last));
  }
  const std::size_t start = records_.size();
  starts_.push_back(static_cast<std::uint32_t>(start));
  records_.resize(start + size);
  std::uint8_t* out = records_.data() + start;
  dns::store32(out, static_cast<std::uint32_t>(size - 4));
  dns::store16(out + 4, static_cast<std::uint16_t>(key.size()));
  dns::store16(out + 6, static_cast<std::uint16_t>(record.rdata.size()));
  dns::store16(out + 8, static_cast<std::uint16_t>(record.type));
  dns::store32(out + 10, record.ttl);
  out[14] = static_cast<std::uint8_t>(owner_size);
  out += head_octets;
  const auto append = [&](const std::uint8_t* from, std::size_t count) {
    if (count != 0) std::memcpy(out, from, count);
    out += count;
  };
  append(key.data(), key.size());
  append(record.rdata.data(), record.rdata.size());
  append(record.owner.data(), owner_size);
  return {};
}

void RecordSorter::sort_run() {
  if (in_order_) return;
  const Octets all(records_);
  std::stable_sort(starts_.begin(), starts_.end(), [&](std::uint32_t a, std::uint32_t b) {
    return less(key_of(all.subspan(a)), key_of(all.subspan(b)));
  });
}

// The same, and the records themselves stand in that order; starts_ does not tell where any more.
void RecordSorter::arrange_run() {
  if (in_order_) return;
  sort_run();
  std::vector<std::uint8_t> sorted;
  sorted.reserve(records_.size());
  for (const std::uint32_t start : starts_) {
    const std::uint8_t* record = records_.data() + start;
    sorted.insert(sorted.end(), record, record + 4 + dns::load32(record));
  }
  records_.swap(sorted);
}

Result<> RecordSorter::spill() {
  if (file_ < 0) {
    std::string path = spool_directory_ + "/sort-XXXXXX";
    file_ = ::mkostemp(path.data(), O_CLOEXEC);
    if (file_ < 0) return spool_error("making it in " + spool_directory_);
    ::unlink(path.c_str());
  }
  arrange_run();
  Octets out(records_);
  Run run;
  run.at = file_size_;
  while (!out.empty()) {
    const ssize_t written = ::write(file_, out.data(), out.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return spool_error("writing");
    file_size_ += static_cast<std::uint64_t>(written);
    out = out.subspan(static_cast<std::size_t>(written));
  }
  run.end = file_size_;
  runs_.push_back(std::move(run));
  records_.clear();
  starts_.clear();
  in_order_ = true;
  return {};
}

Result<bool> RecordSorter::advance(Run& run) {
  if (!run.buffer.empty()) run.begin += 4 + std::size_t{dns::load32(run.buffer.data() + run.begin)};
  const std::size_t have = run.buffer.size() - run.begin;
  const bool whole = have >= 4 && have - 4 >= dns::load32(run.buffer.data() + run.begin);
  if (whole) return true;
  if (run.at == run.end) return false;
  run.buffer.erase(run.buffer.begin(), run.buffer.begin() + static_cast<std::ptrdiff_t>(run.begin));
  run.begin = 0;
  // A record is at most 15 + 504 + 65535 + 255 octets, so that one read always completes the first of the
  // buffer.
  const std::size_t wanted = std::min<std::uint64_t>(read_octets, run.end - run.at);
  const std::size_t old = run.buffer.size();
  run.buffer.resize(old + wanted);
  for (std::size_t got = 0; got < wanted;) {
    const ssize_t n = ::pread(file_, run.buffer.data() + old + got, wanted - got, static_cast<off_t>(run.at));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return spool_error("reading it back");
    got += static_cast<std::size_t>(n);
    run.at += static_cast<std::uint64_t>(n);
  }
  return true;
}

namespace {

// For std heaps, which keep the greatest first: earlier runs win ties, so that records keep their order.
template <class Runs>
auto heap_order(const Runs& runs) {
  return [&runs](std::size_t a, std::size_t b) {
    const Octets x = key_of(runs[a].record()), y = key_of(runs[b].record());
    return less(y, x) || (!less(x, y) && b < a);
  };
}

}  // namespace

Result<> RecordSorter::finish() {
  if (runs_.empty()) {
    sort_run();
    return {};
  }
  for (std::size_t i = 0; i < runs_.size(); ++i) {
    const auto first = advance(runs_[i]);
    if (!first) return first.error();
    heap_.push_back(i);
  }
  if (!records_.empty()) {  // the last run need not go to the file and back
    arrange_run();
    heap_.push_back(runs_.size());
    runs_.push_back({0, 0, std::move(records_)});
  }
  std::vector<std::uint8_t>().swap(records_);
  std::vector<std::uint32_t>().swap(starts_);
  std::make_heap(heap_.begin(), heap_.end(), heap_order(runs_));
  return {};
}

Result<bool> RecordSorter::next(Sorted& sorted) {
  Octets record;
  if (runs_.empty()) {
    if (next_ == starts_.size()) return false;
    record = Octets(records_).subspan(starts_[next_++]);
  } else {
    const auto later = heap_order(runs_);
    bool look = !pop_pending_;  // for the run with the least record
    if (pop_pending_) {
      // The run whose record was handed out last stands at the heap's end.
      const auto more = advance(runs_[heap_.back()]);
      if (!more) return more.error();
      if (!*more) {
        runs_[heap_.back()].buffer = {};
        heap_.pop_back();
        look = true;
      } else if (heap_.size() > 1 && !later(heap_.front(), heap_.back())) {
        std::push_heap(heap_.begin(), heap_.end(), later);
        look = true;
      }  // otherwise it has the least record again: always, where the records came in order
    }
    pop_pending_ = !heap_.empty();
    if (!pop_pending_) return false;
    if (look) std::pop_heap(heap_.begin(), heap_.end(), later);
    record = runs_[heap_.back()].record();
  }
  sorted.key = key_of(record);
  sorted.type = RRType{dns::load16(record.data() + 8)};
  sorted.ttl = dns::load32(record.data() + 10);
  const std::size_t rdata_size = dns::load16(record.data() + 6);
  sorted.rdata = record.subspan(head_octets + sorted.key.size(), rdata_size);
  sorted.owner = record.subspan(head_octets + sorted.key.size() + rdata_size, record[14]);
  return true;
}

}  // namespace understudy::backend
