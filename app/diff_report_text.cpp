#include <algorithm>
#include <numeric>
#include <sstream>

#include "app/diff_report.h"
#include "app/spool.h"
#include "dns/presentation.h"

namespace understudy::app {
namespace {

using audit::Class;
using audit::Difference;

// A record's line, in words of which some are not on the other side.
struct Line {
  struct Word {
    std::string_view text;
    bool changed = false;
  };
  explicit Line(std::string whole) : text(std::move(whole)) {
    for (std::size_t at = 0; at <= text.size();) {
      const std::size_t end = std::min(text.find(' ', at), text.size());
      words.push_back({std::string_view(text).substr(at, end - at)});
      at = end + 1;
    }
  }
  Line(const Line&) = delete;
  Line& operator=(const Line&) = delete;

  const std::string text;  // the words point into it
  std::vector<Word> words;
};

// Word by word where there are as many; else all between a common beginning and a common end.
void mark_changes(Line& a, Line& b) {
  auto &x = a.words, &y = b.words;
  const auto same = [](const Line::Word& p, const Line::Word& q) { return p.text == q.text; };
  if (x.size() == y.size()) {
    for (std::size_t i = 0; i < x.size(); ++i) x[i].changed = y[i].changed = !same(x[i], y[i]);
    return;
  }
  const std::size_t shorter = std::min(x.size(), y.size());
  std::size_t front = 0, back = 0;
  while (front < shorter && same(x[front], y[front])) ++front;
  while (back < shorter - front && same(x[x.size() - 1 - back], y[y.size() - 1 - back])) ++back;
  for (auto* words : {&x, &y}) {
    for (std::size_t i = front; i < words->size() - back; ++i) (*words)[i].changed = true;
  }
}

class ReadableDiff final : public DiffReport {
 public:
  explicit ReadableDiff(const Console& console) : console_(console) {}

  void difference(const Difference& d) override {
    if (!told_any_ || !last_owner_.view().equals(d.owner)) {
      spool_.append("\n" + console_.paint(Colour::bold, dns::to_string(d.owner)) + "\n");
      last_owner_ = dns::Name(d.owner);
      told_any_ = true;
    }
    const std::vector<std::string> removed = own_lines(d.type, d.a, d.b), added = own_lines(d.type, d.b, d.a);
    const std::size_t pairs = std::min(removed.size(), added.size());
    for (std::size_t i = 0; i < pairs; ++i) tell_pair(removed[i], added[i]);
    for (std::size_t i = pairs; i < removed.size(); ++i) tell('-', removed[i]);
    for (std::size_t i = pairs; i < added.size(); ++i) tell('+', added[i]);
    tell_common(d);
  }

  void unknown(dns::NameView owner, dns::RRType type, std::string_view why) override {
    constexpr std::uint64_t listed = 10;
    if (unknown_count_++ >= listed) return;
    unknown_ += "  " + console_.paint(Colour::warning, "?") + " " +
                dns::to_string(dns::Name(owner).lowered()) + " " + dns::to_string(type) + ": " +
                std::string(why) + "\n";
    unknown_listed_ = unknown_count_;
  }

  Result<> print(const DiffHead& head, const audit::ZoneDiff::Counts& counts,
                 const Console& console) override {
    std::ostream& out = console.out;
    if (told_any_) {
      out << console.paint(Colour::bad, "--- A  " + head.a) << about(head.about_a) << "\n"
          << console.paint(Colour::good, "+++ B  " + head.b) << about(head.about_b) << "\n";
      if (auto copied = spool_.copy_to(out); !copied) return copied;
      out << "\n";
    }
    if (unknown_count_ > 0) {
      out << console.paint(Colour::warning, "could not be established:") << "\n" << unknown_;
      if (unknown_count_ > unknown_listed_) {
        out << "  and " << number_text(unknown_count_ - unknown_listed_) << " more; --json lists them all\n";
      }
      out << "\n";
    }
    out << summary(head, counts) << "\n";
    return {};
  }

 private:
  static std::string about(const std::string& text) { return text.empty() ? text : "  (" + text + ")"; }

  // The records of `own` that differ from the other side: all of them where the TTL does.
  static std::vector<std::string> own_lines(dns::RRType type, const std::optional<Difference::Side>& own,
                                            const std::optional<Difference::Side>& other) {
    std::vector<std::string> lines;
    if (!own) return lines;
    const bool whole = !other || own->ttl != other->ttl;
    // Common data first and in the same order on both sides, so that it is paired with itself.
    for (const bool common : {true, false}) {
      for (const Difference::Rdata& rdata : own->rdata) {
        if (rdata.common != common || (common && !whole)) continue;
        lines.push_back(std::to_string(own->ttl) + " " + dns::to_string(type) + " " +
                        dns::rdata_text(type, rdata.octets));
      }
    }
    return lines;
  }

  void tell(char sign, const std::string& line) {
    const Colour colour = sign == '-' ? Colour::bad : Colour::good;
    spool_.append("  " + console_.paint(colour, sign + (" " + line)) + "\n");
  }

  void tell_words(char sign, const Line& line) {
    const Colour colour = sign == '-' ? Colour::bad : Colour::good;
    std::string text = "  " + console_.paint(colour, std::string(1, sign));
    for (const Line::Word& word : line.words) {
      text += ' ';
      text += console_.paint(word.changed ? colour : Colour::none, word.text);
    }
    spool_.append(text + "\n");
  }

  void tell_pair(const std::string& removed, const std::string& added) {
    Line a(removed), b(added);
    mark_changes(a, b);
    tell_words('-', a);
    tell_words('+', b);
    if (console_.colour) return;
    std::string marks = "   ";
    for (const Line::Word& word : b.words) {
      marks += ' ' + std::string(word.text.size(), word.changed ? '^' : ' ');
    }
    marks.erase(marks.find_last_not_of(' ') + 1);
    if (!marks.empty()) spool_.append(marks + "\n");
  }

  void tell_common(const Difference& d) {
    if (!d.a || !d.b || d.a->ttl != d.b->ttl) return;
    const auto common = std::count_if(d.a->rdata.begin(), d.a->rdata.end(),
                                      [](const Difference::Rdata& rdata) { return rdata.common; });
    if (common == 0) return;
    const auto number = static_cast<std::uint64_t>(common);
    spool_.append(
        "  " +
        console_.paint(Colour::faint, "= " +
                                          counted(number, "more " + dns::to_string(d.type) + " record",
                                                  "more " + dns::to_string(d.type) + " records") +
                                          (number == 1 ? " is equal" : " are equal")) +
        "\n");
  }

  std::string summary(const DiffHead& head, const audit::ZoneDiff::Counts& counts) const {
    const std::string records = counted(counts.records_a, "record", "records");
    const std::string unknown =
        unknown_count_ == 0 ? "" : counted(unknown_count_, "RRset", "RRsets") + " could not be established";
    if (counts.differences() > 0) {
      return console_.paint(Colour::bad, difference_counts(counts)) +
             (unknown.empty() ? "" : "; " + console_.paint(Colour::warning, unknown)) + caveat(head);
    }
    if (!unknown.empty()) {
      return console_.paint(Colour::warning, "no difference in " + records + ", but " + unknown) +
             caveat(head);
    }
    const std::string_view equal = head.complete ? "equal: " : "no difference in ";
    return console_.paint(Colour::good, std::string(equal) + records) + caveat(head);
  }

  static std::string difference_counts(const audit::ZoneDiff::Counts& counts) {
    std::string text = counted(counts.differences(), "difference: ", "differences: ");
    std::string_view comma;
    const std::array<std::pair<std::uint64_t, std::string_view>, 4> classes{{{counts.missing, " missing"},
                                                                             {counts.extra, " extra"},
                                                                             {counts.rdata, " rdata"},
                                                                             {counts.ttl, " ttl"}}};
    for (const auto& [number, word] : classes) {
      if (number == 0) continue;
      text += std::string(comma) + number_text(number) + std::string(word);
      comma = ", ";
    }
    return text;
  }

  static std::string caveat(const DiffHead& head) {
    return head.complete ? "" : "\n(what only the name server has cannot be found by asking name by name)";
  }

  const Console& console_;
  Spool spool_;
  bool told_any_ = false;
  dns::Name last_owner_;
  std::string unknown_;
  std::uint64_t unknown_count_ = 0, unknown_listed_ = 0;
};

}  // namespace

std::unique_ptr<DiffReport> readable_diff(const Console& console) {
  return std::make_unique<ReadableDiff>(console);
}

}  // namespace understudy::app
