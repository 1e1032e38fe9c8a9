// Zone files: any octets end in records or in an error that says where; each record's data is sound, and its
// text leads back to it.
#include "sync/zone_file.h"

#include <sys/mman.h>
#include <unistd.h>

#include "dns/presentation.h"
#include "dns/rdata.h"
#include "fuzz/fuzz.h"

namespace understudy::fuzz {
namespace {

constexpr std::size_t most_records = 300;  // of a $GENERATE

// A regular file without a directory.
class MemoryFile {
 public:
  explicit MemoryFile(Octets octets) : file_(::memfd_create("zone", 0)) {
    check(::write(file_, octets.data(), octets.size()) == static_cast<ssize_t>(octets.size()), "memory file");
  }
  ~MemoryFile() { ::close(file_); }
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;
  std::string path() const { return "/proc/self/fd/" + std::to_string(file_); }

 private:
  int file_;
};

// It would read whatever file of this machine the fuzzer thinks of.
bool includes(Octets text) {
  constexpr std::string_view word = "include";
  return std::search(text.begin(), text.end(), word.begin(), word.end(), [](std::uint8_t a, char b) {
           return dns::lower(a) == static_cast<std::uint8_t>(b);
         }) != text.end();
}

void check_record(const dns::RecordView& record, const dns::Name& origin) {
  check(dns::NameView::parse(record.owner.octets()).has_value(), "an owner that is no name");
  check(!dns::is_meta_type(record.type), "a record of a type that is no data");
  check(record.ttl <= 0x7fffffff, "a TTL that is too large");
  check(dns::check_rdata(record.type, record.rdata) == nullptr, "a record with damaged data");
  const std::string text = dns::rdata_text(record.type, record.rdata);
  const auto again = dns::parse_rdata_text(record.type, text, origin);
  if (!again || !same(*again, record.rdata)) std::fprintf(stderr, "%s\n", dns::record_text(record).c_str());
  check(again.has_value() && same(*again, record.rdata), "the text of a record does not lead back to it");
}

}  // namespace
}  // namespace understudy::fuzz

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace understudy;
  const fuzz::Octets text(data, size);
  if (fuzz::includes(text)) return 0;
  const fuzz::MemoryFile file(text);
  const dns::Name origin = *dns::Name::from_text("example.");
  std::size_t records = 0;
  sync::ZoneFileStatistics statistics;
  const auto read = sync::read_zone_file(
      file.path(), origin,
      [&](const dns::RecordView& record) -> Result<> {
        fuzz::check_record(record, origin);
        if (++records == fuzz::most_records) return Error{"enough", "enough"};
        return {};
      },
      &statistics);
  fuzz::check(statistics.records == records, "records are counted wrongly");
  if (!read)
    fuzz::check(!read.error().reason.empty() && !read.error().message.empty(), "an error without words");
  return 0;
}
