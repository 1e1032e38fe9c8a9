// echo: sends every datagram back, 16 octets longer and with the QR bit: what the kernel's sockets cost,
// without DNS.
//
// usage: echo PORT
#include <arpa/inet.h>
#include <sys/socket.h>

#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>

namespace {

constexpr unsigned batch = 32;

struct Buffers {
  std::array<std::array<std::uint8_t, 4096>, batch> octets{};
  std::array<mmsghdr, batch> heads{};
  std::array<iovec, batch> parts{};
  std::array<sockaddr_in, batch> peers{};
};

void serve(int descriptor, Buffers& buffers) {
  for (;;) {
    for (unsigned i = 0; i < batch; ++i) {
      buffers.parts[i] = {buffers.octets[i].data(), buffers.octets[i].size()};
      buffers.heads[i].msg_hdr = {
          &buffers.peers[i], sizeof(sockaddr_in), &buffers.parts[i], 1, nullptr, 0, 0};
    }
    const int count = recvmmsg(descriptor, buffers.heads.data(), batch, MSG_WAITFORONE, nullptr);
    if (count <= 0) continue;
    for (unsigned i = 0; i < static_cast<unsigned>(count); ++i) {
      buffers.octets[i][2] |= 0x80;
      buffers.parts[i].iov_len = buffers.heads[i].msg_len + 16;
    }
    sendmmsg(descriptor, buffers.heads.data(), static_cast<unsigned>(count), 0);
  }
}

}  // namespace

int main(int count, char** arguments) {
  if (count < 2) {
    std::fprintf(stderr, "usage: echo PORT\n");
    return 2;
  }
  const int descriptor = socket(AF_INET, SOCK_DGRAM, 0), octets = 4 << 20;
  setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &octets, sizeof octets);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(std::atoi(arguments[1])));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (bind(descriptor, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
    std::perror("bind");
    return 1;
  }
  static Buffers buffers;
  serve(descriptor, buffers);
}
