// axfr: one zone transfer over TCP, read and counted, nothing kept.
//
// usage: axfr PORT ZONE
// Prints one JSON line: seconds until the last message, until the first octet, octets, messages, records.
// Ends with 1 where the transfer does not end with a second SOA.
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "queries.h"

namespace {

constexpr std::size_t room = 1u << 20;

unsigned load16(const std::uint8_t* at) { return static_cast<unsigned>(at[0] << 8 | at[1]); }

const std::uint8_t* skip_name(const std::uint8_t* at) {
  for (; *at != 0; at += *at + 1) {
    if (*at >= 0xC0) return at + 2;
  }
  return at + 1;
}

struct Count {
  std::uint64_t octets = 0, messages = 0, records = 0;
  unsigned soas = 0;

  // False where the server says no.
  bool add(const std::uint8_t* message, std::size_t size) {
    if ((message[3] & 15) != 0) return false;
    const std::uint8_t* at = message + 12;
    for (unsigned left = load16(message + 4); left > 0; --left) at = skip_name(at) + 4;
    for (unsigned left = load16(message + 6); left > 0 && at < message + size; --left) {
      at = skip_name(at);
      soas += load16(at) == 6;
      at += 10 + load16(at + 8);
      ++records;
    }
    ++messages;
    return true;
  }
};

std::string query_for(const char* zone) {
  std::string query("\0\7\0\0\0\1\0\0\0\0\0\0", 12);
  append_name(query, zone);
  query += std::string("\0\374\0\1", 4);
  return std::string{static_cast<char>(query.size() >> 8), static_cast<char>(query.size())} + query;
}

bool receive(int descriptor, Count& count, std::uint64_t& first) {
  std::vector<std::uint8_t> buffer(room);
  std::size_t have = 0;
  while (count.soas < 2) {
    const ssize_t got = recv(descriptor, buffer.data() + have, room - have, 0);
    if (got <= 0) return false;
    if (first == 0) first = now();
    have += static_cast<std::size_t>(got);
    count.octets += static_cast<std::size_t>(got);
    std::size_t at = 0;
    while (have - at >= 2 && have - at - 2 >= load16(buffer.data() + at)) {
      const std::size_t size = load16(buffer.data() + at);
      if (!count.add(buffer.data() + at + 2, size)) return false;
      at += 2 + size;
    }
    std::memmove(buffer.data(), buffer.data() + at, have -= at);
  }
  return true;
}

}  // namespace

int main(int argument_count, char** arguments) {
  if (argument_count < 3) {
    std::fprintf(stderr, "usage: axfr PORT ZONE\n");
    return 2;
  }
  const int descriptor = socket(AF_INET, SOCK_STREAM, 0);
  const timeval patience{60, 0};
  setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  const sockaddr_in address = loopback(static_cast<std::uint16_t>(std::atoi(arguments[1])));
  const std::string query = query_for(arguments[2]);
  const std::uint64_t start = now();
  if (connect(descriptor, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
      write(descriptor, query.data(), query.size()) != static_cast<ssize_t>(query.size())) {
    std::perror("axfr");
    return 1;
  }
  Count count;
  std::uint64_t first = 0;
  const bool whole = receive(descriptor, count, first);
  const auto since_start = [&](std::uint64_t time) { return static_cast<double>(time - start) / 1e9; };
  std::printf(
      "{\"seconds\": %.4f, \"first_s\": %.4f, \"octets\": %lu, \"messages\": %lu, \"records\": %lu}\n",
      since_start(now()), first == 0 ? 0 : since_start(first), count.octets, count.messages, count.records);
  close(descriptor);
  return whole ? 0 : 1;
}
