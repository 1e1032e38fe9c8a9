#include "server/udp_listener.h"

#include <cerrno>

namespace understudy::server {

UdpListener::UdpListener(Socket socket, WorkerShared& shared)
    : socket_(std::move(socket)),
      shared_(shared),
      wildcard_(local_endpoint().address.is_unspecified()),
      batch_(std::make_unique<Batch>()) {
  Batch& b = *batch_;
  for (std::size_t i = 0; i < limits::batch; ++i) {
    b.in_vectors[i] = {b.queries[i].data(), query_room};
    b.in[i] = {};
    b.in[i].msg_hdr.msg_name = &b.peers[i];
    b.in[i].msg_hdr.msg_iov = &b.in_vectors[i];
    b.in[i].msg_hdr.msg_iovlen = 1;
    if (wildcard_) b.in[i].msg_hdr.msg_control = b.controls[i].data();
    b.out_vectors[i] = {b.responses[i].data(), 0};
    b.out[i] = {};
    b.out[i].msg_hdr.msg_iov = &b.out_vectors[i];
    b.out[i].msg_hdr.msg_iovlen = 1;
  }
}

void UdpListener::on_ready(std::uint32_t) {
  auto begin = shared_.loop.woken();
  for (unsigned round = 0; round < rounds; ++round) {
    const int queries = receive();
    if (queries <= 0) break;
    shared_.pipeline.begin_batch();
    const unsigned responses = answer(static_cast<unsigned>(queries));
    // Before sending: what is sent was copied, and the snapshot should be held no longer than needed.
    shared_.pipeline.end_batch();
    send(responses);
    const auto end = std::chrono::steady_clock::now();
    count_durations(shared_.counters, end - begin, static_cast<std::uint64_t>(queries));
    begin = end;
    // A nearly empty batch: nothing is waiting, so another look would most often be in vain.
    if (static_cast<unsigned>(queries) < limits::batch / 8) break;
  }
}

// Whoever asks from now on asks the address's next owner, if it has one. `most` keeps this from waiting for a
// kernel that does not know the trick.
void UdpListener::drain_and_close() {
  take_no_more();
  constexpr unsigned most = 64;
  for (unsigned i = 0; i < most && has_more(); ++i) on_ready(EPOLLIN);
  close();
}

// A socket that is connected is given nothing but what its peer sends. This one's peer is itself.
void UdpListener::take_no_more() {
  sockaddr_in6 self{};
  socklen_t size = sizeof self;
  if (::getsockname(socket_.fd(), reinterpret_cast<sockaddr*>(&self), &size) == 0)
    ::connect(socket_.fd(), reinterpret_cast<const sockaddr*>(&self), size);
}

bool UdpListener::has_more() const {
  char octet;
  return ::recv(socket_.fd(), &octet, 1, MSG_PEEK | MSG_DONTWAIT) >= 0;
}

int UdpListener::receive() {
  Batch& b = *batch_;
  // The kernel overwrote what it used last time. All of them: how many that was is not worth keeping.
  for (mmsghdr& m : b.in) {
    m.msg_hdr.msg_namelen = sizeof(sockaddr_in6);
    if (wildcard_) m.msg_hdr.msg_controllen = sizeof(Control);
  }
  // No retry on EINTR or on an error that waits in the socket: the event loop comes back at once.
  return ::recvmmsg(socket_.fd(), b.in.data(), limits::batch, MSG_DONTWAIT, nullptr);
}

Client UdpListener::client(unsigned i) const {
  return {endpoint_of(batch_->peers[i]).address, metrics::Proto::udp};
}

unsigned UdpListener::answer(unsigned queries) {
  Batch& b = *batch_;
  unsigned responses = 0;
  for (unsigned i = 0; i < queries; ++i) {
    const dns::Octets query(b.queries[i].data(), b.in[i].msg_len);
    const Response response = shared_.pipeline.answer(query, client(i), b.responses[responses]);
    if (response.kind != Response::Kind::send) continue;
    shared_.samples.offer(query);
    msghdr& out = b.out[responses].msg_hdr;
    const msghdr& in = b.in[i].msg_hdr;
    b.out_vectors[responses].iov_len = response.size;
    out.msg_name = in.msg_name;
    out.msg_namelen = in.msg_namelen;
    if (wildcard_) answer_from_asked_address(out, in);
    ++responses;
  }
  return responses;
}

// The ancillary data of the query says which address it was sent to; with a few changes it says where the
// response leaves from (RFC 2181 4).
void UdpListener::answer_from_asked_address(msghdr& response, const msghdr& query) {
  response.msg_control = nullptr;
  response.msg_controllen = 0;
  cmsghdr* control = CMSG_FIRSTHDR(&query);
  if (control == nullptr) return;
  if (control->cmsg_level == IPPROTO_IP && control->cmsg_type == IP_PKTINFO) {
    in_pktinfo info;
    std::memcpy(&info, CMSG_DATA(control), sizeof info);
    info.ipi_ifindex = 0;  // the route decides, not the interface that the query came in by
    std::memcpy(CMSG_DATA(control), &info, sizeof info);
  } else if (control->cmsg_level == IPPROTO_IPV6 && control->cmsg_type == IPV6_PKTINFO) {
    in6_pktinfo info;
    std::memcpy(&info, CMSG_DATA(control), sizeof info);
    if (IN6_IS_ADDR_MULTICAST(&info.ipi6_addr)) return;  // no address to send from
    if (!IN6_IS_ADDR_LINKLOCAL(&info.ipi6_addr)) info.ipi6_ifindex = 0;
    std::memcpy(CMSG_DATA(control), &info, sizeof info);
  } else {
    return;
  }
  response.msg_control = query.msg_control;
  response.msg_controllen = query.msg_controllen;
}

void UdpListener::send(unsigned responses) {
  unsigned sent = 0;
  while (sent < responses) {
    const int n = ::sendmmsg(socket_.fd(), batch_->out.data() + sent, responses - sent, MSG_DONTWAIT);
    if (n > 0) {
      sent += static_cast<unsigned>(n);
    } else if (errno == EAGAIN || errno == EWOULDBLOCK || errno == ENOBUFS) {
      // The way out is full: the clients ask again, waiting would only let more of them wait.
      shared_.counters.dropped[static_cast<int>(metrics::Dropped::send_failed)].add(responses - sent);
      return;
    } else if (errno != EINTR) {
      // What stands first cannot be sent (no route, refused by a filter, a source port of 0); the rest may
      // be.
      shared_.counters.drop(metrics::Dropped::send_failed);
      ++sent;
    }
  }
}

}  // namespace understudy::server
