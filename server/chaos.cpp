#include "server/chaos.h"

namespace understudy::server {
namespace {

// A TXT RRset of one record, TTL 0, in the layout of node blocks (docs/formats.md).
std::vector<std::uint8_t> txt_rrset(const std::string& text) {
  const auto size = static_cast<std::uint8_t>(std::min<std::size_t>(text.size(), 255));
  std::vector<std::uint8_t> out{0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, size};
  dns::store16(out.data() + 10, static_cast<std::uint16_t>(3 + size));
  dns::store16(out.data() + 12, static_cast<std::uint16_t>(1 + size));
  out.insert(out.end(), text.begin(), text.begin() + size);
  return out;
}

}  // namespace

Chaos::Chaos(const ChaosTexts& texts) {
  const auto add = [&](std::string_view name, const std::string& text) {
    if (!text.empty()) rows_.push_back({*Name::from_text(name), txt_rrset(text)});
  };
  add("version.bind.", texts.version);
  add("version.server.", texts.version);
  add("hostname.bind.", texts.hostname);
  add("id.server.", texts.id);
}

bool Chaos::answer(const dns::Question& question, Answer& answer) const {
  for (const Row& row : rows_) {
    if (!row.name.view().equals(question.name)) continue;
    answer.rclass = dns::RRClass::CH;
    answer.authoritative = true;
    if (question.type != RRType::TXT && question.type != RRType::ANY) return true;
    AnswerEntry* const entry = answer.add(Section::answer);
    entry->rrset = RRsetView(RRType::TXT, row.rrset);
    entry->owner_size = static_cast<std::uint8_t>(question.name.size());
    entry->context = question.name;
    return true;
  }
  return false;
}

}  // namespace understudy::server
