// flood: UDP load that one core can push past any server on another core, with the answers checked and timed.
//
// usage: flood PORT QUERYFILE SECONDS [RATE] [do]
// QUERYFILE has "name TYPE" a line. With no RATE, or 0, a closed loop: 16 sockets keep 32 queries each in
// flight; with RATE so many a second. Every query has EDNS, 1232 octets, with `do` the DO bit. Prints one
// JSON line. A query is lost after 200 ms of silence.
#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "queries.h"

namespace {

constexpr unsigned socket_count = 16, window = 32, batch = 64;
constexpr std::uint64_t silence = 200'000'000, drain = 300'000'000;  // nanoseconds

struct Tally {
  std::uint64_t sent = 0, answered = 0, lost = 0, octets = 0;
  std::array<std::uint64_t, 16> rcodes{};
  std::vector<std::uint32_t> microseconds;
};

class Flow {
 public:
  Flow(std::uint16_t port, Tally& tally) : tally_(tally), sent_at_(65536) {
    descriptor_ = udp_to(port, SOCK_NONBLOCK);
    for (unsigned i = 0; i < batch; ++i) {
      in_parts_[i] = {in_[i].data(), in_[i].size()};
      in_heads_[i].msg_hdr.msg_iov = &in_parts_[i];
      in_heads_[i].msg_hdr.msg_iovlen = 1;
      out_parts_[i] = {out_[i].data(), 0};
      out_heads_[i].msg_hdr.msg_iov = &out_parts_[i];
      out_heads_[i].msg_hdr.msg_iovlen = 1;
    }
  }
  ~Flow() { close(descriptor_); }
  Flow(const Flow&) = delete;
  Flow& operator=(const Flow&) = delete;

  unsigned in_flight() const { return in_flight_; }

  void receive() {
    const int count = recvmmsg(descriptor_, in_heads_.data(), batch, MSG_DONTWAIT, nullptr);
    const std::uint64_t time = now();
    if (count <= 0) {
      if (in_flight_ > 0 && time - heard_ > silence) give_up(time);
      return;
    }
    heard_ = time;
    for (unsigned i = 0; i < static_cast<unsigned>(count); ++i) {
      const auto* octets = in_[i].data();
      std::uint64_t& started = sent_at_[static_cast<std::size_t>(octets[0] << 8 | octets[1])];
      if (started == 0) continue;
      tally_.microseconds.push_back(static_cast<std::uint32_t>((time - started) / 1000));
      started = 0;
      --in_flight_;
      ++tally_.answered;
      ++tally_.rcodes[octets[3] & 15];
      tally_.octets += in_heads_[i].msg_len;
    }
  }

  void send(const std::vector<std::string>& queries, std::size_t& next, unsigned allowed) {
    const unsigned count = std::min({window - in_flight_, batch, allowed});
    if (count == 0) return;
    const std::uint64_t time = now();
    if (in_flight_ == 0) heard_ = time;
    for (unsigned i = 0; i < count; ++i) {
      const std::string& query = queries[next++ % queries.size()];
      std::memcpy(out_[i].data(), query.data(), query.size());
      out_parts_[i].iov_len = query.size();
      ++id_;
      out_[i][0] = static_cast<std::uint8_t>(id_ >> 8);
      out_[i][1] = static_cast<std::uint8_t>(id_ & 255);
      sent_at_[id_] = time;
    }
    const int taken = std::max(0, sendmmsg(descriptor_, out_heads_.data(), count, 0));
    for (unsigned i = static_cast<unsigned>(taken); i < count; ++i)
      sent_at_[out_[i][0] << 8 | out_[i][1]] = 0;
    in_flight_ += static_cast<unsigned>(taken);
    tally_.sent += static_cast<unsigned>(taken);
  }

 private:
  void give_up(std::uint64_t time) {
    tally_.lost += in_flight_;
    in_flight_ = 0;
    std::fill(sent_at_.begin(), sent_at_.end(), 0);
    heard_ = time;
  }

  Tally& tally_;
  int descriptor_ = -1;
  std::uint16_t id_ = 0;
  unsigned in_flight_ = 0;
  std::uint64_t heard_ = 0;
  std::vector<std::uint64_t> sent_at_;  // by ID; 0: not in flight
  std::array<std::array<std::uint8_t, 4096>, batch> in_;
  std::array<std::array<std::uint8_t, 600>, batch> out_;
  std::array<mmsghdr, batch> in_heads_{}, out_heads_{};
  std::array<iovec, batch> in_parts_{}, out_parts_{};
};

void run(const std::vector<std::unique_ptr<Flow>>& flows, const std::vector<std::string>& queries,
         double seconds, double rate, Tally& tally) {
  const std::uint64_t start = now(), end = start + static_cast<std::uint64_t>(seconds * 1e9);
  std::size_t next = 0;
  for (std::uint64_t time = start; time < end + drain; time = now()) {
    unsigned in_flight = 0;
    for (const auto& flow : flows) {
      flow->receive();
      if (time < end) {
        const double due =
            rate > 0 ? static_cast<double>(now() - start) / 1e9 * rate - static_cast<double>(tally.sent)
                     : window;
        flow->send(queries, next, due > 0 ? static_cast<unsigned>(due) : 0);
      }
      in_flight += flow->in_flight();
    }
    if (time >= end && in_flight == 0) break;
  }
  for (const auto& flow : flows) tally.lost += flow->in_flight();
}

}  // namespace

int main(int count, char** arguments) {
  if (count < 4) {
    std::fprintf(stderr, "usage: flood PORT QUERYFILE SECONDS [RATE] [do]\n");
    return 2;
  }
  const bool dnssec_ok = count > 5 && std::strcmp(arguments[5], "do") == 0;
  const auto queries = read_queries(arguments[2], dnssec_ok);
  if (queries.empty()) {
    std::fprintf(stderr, "flood: no queries in %s\n", arguments[2]);
    return 2;
  }
  const double seconds = std::atof(arguments[3]), rate = count > 4 ? std::atof(arguments[4]) : 0;
  Tally tally;
  tally.microseconds.reserve(static_cast<std::size_t>(seconds * 500'000));
  std::vector<std::unique_ptr<Flow>> flows;
  for (unsigned i = 0; i < socket_count; ++i) {
    flows.push_back(std::make_unique<Flow>(static_cast<std::uint16_t>(std::atoi(arguments[1])), tally));
  }
  run(flows, queries, seconds, rate, tally);
  std::sort(tally.microseconds.begin(), tally.microseconds.end());
  const double answered = static_cast<double>(std::max<std::uint64_t>(1, tally.answered));
  std::printf(
      "{\"sent\": %lu, \"answered\": %lu, \"lost\": %lu, \"qps\": %.0f, \"p50_us\": %u, \"p99_us\": %u, "
      "\"octets\": %.2f, \"noerror\": %.5f, \"nxdomain\": %.5f}\n",
      tally.sent, tally.answered, tally.lost, static_cast<double>(tally.answered) / seconds,
      quantile(tally.microseconds, .5), quantile(tally.microseconds, .99),
      static_cast<double>(tally.octets) / answered, static_cast<double>(tally.rcodes[0]) / answered,
      static_cast<double>(tally.rcodes[3]) / answered);
}
