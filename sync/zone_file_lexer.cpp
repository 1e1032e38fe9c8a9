#include "sync/zone_file_lexer.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "base/limits.h"
#include "sync/reasons.h"

namespace understudy::sync {
namespace {

constexpr std::size_t first_buffer = 256 << 10;

// What ends a run of ordinary characters.
constexpr auto special = [] {
  std::array<bool, 256> table{};
  for (std::size_t c = 0; c <= ' '; ++c) table[c] = true;
  for (const unsigned char c : {'"', ';', '(', ')', '\\', '\x7f'}) table[c] = true;
  return table;
}();

bool is_special(char c) { return special[static_cast<unsigned char>(c)]; }
bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r'; }

Error unreadable(const std::string& why) {
  return {reason::file_unreadable, why + ": " + std::strerror(errno)};
}

}  // namespace

ZoneFileLexer::~ZoneFileLexer() {
  if (file_ >= 0) close(file_);
}

Result<> ZoneFileLexer::open(const std::string& path) {
  // O_NONBLOCK, so that a pipe without a writer does not hold the thread before it can be refused.
  file_ = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  struct stat status {};
  if (file_ < 0 || fstat(file_, &status) != 0) return unreadable("cannot open the zone file " + path);
  if (!S_ISREG(status.st_mode)) {
    return Error{reason::file_unreadable, "cannot read " + path + ": a zone file must be a regular file"};
  }
  identity_ = {status.st_dev, status.st_ino};
  buffer_.resize(first_buffer);
  if (auto filled = fill(); !filled) return filled;
  // A byte order mark, as some editors leave it.
  if (std::string_view(buffer_.data(), end_).starts_with("\xef\xbb\xbf")) begin_ = 3;
  return {};
}

// Reads on behind what is left of the buffer.
Result<> ZoneFileLexer::fill() {
  std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
  end_ -= begin_;
  begin_ = 0;
  if (end_ == buffer_.size()) {
    if (end_ >= limits::zone_file_entry_octets) {
      return Error{reason::bad_zone_file, "an entry is over 1 MiB; is a parenthesis missing?"};
    }
    buffer_.resize(buffer_.size() * 2);
  }
  while (!at_end_ && end_ < buffer_.size()) {
    const ssize_t got = read(file_, buffer_.data() + end_, buffer_.size() - end_);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return unreadable("cannot read on");
    at_end_ = got == 0;
    end_ += static_cast<std::size_t>(got);
  }
  return {};
}

Result<bool> ZoneFileLexer::next(ZoneFileEntry& entry) {
  for (;;) {
    switch (scan(entry)) {
      case Scan::entry:
        return true;
      case Scan::end:
        return false;
      case Scan::fault:
        return Error{reason::bad_zone_file, std::move(fault_)};
      case Scan::more:
        // The entry is scanned again from its beginning: the words point into the buffer, which may move.
        if (auto filled = fill(); !filled) return filled.error();
    }
  }
}

ZoneFileLexer::Scan ZoneFileLexer::fault(std::size_t at, std::string message) {
  line_ += static_cast<std::uint64_t>(std::count(buffer_.data() + begin_, buffer_.data() + at, '\n'));
  fault_ = std::move(message);
  return Scan::fault;
}

ZoneFileLexer::Scan ZoneFileLexer::scan(ZoneFileEntry& entry) {
  entry.words.clear();
  std::uint64_t line = line_;
  std::size_t depth = 0;
  std::size_t line_start = begin_;
  std::size_t open_at = begin_;
  for (std::size_t at = begin_;;) {
    if (at == end_) {
      if (!at_end_) return Scan::more;
      if (depth > 0) return fault(open_at, "the parenthesis that opens here is never closed");
      begin_ = end_;
      line_ = line;
      return entry.words.empty() ? Scan::end : Scan::entry;
    }
    const char c = buffer_[at];
    if (is_blank(c)) {
      ++at;
    } else if (c == '\n') {
      ++line;
      ++at;
      if (depth > 0) continue;
      begin_ = line_start = at;
      line_ = line;
      if (!entry.words.empty()) return Scan::entry;
    } else if (c == ';') {
      const void* newline = std::memchr(buffer_.data() + at, '\n', end_ - at);
      at = newline == nullptr ? end_
                              : static_cast<std::size_t>(static_cast<const char*>(newline) - buffer_.data());
    } else if (c == '(') {
      if (depth++ == 0) open_at = at;
      ++at;
    } else if (c == ')') {
      if (depth-- == 0) return fault(at, "a parenthesis closes that was never opened");
      ++at;
    } else {
      if (entry.words.empty()) {
        entry.line = line;
        entry.owner_omitted = is_blank(buffer_[line_start]);
      }
      if (const Scan word = scan_word(at, entry); word != Scan::entry) return word;
    }
  }
}

ZoneFileLexer::Scan ZoneFileLexer::scan_word(std::size_t& at, ZoneFileEntry& entry) {
  const std::size_t word_at = at;
  dns::TextToken& word = entry.words.emplace_back();
  word.quoted = buffer_[at] == '"';
  bool open = word.quoted;
  const std::size_t start = open ? ++at : at;
  for (;; ++at) {
    while (at < end_ && !is_special(buffer_[at])) ++at;
    if (at == end_) {
      if (!at_end_) return Scan::more;
      if (open) return fault(word_at, "a quote is never closed");
      break;
    }
    const char c = buffer_[at];
    if (c == '\\') {
      if (++at == end_ && !at_end_) return Scan::more;
      if (at == end_ || buffer_[at] == '\n')
        return fault(word_at, "a backslash stands at the end of the line");
    } else if (c == '"') {
      if (word.quoted) break;
      // As in alpn="h2,h3".
      if (!open && buffer_[at - 1] != '=')
        return fault(at, "a quote stands in the middle of a word; write \\\"");
      open = !open;
      word.inner_quotes = true;
    } else if (c == '\n') {
      if (open) return fault(word_at, "a quote is not closed in its line");
      break;
    } else if (!is_blank(c) && (static_cast<unsigned char>(c) < ' ' || c == '\x7f')) {
      return fault(at, "a control character stands here; write it as \\DDD");
    } else if (!open) {
      break;  // a blank, a parenthesis or a comment
    }
  }
  word.text = std::string_view(buffer_.data() + start, at - start);
  if (word.quoted) ++at;
  return Scan::entry;
}

}  // namespace understudy::sync
