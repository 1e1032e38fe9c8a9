// Records as text (RFC 1035 5, RFC 3597 5), by way of ldns where it can be trusted. For zone files, logs and
// reports; allocates freely; safe from any thread.
#pragma once

#include "base/result.h"
#include "dns/record.h"

namespace understudy::dns {

// One word of a zone file as it stands there, escapes and all, without the quotes around it.
struct TextToken {
  std::string_view text;
  bool quoted = false;
  bool inner_quotes =
      false;  // quotes in its midst, as in alpn="h2,h3": only service parameters may have them
};

// RDATA text of a type into wire form, names completed with `origin`. Takes the generic form (\# 4 0A000001)
// for every type, known or not. The error names what is wrong with it.
Result<std::vector<std::uint8_t>> parse_rdata_text(RRType type, std::string_view text, const Name& origin);

// The same for text that is in tokens already; `out` is replaced, and is unspecified after an error.
Result<> parse_rdata_tokens(RRType type, std::span<const TextToken> tokens, const Name& origin,
                            std::vector<std::uint8_t>& out);

// Where the token that begins at text[at] ends (past its closing quote); the token is put into `token`. An
// error names a quote that is never closed, or a backslash with nothing after it. The caller has skipped
// blanks.
Result<std::size_t> scan_token(std::string_view text, std::size_t at, TextToken& token);

// RDATA as a zone file has it; the generic form where ldns does not know the type or misprints it.
std::string rdata_text(RRType type, Octets rdata);

// "owner TTL IN TYPE RDATA", names absolute, single blanks, no newline. Types that BIND, NSD or Knot of today
// may not know are written TYPE123 \# ..., which all of them load.
std::string record_text(const RecordView& record);

}  // namespace understudy::dns
