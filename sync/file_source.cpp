#include "sync/file_source.h"

#include <sys/stat.h>

#include "sync/zone_file.h"

namespace understudy::sync {
namespace {

// The same rules for records that come from a file as for those of a transfer.
class FileGate {
 public:
  FileGate(const TransferRules& rules, RecordTarget& target) : rules_(rules), target_(target) {}

  Result<> take(const dns::RecordView& record) {
    const bool is_soa = record.type == dns::RRType::SOA;
    if (!record.owner.is_at_or_below(rules_.apex)) {
      const std::string what = dns::to_string(record.owner) + " " + dns::to_string(record.type);
      if (rules_.refuse_out_of_zone) return Error{reason::out_of_zone, what + " is outside the zone"};
      if (counts_.out_of_zone++ == 0) counts_.first_out_of_zone = what;
      return {};
    }
    if (is_soa && (!record.owner.equals(rules_.apex) || has_soa_)) {
      return Error{reason::second_soa, dns::to_string(record.owner) + ": a zone has one SOA, at its apex"};
    }
    has_soa_ = has_soa_ || is_soa;
    counts_.octets += record.owner.size() + record.rdata.size() + 10;
    if (++counts_.records > rules_.max_records) {
      return Error{reason::limit_records, "more than " + std::to_string(rules_.max_records) + " records"};
    }
    if (counts_.octets > rules_.max_octets) {
      return Error{reason::limit_octets, "more than " + std::to_string(rules_.max_octets) + " octets"};
    }
    return target_.record(record);
  }
  const TransferCounts& counts() const { return counts_; }

 private:
  const TransferRules& rules_;
  RecordTarget& target_;
  TransferCounts counts_;
  bool has_soa_ = false;
};

}  // namespace

std::optional<FileStamp> stamp_of(const std::string& path) {
  struct stat status {};
  if (stat(path.c_str(), &status) != 0) return std::nullopt;
  return FileStamp{status.st_ctim.tv_sec, status.st_ctim.tv_nsec, static_cast<std::uint64_t>(status.st_size),
                   status.st_ino};
}

bool has_changed(const FileState& before) {
  for (std::size_t i = 0; i < before.paths.size(); ++i) {
    if (stamp_of(before.paths[i]) != before.stamps[i]) return true;
  }
  return false;
}

FileRead read_file(const std::string& path, const TransferRules& rules, RecordTarget& target) {
  // The stamp from before: a change while it is read is seen at the next look. Files that it includes are
  // looked at only after, since only then they are known.
  const std::optional<FileStamp> stamp = stamp_of(path);
  FileGate gate(rules, target);
  ZoneFileStatistics statistics;
  const Result<> read = read_zone_file(
      path, rules.apex, [&gate](const dns::RecordView& record) { return gate.take(record); }, &statistics);
  FileState state{{path}, {stamp}};
  for (const std::string& included : statistics.files) {
    if (included == path) continue;
    state.paths.push_back(included);
    state.stamps.push_back(stamp_of(included));
  }
  if (!read) return {std::move(state), read.error()};
  return {std::move(state), gate.counts()};
}

}  // namespace understudy::sync
