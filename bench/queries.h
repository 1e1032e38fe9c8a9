// What the load programs share: the clock, sockets, the query file, quantiles. For programs of one thread.
#pragma once

#include <arpa/inet.h>
#include <sys/socket.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <map>
#include <string>
#include <vector>

inline std::uint64_t now() {  // nanoseconds
  return static_cast<std::uint64_t>(std::chrono::steady_clock::now().time_since_epoch() /
                                    std::chrono::nanoseconds(1));
}

inline sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

// A UDP socket that asks that port of 127.0.0.1, with room for many answers; `flags` of socket(2).
inline int udp_to(std::uint16_t port, int flags = 0) {
  const int descriptor = socket(AF_INET, SOCK_DGRAM | flags, 0), octets = 4 << 20;
  setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &octets, sizeof octets);
  const sockaddr_in address = loopback(port);
  if (connect(descriptor, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    std::perror("connect");
  return descriptor;
}

// A name in wire format, whether or not its last dot is written.
inline void append_name(std::string& out, const std::string& name) {
  for (std::size_t at = 0; at < name.size();) {
    const std::size_t end = std::min(name.find('.', at), name.size());
    out += static_cast<char>(end - at);
    out += name.substr(at, end - at);
    at = end + 1;
  }
  out += '\0';
}

// The queries of a file with "name TYPE" a line, in wire format: ID 0, EDNS with 1232 octets, the DO bit if
// asked for.
inline std::vector<std::string> read_queries(const char* path, bool dnssec_ok) {
  const std::map<std::string, int> types{{"A", 1},    {"NS", 2},    {"CNAME", 5}, {"SOA", 6}, {"MX", 15},
                                         {"TXT", 16}, {"AAAA", 28}, {"SRV", 33},  {"DS", 43}};
  std::vector<std::string> out;
  std::ifstream in(path);
  for (std::string name, type; in >> name >> type;) {
    std::string query("\0\0\0\0\0\1\0\0\0\0\0\1", 12);
    append_name(query, name);
    query += {'\0', static_cast<char>(types.at(type)), '\0', '\1'};
    query += std::string("\0\0\51\4\320\0\0\0\0\0\0", 11);  // OPT
    if (dnssec_ok) query[query.size() - 4] = '\x80';
    out.push_back(query);
  }
  return out;
}

inline std::uint32_t quantile(const std::vector<std::uint32_t>& sorted, double part) {
  return sorted.empty() ? 0 : sorted[static_cast<std::size_t>(part * static_cast<double>(sorted.size() - 1))];
}
