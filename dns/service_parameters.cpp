// The text of service parameters (RFC 9460 2.1 and appendix A). Not by way of ldns 1.8.3: it loses escapes in
// ALPN lists and takes parameters that BIND refuses.
#include <arpa/inet.h>

#include <algorithm>

#include "dns/text_fields.h"

namespace understudy::dns {
namespace {

enum Key : std::uint16_t {
  mandatory = 0,
  alpn = 1,
  no_default_alpn = 2,
  port = 3,
  ipv4hint = 4,
  ech = 5,
  ipv6hint = 6,
  dohpath = 7
};

// By number. ohttp (8) and later ones are read by name but written key8: Debian 12's servers do not know them
// yet.
constexpr std::string_view key_names[] = {"mandatory", "alpn",     "no-default-alpn", "port", "ipv4hint",
                                          "ech",       "ipv6hint", "dohpath",         "ohttp"};
constexpr std::size_t printed_names = 7;

struct Parameter {
  std::uint16_t key;
  std::vector<std::uint8_t> value;
};

std::optional<std::uint16_t> parse_key(std::string_view text) {
  for (std::uint16_t key = 0; key < std::size(key_names); ++key) {
    if (key_names[key] == text) return key;
  }
  if (!text.starts_with("key")) return std::nullopt;
  const auto value = parse_number(text.substr(3), 65535);
  if (!value || (text.size() > 4 && text[3] == '0')) return std::nullopt;
  return static_cast<std::uint16_t>(*value);
}

std::string key_text(std::uint16_t key) {
  return key < printed_names ? std::string(key_names[key]) : "key" + std::to_string(key);
}

// Appendix A.1: items are parted by commas; a backslash takes the next octet as it is. Escapes of the zone
// file were resolved before.
std::optional<std::vector<std::string>> split_list(const std::vector<std::uint8_t>& text) {
  std::vector<std::string> items(1);
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == ',') {
      items.emplace_back();
      continue;
    }
    if (text[i] == '\\' && ++i == text.size()) return std::nullopt;
    items.back() += static_cast<char>(text[i]);
  }
  const bool empty_item =
      std::any_of(items.begin(), items.end(), [](const auto& item) { return item.empty(); });
  return empty_item ? std::nullopt : std::optional(std::move(items));
}

bool encode_item(std::uint16_t key, const std::string& item, std::vector<std::uint8_t>& out) {
  std::uint8_t address[16];
  switch (key) {
    case mandatory: {
      const auto named = parse_key(item);
      if (!named || *named == mandatory) return false;
      append_u16(out, *named);
      return true;
    }
    case alpn:
      if (item.size() > 255) return false;
      out.push_back(static_cast<std::uint8_t>(item.size()));
      out.insert(out.end(), item.begin(), item.end());
      return true;
    default: {
      const int family = key == ipv4hint ? AF_INET : AF_INET6;
      if (item.find('\0') != std::string::npos || inet_pton(family, item.c_str(), address) != 1) return false;
      out.insert(out.end(), address, address + (key == ipv4hint ? 4 : 16));
      return true;
    }
  }
}

// RFC 9460 8: ascending, each once.
bool sort_mandatory(std::vector<std::uint8_t>& value) {
  std::vector<std::uint16_t> keys;
  for (std::size_t i = 0; i + 1 < value.size(); i += 2) keys.push_back(load16(value.data() + i));
  std::sort(keys.begin(), keys.end());
  value.clear();
  for (const std::uint16_t key : keys) append_u16(value, key);
  return std::adjacent_find(keys.begin(), keys.end()) == keys.end();
}

bool encode_value(std::uint16_t key, bool has_value, const std::vector<std::uint8_t>& text,
                  std::vector<std::uint8_t>& out) {
  const std::string as_string(text.begin(), text.end());
  switch (key) {
    case no_default_alpn:
    case 8:  // ohttp, RFC 9540
      return !has_value;
    case port: {
      const auto number = parse_number(as_string, 65535);
      if (number) append_u16(out, *number);
      return number.has_value();
    }
    case ech:
      return !text.empty() && decode_base64(as_string, out);
    case dohpath:
      out = text;
      return !text.empty();
    default: {
      const auto items = split_list(text);
      if (!items) return false;
      for (const std::string& item : *items) {
        if (!encode_item(key, item, out)) return false;
      }
      return key != mandatory || sort_mandatory(out);
    }
  }
}

bool parse_parameter(const TextToken& token, FieldInput& in, Parameter& out) {
  const std::size_t equals = token.text.find('=');
  const bool has_value = equals != std::string_view::npos;
  const std::string_view name = token.text.substr(0, equals);
  std::string_view value = has_value ? token.text.substr(equals + 1) : std::string_view();
  if (value.size() >= 2 && value.front() == '"' && value.back() == '"')
    value = value.substr(1, value.size() - 2);
  const auto key = parse_key(name);
  if (!key) return in.fail(token.text, "is not a service parameter such as alpn=h2 or key65333=text");
  out.key = *key;
  std::vector<std::uint8_t> text;
  if (!decode_text(value, text)) return in.fail(token.text, "has a broken escape or a bare quote");
  // keyNNNNN takes any octets, for keys with a name of their own too.
  if (*key >= std::size(key_names) || name.starts_with("key")) {
    out.value = std::move(text);
    return true;
  }
  return encode_value(*key, has_value, text, out.value) ||
         in.fail(token.text, "has no sound value for that parameter");
}

bool well_formed(std::uint16_t key, Octets value) {
  switch (key) {
    case no_default_alpn:
      return value.empty();
    case port:
      return value.size() == 2;
    case ipv4hint:
      return !value.empty() && value.size() % 4 == 0;
    case ipv6hint:
      return !value.empty() && value.size() % 16 == 0;
    case ech:
      return !value.empty();
    case alpn: {
      if (value.empty()) return false;
      while (!value.empty()) {
        const std::size_t length = value[0];
        if (length == 0 || value.size() < 1 + length) return false;
        value = value.subspan(1 + length);
      }
      return true;
    }
    case mandatory: {
      int last = mandatory;
      for (std::size_t i = 0; i + 1 < value.size(); i += 2) {
        if (load16(value.data() + i) <= last) return false;
        last = load16(value.data() + i);
      }
      return !value.empty() && value.size() % 2 == 0;
    }
    default:
      return false;
  }
}

void print_alpn(Octets value, std::string& out) {
  std::vector<std::uint8_t> list;
  while (!value.empty()) {
    if (!list.empty()) list.push_back(',');
    for (const std::uint8_t c : value.subspan(1, value[0])) {
      if (c == ',' || c == '\\') list.push_back('\\');
      list.push_back(c);
    }
    value = value.subspan(1 + value[0]);
  }
  append_quoted(out, list);
}

void print_list(std::uint16_t key, Octets value, std::string& out) {
  const std::size_t step = key == mandatory ? 2 : key == ipv4hint ? 4 : 16;
  for (std::size_t at = 0; at < value.size(); at += step) {
    if (at > 0) out += ',';
    if (key == mandatory) {
      out += key_text(load16(value.data() + at));
      continue;
    }
    char text[INET6_ADDRSTRLEN];
    out += inet_ntop(key == ipv4hint ? AF_INET : AF_INET6, value.data() + at, text, sizeof text);
  }
}

bool print_value(std::uint16_t key, Octets value, std::string& out) {
  switch (key) {
    case no_default_alpn:
      return true;
    case port:
      out += '=' + std::to_string(load16(value.data()));
      return true;
    case ech:
      out += '=';
      return append_base64(out, value);
    case alpn:
      out += '=';
      print_alpn(value, out);
      return true;
    default:
      out += '=';
      print_list(key, value, out);
      return true;
  }
}

}  // namespace

bool parse_service_parameters(FieldInput& in) {
  std::vector<Parameter> parameters;
  for (; !in.at_end(); ++in.next) {
    Parameter& parameter = parameters.emplace_back();
    if (!parse_parameter(in.tokens[in.next], in, parameter)) return false;
  }
  std::stable_sort(parameters.begin(), parameters.end(),
                   [](const auto& a, const auto& b) { return a.key < b.key; });
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    const Parameter& parameter = parameters[i];
    if (i > 0 && parameter.key == parameters[i - 1].key)
      return in.fail(key_text(parameter.key), "is there twice");
    if (parameter.value.size() > 65535) return in.fail(key_text(parameter.key), "is over 65535 octets");
    append_u16(in.out, parameter.key);
    append_u16(in.out, static_cast<std::uint32_t>(parameter.value.size()));
    in.out.insert(in.out.end(), parameter.value.begin(), parameter.value.end());
  }
  return true;
}

bool print_service_parameters(Octets parameters, std::string& out) {
  for (bool first = true; !parameters.empty(); first = false) {
    const std::uint16_t key = load16(parameters.data());
    const std::size_t length = load16(parameters.data() + 2);
    const Octets value = parameters.subspan(4, length);
    parameters = parameters.subspan(4 + length);
    if (!first) out += ' ';
    if (key < printed_names) {
      // RDATA with a broken known parameter has no text that every server takes as the same octets.
      if (!well_formed(key, value)) return false;
      out += key_text(key);
      if (!print_value(key, value, out)) return false;
    } else {
      out += key_text(key);
      if (!value.empty()) {
        out += '=';
        append_quoted(out, value);
      }
    }
  }
  return true;
}

}  // namespace understudy::dns
