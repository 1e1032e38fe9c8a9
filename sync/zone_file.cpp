#include "sync/zone_file.h"

#include <algorithm>

#include "base/limits.h"
#include "dns/duration.h"
#include "dns/presentation.h"
#include "sync/reasons.h"
#include "sync/zone_file_lexer.h"
#include "sync/zone_generate.h"

namespace understudy::sync {
namespace {

using dns::TextToken;

constexpr std::uint32_t most_ttl = 0x7fffffff;  // RFC 2181 8

Error bad(std::string message) { return {reason::bad_zone_file, std::move(message)}; }
std::string quote(std::string_view text) { return "'" + std::string(text.substr(0, 80)) + "'"; }

bool same_word(std::string_view text, std::string_view upper) {
  return std::equal(text.begin(), text.end(), upper.begin(), upper.end(), [](char a, char b) {
    return dns::lower(static_cast<std::uint8_t>(a)) == dns::lower(static_cast<std::uint8_t>(b));
  });
}

Result<std::uint32_t> parse_ttl(std::string_view text) {
  const auto ttl = dns::parse_duration(text);
  if (!ttl || *ttl > most_ttl) {
    return bad(quote(text) + " is not a TTL: seconds, or such as 1h30m, and at most 2147483647");
  }
  return *ttl;
}

// "IN", or the name of another class.
enum class ClassWord { none, in, other };
ClassWord class_of(std::string_view text) {
  if (same_word(text, "IN") || same_word(text, "CLASS1")) return ClassWord::in;
  for (const std::string_view other : {"CH", "HS", "CS", "NONE", "ANY"}) {
    // ANY is a type as well, and as wrong there.
    if (same_word(text, other)) return ClassWord::other;
  }
  return text.size() > 5 && same_word(text.substr(0, 5), "CLASS") ? ClassWord::other : ClassWord::none;
}

// The directory of a path, with its slash.
std::string directory_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string::npos ? std::string() : path.substr(0, slash + 1);
}

class Loader {
 public:
  Loader(const RecordSink& sink, ZoneFileStatistics& statistics) : sink_(sink), statistics_(statistics) {}
  Result<> read_file(const std::string& path, const dns::Name& origin);

 private:
  using Words = std::span<const TextToken>;

  // One file of those that are open, one inside the other.
  struct File {
    const std::string& path;
    dns::Name origin;
    std::optional<dns::Name> owner;  // of the last record
    ZoneFileLexer lexer;
  };
  struct Head {
    dns::RRType type{};
    std::optional<std::uint32_t> ttl;
  };

  Result<> read_entry(File& file, const ZoneFileEntry& entry);
  Result<> read_directive(File& file, Words words);
  Result<> include(File& file, Words words);
  Result<> generate(File& file, Words words);
  Result<Head> read_head(Words& words);
  Result<> deliver(const dns::Name& owner, const Head& head);
  Result<std::uint32_t> ttl_of(const Head& head);

  const RecordSink& sink_;
  ZoneFileStatistics& statistics_;
  std::vector<const File*> open_;
  std::optional<std::uint32_t> default_ttl_, last_ttl_;
  std::vector<std::uint8_t> rdata_;
};

Result<> Loader::read_file(const std::string& path, const dns::Name& origin) {
  if (std::find(statistics_.files.begin(), statistics_.files.end(), path) == statistics_.files.end()) {
    statistics_.files.push_back(path);
  }
  File file{path, origin, std::nullopt, {}};
  if (auto opened = file.lexer.open(path); !opened) return opened;
  for (const File* outer : open_) {
    if (outer->lexer.identity() == file.lexer.identity()) {
      return bad(path + " includes itself, by way of $INCLUDE: remove one of them");
    }
  }
  open_.push_back(&file);
  ZoneFileEntry entry;
  for (;;) {
    const auto more = file.lexer.next(entry);
    if (!more) return more.error().within(path + ":" + std::to_string(file.lexer.line()));
    if (!*more) break;
    const auto done = read_entry(file, entry);
    if (!done) return done.error().within(path + ":" + std::to_string(entry.line));
  }
  open_.pop_back();
  return {};
}

Result<> Loader::read_entry(File& file, const ZoneFileEntry& entry) {
  Words words(entry.words);
  const TextToken& first = words[0];
  if (!first.quoted && first.text.starts_with('$')) {
    if (entry.owner_omitted) {
      return bad(quote(first.text) +
                 " must stand at the very beginning of its line; a name is written \\$...");
    }
    return read_directive(file, words);
  }
  if (!entry.owner_omitted) {
    if (first.quoted || first.inner_quotes)
      return bad(quote(first.text) + " is no owner name: it has quotes");
    auto owner = dns::Name::from_text(first.text, &file.origin);
    if (!owner) return bad(std::move(owner.error().message));
    file.owner = *owner;
    words = words.subspan(1);
  } else if (!file.owner) {
    return bad(
        "the line begins with a blank, which stands for the last owner name, but there was none yet in this "
        "file");
  }
  const auto head = read_head(words);
  if (!head) return head.error();
  const auto parsed = dns::parse_rdata_tokens(head->type, words, file.origin, rdata_);
  if (!parsed) return bad(parsed.error().message);
  return deliver(*file.owner, *head);
}

// [TTL] [class] type, the first two in either order. Removes them from `words`.
Result<Loader::Head> Loader::read_head(Words& words) {
  Head head;
  bool has_class = false;
  for (; !words.empty(); words = words.subspan(1)) {
    const std::string_view text = words[0].text;
    if (!text.empty() && text[0] >= '0' && text[0] <= '9') {
      if (head.ttl) return bad("there is a second TTL, " + quote(text));
      const auto ttl = parse_ttl(text);
      if (!ttl) return ttl.error();
      head.ttl = *ttl;
      continue;
    }
    const ClassWord rclass = class_of(text);
    if (rclass == ClassWord::none) break;
    if (rclass == ClassWord::other) return bad("class " + quote(text) + " is not served: only IN is");
    if (has_class) return bad("there is a second class, " + quote(text));
    has_class = true;
  }
  if (words.empty()) return bad("the record ends before its type: expected [TTL] [IN] TYPE DATA");
  const auto type = dns::parse_type(words[0].text);
  if (!type)
    return bad(quote(words[0].text) + " is not a record type; one without a name is written TYPE123");
  if (dns::is_meta_type(*type)) return bad("type " + quote(words[0].text) + " cannot be data of a zone");
  head.type = *type;
  words = words.subspan(1);
  return head;
}

Result<std::uint32_t> Loader::ttl_of(const Head& head) {
  if (head.ttl) {
    last_ttl_ = head.ttl;
    return *head.ttl;
  }
  if (default_ttl_) return *default_ttl_;
  if (last_ttl_) return *last_ttl_;
  if (head.type == dns::RRType::SOA && dns::Soa::of(rdata_).minimum <= most_ttl) {
    default_ttl_ = dns::Soa::of(rdata_).minimum;
    return *default_ttl_;
  }
  return bad(
      "the record has no TTL, and none was stated before it: put \"$TTL 3600\" at the top of the file");
}

Result<> Loader::deliver(const dns::Name& owner, const Head& head) {
  const auto ttl = ttl_of(head);
  if (!ttl) return ttl.error();
  ++statistics_.records;
  return sink_(dns::RecordView{owner.view(), head.type, *ttl, rdata_});
}

Result<> Loader::read_directive(File& file, Words words) {
  const std::string_view name = words[0].text;
  if (same_word(name, "$INCLUDE")) return include(file, words);
  if (same_word(name, "$GENERATE")) return generate(file, words);
  const bool is_origin = same_word(name, "$ORIGIN");
  if (!is_origin && !same_word(name, "$TTL")) {
    return bad(quote(name) +
               " is no directive ($ORIGIN, $TTL, $INCLUDE, $GENERATE); a name is written \\$...");
  }
  if (words.size() != 2) return bad(std::string(name) + " takes exactly one word after it");
  if (is_origin) {
    auto origin = dns::Name::from_text(words[1].text, &file.origin);
    if (!origin) return bad(std::move(origin.error().message));
    file.origin = *origin;
    return {};
  }
  const auto ttl = parse_ttl(words[1].text);
  if (!ttl) return ttl.error();
  default_ttl_ = *ttl;
  return {};
}

Result<> Loader::include(File& file, Words words) {
  if (words.size() != 2 && words.size() != 3) return bad("write $INCLUDE FILE [ORIGIN]");
  if (open_.size() > limits::include_depth) {
    return bad("$INCLUDE goes deeper than " + std::to_string(limits::include_depth) + " files");
  }
  dns::Name origin = file.origin;
  if (words.size() == 3) {
    auto given = dns::Name::from_text(words[2].text, &file.origin);
    if (!given) return bad(std::move(given.error().message));
    origin = *given;
  }
  std::string path(words[1].text);
  if (!path.starts_with('/')) path = directory_of(file.path) + path;
  return read_file(path, origin);
}

Result<> Loader::generate(File& file, Words words) {
  if (words.size() < 5) return bad("write $GENERATE START-STOP[/STEP] OWNER [TTL] [IN] TYPE DATA");
  const auto range = parse_generate_range(words[1].text);
  if (!range) {
    return bad(quote(words[1].text) +
               " is no range: expected START-STOP or START-STOP/STEP, each at most 2147483647");
  }
  if (range->count() > limits::generated_records) {
    return bad("the $GENERATE makes more than " + std::to_string(limits::generated_records) +
               " records: split it");
  }
  const auto owners = GeneratePattern::parse(words[2].text);
  if (!owners) return owners.error();
  words = words.subspan(3);
  const auto head = read_head(words);
  if (!head) return head.error();
  // As BIND has it: the data is one word, and its quotes do not belong to it. More words are taken as they
  // stand.
  std::string text;
  for (const TextToken& word : words) {
    if (words.size() == 1 || !word.quoted) {
      text += (text.empty() ? "" : " ") + std::string(word.text);
    } else {
      text += " \"" + std::string(word.text) + '"';
    }
  }
  const auto data = GeneratePattern::parse(text);
  if (!data) return data.error();
  for (std::uint64_t number = range->start; number <= range->stop; number += range->step) {
    const auto owner_text = owners->expand(static_cast<std::uint32_t>(number));
    const auto data_text = data->expand(static_cast<std::uint32_t>(number));
    if (!owner_text || !data_text) {
      return bad("for " + std::to_string(number) +
                 " the offset in $GENERATE leads below 0 or above 2147483647");
    }
    auto owner = dns::Name::from_text(*owner_text, &file.origin);
    if (!owner) return bad(std::move(owner.error().message));
    auto rdata = dns::parse_rdata_text(head->type, *data_text, file.origin);
    if (!rdata) return bad(std::move(rdata.error().message));
    rdata_ = std::move(*rdata);
    if (auto delivered = deliver(*owner, *head); !delivered) return delivered;
  }
  return {};
}

}  // namespace

Result<> read_zone_file(const std::string& path, const dns::Name& origin, const RecordSink& sink,
                        ZoneFileStatistics* statistics) {
  ZoneFileStatistics own;
  Loader loader(sink, statistics != nullptr ? *statistics : own);
  return loader.read_file(path, origin);
}

}  // namespace understudy::sync
