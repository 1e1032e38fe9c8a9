#include "audit/changed_questions.h"

#include <set>

#include "audit/subject.h"
#include "backend/change_cursor.h"

namespace understudy::audit {

using dns::RRType;
namespace flag = backend::node_flag;

namespace {

using Changed = std::set<std::pair<std::string, RRType>>;  // by the owner's key

// Adds what one version changed; false where that is not known, or too much.
Result<bool> add_changes(backend::Reader& reader, backend::ZoneId zone, const backend::VersionRow& row,
                         std::size_t most, backend::ChunkExpander& expander, Changed& changed) {
  if (row.how == backend::How::whole && row.chunks == 0) return false;
  auto cursor = backend::ChangeCursor::of_version(reader, zone, row.version, row.chunks);
  for (;;) {
    const auto more = cursor.advance(expander);
    if (!more) return more.error();
    if (!*more) return true;
    const dns::RecordView& record = cursor.current().record;
    const RRType type = record.type == RRType::RRSIG ? RRType{dns::load16(record.rdata.data())} : record.type;
    if (type == RRType::NSEC3) continue;  // its owner is no name that could be asked for
    const dns::Octets key = cursor.key();
    changed.emplace(std::string(key.begin(), key.end()), type);
    if (changed.size() > most) return false;
  }
}

}  // namespace

Result<std::optional<std::vector<Question>>> changed_questions(backend::Reader& reader, QuestionWalk& walk,
                                                               backend::Version from, std::size_t most) {
  using Questions = std::optional<std::vector<Question>>;
  const QuestionWalk::Live& live = walk.live();
  backend::ChunkExpander expander;
  Changed changed;
  for (backend::Version at = from; at < live.version;) {
    const auto row = reader.version_after(live.id, at);
    if (!row) return Questions();
    const auto added = add_changes(reader, live.id, *row, most, expander, changed);
    if (!added) return added.error();
    if (!*added) return Questions();
    at = row->version;
  }
  std::vector<Question> questions;
  std::set<Subject> asked;
  for (const auto& [key, type] : changed) {
    std::vector<Question> about;
    walk.ask_about_change(reader, {reinterpret_cast<const std::uint8_t*>(key.data()), key.size()}, type,
                          about);
    for (Question& question : about) {
      if (asked.insert(subject_of(question)).second) questions.push_back(std::move(question));
    }
  }
  return Questions(std::move(questions));
}

}  // namespace understudy::audit
