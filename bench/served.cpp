// served: asks for the SOA of many zones until each of them is answered with one serial.
//
// usage: served PORT ZONES SERIAL SECONDS
// ZONES has a name a line. Prints one JSON line: seconds until the last zone was seen with that serial, how
// many were not within SECONDS; seconds until the first answer, and how many answers were without that
// serial: where there was none, all zones were served when the first answer came, and what followed was the
// asking. It asks a hundred at a time, and rests where one of them is not there yet, so that asking costs the
// server little.
#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <thread>

#include "queries.h"

namespace {

constexpr std::size_t window = 100;
constexpr std::size_t header = 12;

unsigned load16(const std::uint8_t* at) { return static_cast<unsigned>(at[0] << 8 | at[1]); }

class Asker {
 public:
  explicit Asker(std::uint16_t port) : descriptor_(udp_to(port)) {
    const timeval patience{0, 50'000};
    setsockopt(descriptor_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  }
  ~Asker() { close(descriptor_); }
  Asker(const Asker&) = delete;
  Asker& operator=(const Asker&) = delete;

  // Asks the last hundred at most of `left`, and takes out of it those that have the serial; false where not
  // all of them had it.
  bool ask(std::vector<std::string>& left, std::uint32_t serial) {
    const std::size_t first = left.size() - std::min(window, left.size()), count = left.size() - first;
    std::vector<bool> there(count);
    std::vector<std::string> queries(left.begin() + static_cast<std::ptrdiff_t>(first), left.end());
    for (std::size_t i = 0; i < count; ++i) {
      queries[i][0] = static_cast<char>(turn_);
      queries[i][1] = static_cast<char>(i);
      place(i, queries[i].data(), queries[i].size());
    }
    const int sent = sendmmsg(descriptor_, messages_.data(), static_cast<unsigned>(count), 0);
    for (int heard = 0; heard < sent;) {
      for (std::size_t i = 0; i < window; ++i) place(i, answers_[i].data(), answers_[i].size());
      const int came = recvmmsg(descriptor_, messages_.data(), window, MSG_WAITFORONE, nullptr);
      if (came <= 0) break;
      if (heard_at_ == 0) heard_at_ = now();
      for (std::size_t i = 0; i < static_cast<std::size_t>(came); ++i) {
        const std::uint8_t* const answer = answers_[i].data();
        const bool ours = messages_[i].msg_len >= header && answer[0] == turn_ && answer[1] < count;
        if (!ours) continue;  // of a turn before
        ++heard;
        there[answer[1]] = has_serial(answer, left[first + answer[1]], serial);
        without_ += !there[answer[1]];
      }
    }
    ++turn_;
    std::size_t kept = first;
    for (std::size_t i = 0; i < count; ++i) {
      if (!there[i]) std::swap(left[kept++], left[first + i]);
    }
    left.resize(kept);
    return kept == first;
  }

  // When the first answer came; 0: none did.
  std::uint64_t heard_at() const { return heard_at_; }
  // Answers without the serial.
  std::size_t without() const { return without_; }

 private:
  static bool has_serial(const std::uint8_t* answer, const std::string& query, std::uint32_t serial) {
    const bool good = (load16(answer + 2) & 0x040F) == 0x0400 && load16(answer + 6) == 1;
    if (!good || std::memcmp(answer + header, query.data() + header, query.size() - header) != 0)
      return false;
    const std::uint8_t* record = answer + query.size();
    record += *record >= 0xC0 ? 2 : query.size() - header - 4;
    const std::uint8_t* at = record + 10 + load16(record + 8) - 20;
    return (load16(at) << 16 | load16(at + 2)) == serial;
  }

  void place(std::size_t i, void* octets, std::size_t size) {
    spans_[i] = {octets, size};
    messages_[i] = {};
    messages_[i].msg_hdr.msg_iov = &spans_[i];
    messages_[i].msg_hdr.msg_iovlen = 1;
  }

  std::array<mmsghdr, window> messages_;
  std::array<iovec, window> spans_;
  std::array<std::array<std::uint8_t, 4096>, window> answers_;
  int descriptor_;
  std::uint8_t turn_ = 0;
  std::uint64_t heard_at_ = 0;
  std::size_t without_ = 0;
};

}  // namespace

int main(int count, char** arguments) {
  if (count < 5) {
    std::fprintf(stderr, "usage: served PORT ZONES SERIAL SECONDS\n");
    return 2;
  }
  const std::uint64_t start = now();
  std::vector<std::string> left;
  std::ifstream in(arguments[2]);
  for (std::string name; in >> name;) {
    std::string query("\0\0\0\0\0\1\0\0\0\0\0\0", header);
    append_name(query, name);
    left.push_back(query + std::string("\0\6\0\1", 4));
  }
  const auto serial = static_cast<std::uint32_t>(std::atoll(arguments[3]));
  const auto end = start + static_cast<std::uint64_t>(std::atof(arguments[4]) * 1e9);
  Asker asker(static_cast<std::uint16_t>(std::atoi(arguments[1])));
  // Milliseconds. Where nobody listens yet, asking costs nothing.
  constexpr unsigned often = 1, seldom = 20;
  while (!left.empty() && now() < end) {
    if (asker.ask(left, serial)) continue;
    std::this_thread::sleep_for(std::chrono::milliseconds(asker.heard_at() != 0 ? seldom : often));
  }
  const auto since = [start](std::uint64_t moment) { return static_cast<double>(moment - start) / 1e9; };
  std::printf("{\"seconds\": %.4f, \"missing\": %zu, \"heard\": %.4f, \"without\": %zu}\n", since(now()),
              left.size(), since(std::max(start, asker.heard_at())), asker.without());
  return 0;
}
