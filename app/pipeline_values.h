// What the options of the query pipeline are read from: texts, hexadecimal digits, the file of cookie
// secrets. Pure but for reading that file; at start only.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "server/cookies.h"

namespace understudy::app {

// A text, or octets as 0x and hexadecimal digits; as long as an NSID may be.
Result<std::vector<std::uint8_t>> parse_nsid(const std::string& text);

// What fits a TXT record of one character-string.
Result<std::string> parse_chaos_text(const std::string& text);

// A file of one or two lines, each a secret as 32 hexadecimal digits: the one that cookies are made with, and
// another that is believed too. Errors name the file.
Result<server::CookieSecrets> read_cookie_secrets(const std::string& path);

}  // namespace understudy::app
