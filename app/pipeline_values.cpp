#include "app/pipeline_values.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <optional>
#include <string_view>

#include "server/edns_options.h"

namespace understudy::app {
namespace {

int digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

std::optional<std::vector<std::uint8_t>> parse_hex(std::string_view digits) {
  if (digits.size() % 2 != 0) return std::nullopt;
  std::vector<std::uint8_t> out;
  for (std::size_t i = 0; i < digits.size(); i += 2) {
    const int high = digit(digits[i]), low = digit(digits[i + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    out.push_back(static_cast<std::uint8_t>(high << 4 | low));
  }
  return out;
}

}  // namespace

Result<std::vector<std::uint8_t>> parse_nsid(const std::string& text) {
  std::vector<std::uint8_t> octets(text.begin(), text.end());
  if (text.starts_with("0x")) {
    auto parsed = parse_hex(std::string_view(text).substr(2));
    if (!parsed) return Error{"configuration", "after 0x, pairs of hexadecimal digits are wanted"};
    octets = std::move(*parsed);
  }
  if (octets.size() <= server::ResponseOptions::longest_nsid) return octets;
  return Error{"configuration", "more than " + std::to_string(server::ResponseOptions::longest_nsid) +
                                    " octets; choose a shorter one"};
}

Result<std::string> parse_chaos_text(const std::string& text) {
  if (text.size() <= 255) return text;
  return Error{"configuration", "more than 255 octets; choose a shorter text"};
}

Result<server::CookieSecrets> read_cookie_secrets(const std::string& path) {
  std::ifstream in(path);
  if (!in) return Error{"configuration", "cannot read " + path + ": " + std::strerror(errno)};
  server::CookieSecrets secrets;
  unsigned count = 0;
  for (std::string line; std::getline(in, line);) {
    while (!line.empty() && (line.back() == '\r' || line.back() == ' ')) line.pop_back();
    if (line.empty()) continue;
    const auto octets = parse_hex(line);
    if (!octets || octets->size() != server::CookieSecret{}.size() || ++count > 2) {
      return Error{"configuration", path + ": one or two lines of 32 hexadecimal digits are wanted"};
    }
    auto& secret = count == 1 ? secrets.active : secrets.other;
    std::ranges::copy(*octets, secret.emplace().begin());
  }
  if (count == 0)
    return Error{"configuration", path + " holds no secret; write a line of 32 hexadecimal digits"};
  return secrets;
}

}  // namespace understudy::app
