#include "net/access.h"

namespace understudy::net {
namespace {

constexpr std::string_view key_mark = "key:";

struct Parts {
  std::string_view address;  // empty: none
  std::optional<dns::Name> key;
};

// "ADDRESS", "key:NAME" or "ADDRESS key:NAME".
Result<Parts> split(std::string_view text) {
  const std::size_t blank = text.find(' ');
  const bool begins_with_key = text.starts_with(key_mark);
  Parts parts;
  if (!begins_with_key) parts.address = text.substr(0, blank);
  if (!begins_with_key && blank == std::string_view::npos) return parts;
  const std::string_view rest = begins_with_key ? text : text.substr(text.find_last_of(' ') + 1);
  // One blank or more between the two, and nothing else there.
  const bool whole = begins_with_key ? blank == std::string_view::npos
                                     : text.find_first_not_of(' ', blank) == text.size() - rest.size();
  if (!whole || !rest.starts_with(key_mark) || rest.size() == key_mark.size()) {
    return Error{"bad-access", "\"" + std::string(text) +
                                   "\" is not understood: write 192.0.2.0/24, key:NAME, or both with a blank "
                                   "between them"};
  }
  auto name = dns::Name::from_text(rest.substr(key_mark.size()));
  if (!name) return name.error().within("\"" + std::string(text) + "\"");
  parts.key = name->lowered();
  return parts;
}

}  // namespace

Result<AccessRule> AccessRule::parse(std::string_view text) {
  auto parts = split(text);
  if (!parts) return parts.error();
  AccessRule rule;
  rule.key_ = std::move(parts->key);
  if (parts->address.empty() && rule.key_) return rule;
  auto prefix = Prefix::parse(parts->address);
  if (!prefix) return prefix.error();
  rule.from_ = *prefix;
  return rule;
}

std::string AccessRule::text() const {
  std::string text = from_ ? from_->text() : std::string();
  if (from_ && key_) text += ' ';
  if (key_) text += std::string(key_mark) + dns::to_string(*key_);
  return text;
}

bool any_allows(const std::vector<AccessRule>& rules, const boost::asio::ip::address& address,
                const dns::Name* key) {
  for (const AccessRule& rule : rules) {
    if (rule.allows(address, key)) return true;
  }
  return false;
}

Result<KeyedEndpoint> parse_keyed_endpoint(std::string_view text, std::uint16_t default_port) {
  auto parts = split(text);
  if (!parts) return parts.error();
  const auto address = parse_endpoint(parts->address, default_port);
  if (!address) return address.error();
  return KeyedEndpoint{*address, std::move(parts->key)};
}

}  // namespace understudy::net
