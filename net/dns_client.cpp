#include "net/dns_client.h"

#include <sys/random.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "dns/edns.h"
#include "net/client_stream.h"
#include "net/deadline.h"
#include "net/framing.h"
#include "net/network_error.h"

namespace understudy::net {
namespace asio = boost::asio;

namespace {

using UdpSocket = asio::ip::udp::socket;
constexpr auto as_values = asio::as_tuple(asio::use_awaitable);
constexpr std::size_t opt_octets = 11;

struct ParsedQuestion {
  dns::Name name;
  std::uint16_t type = 0, qclass = 0;
};

std::optional<ParsedQuestion> first_question(dns::Octets message) {
  dns::WireReader reader(message, dns::header_octets);
  ParsedQuestion question;
  if (!reader.name(question.name)) return std::nullopt;
  question.type = reader.u16();
  question.qclass = reader.u16();
  if (!reader.ok()) return std::nullopt;
  return question;
}

Result<ServerResponse> answered(Message octets, Transport transport,
                                std::chrono::steady_clock::time_point asked) {
  return ServerResponse{std::move(octets), transport, std::chrono::steady_clock::now() - asked};
}

boost::system::error_code open_udp(UdpSocket& socket, const Endpoint& server,
                                   const std::optional<asio::ip::address>& source) {
  boost::system::error_code error;
  const asio::ip::udp::endpoint remote = server.udp();
  socket.open(remote.protocol(), error);
  if (!error && source && source->is_v4() == remote.address().is_v4()) {
    socket.bind(asio::ip::udp::endpoint(*source, 0), error);
  }
  // Connected, so that the kernel lets through this server's datagrams only, and tells of a closed port.
  if (!error) socket.connect(remote, error);
  return error;
}

// Signs a question and believes what is signed; without a key it believes everything.
class Signature {
 public:
  explicit Signature(const Trust& trust) {
    if (trust.key) verifier_.emplace(trust.key, clock_);
  }
  Result<> sign(Message& query) {
    if (!verifier_ || verifier_->sign(query)) return {};
    return Error{reason::network, "no memory to sign a question with"};
  }
  Result<> check(dns::Octets response) { return verifier_ ? verifier_->check(response) : Result<>(); }

 private:
  const SystemClock clock_;
  std::optional<dns::TsigVerifier> verifier_;
};

asio::awaitable<Result<ServerResponse>> ask_udp(Endpoint server, Message query, AskOptions options) {
  const asio::any_io_executor executor = co_await asio::this_coro::executor;
  Signature signature(options.trust);
  if (const auto signed_well = signature.sign(query); !signed_well) co_return signed_well.error();
  UdpSocket socket(executor);
  const boost::system::error_code opened = open_udp(socket, server, options.source);
  if (opened) co_return network_error(server, "opening a UDP socket", opened);
  const auto asked = std::chrono::steady_clock::now();
  Deadline deadline(socket, options.timeout);
  const auto [send_error, sent] = co_await socket.async_send(asio::buffer(query), as_values);
  if (send_error) co_return network_error(server, "asking over UDP", send_error);
  // Room for what we announce and for servers that send more: a datagram cut short would look malformed.
  Message response(4096);
  Error failure = timeout_error(server, "asking over UDP");
  for (;;) {
    const auto [error, size] = co_await socket.async_receive(asio::buffer(response), as_values);
    if (deadline.passed()) co_return failure;
    if (error) co_return network_error(server, "asking over UDP", error);
    const dns::Octets came = dns::Octets(response).first(size);
    if (!is_response_to(query, came)) continue;
    if (const auto believed = signature.check(came); !believed) {
      failure = believed.error().within(to_string(server));  // told, unless a better one comes
      continue;
    }
    response.resize(size);
    co_return answered(std::move(response), Transport::udp, asked);
  }
}

asio::awaitable<Result<ServerResponse>> ask_stream(Endpoint server, Message query, AskOptions options) {
  const asio::any_io_executor executor = co_await asio::this_coro::executor;
  Signature signature(options.trust);
  if (const auto signed_well = signature.sign(query); !signed_well) co_return signed_well.error();
  ClientStream stream(executor);
  const std::string_view what = options.trust.tls ? "asking over TLS" : "asking over TCP";
  const auto asked = std::chrono::steady_clock::now();
  Deadline deadline(stream.socket(), options.timeout);
  auto connecting = stream.connect(server, options.source, options.trust, what);
  std::optional<Error> failure = co_await std::move(connecting);
  Message response;
  if (!failure) {
    boost::system::error_code error = co_await stream.write(query);
    if (!error) error = co_await stream.read(response);
    if (error) failure = network_error(server, what, error);
  }
  if (deadline.passed()) co_return timeout_error(server, what);
  if (failure) co_return *failure;
  if (!is_response_to(query, response)) {
    co_return Error{reason::malformed, to_string(server) + ": the response does not belong to the query"};
  }
  if (const auto believed = signature.check(response); !believed)
    co_return believed.error().within(to_string(server));
  co_return answered(std::move(response), stream.transport(), asked);
}

}  // namespace

std::uint16_t random_id() {
  std::uint16_t id = 0;
  // At most 256 octets never come short once the kernel's pool is initialised (getrandom(2)).
  if (getrandom(&id, sizeof id, 0) != sizeof id)
    return static_cast<std::uint16_t>(std::chrono::steady_clock::now().time_since_epoch().count());
  return id;
}

Message make_query(dns::NameView name, dns::RRType type, QueryOptions options) {
  Message query(dns::header_octets + name.size() + 4);
  dns::Header header;
  header.flags = options.recursion_desired ? dns::flag::rd : 0;
  header.questions = 1;
  dns::store_header(query.data(), header);
  std::memcpy(query.data() + dns::header_octets, name.data(), name.size());
  std::uint8_t* p = query.data() + dns::header_octets + name.size();
  dns::store16(p, static_cast<std::uint16_t>(type));
  dns::store16(p + 2, static_cast<std::uint16_t>(dns::RRClass::IN));
  if (options.edns) append_opt(query, options);
  return query;
}

void append_opt(Message& query, QueryOptions options) {
  constexpr std::size_t empty_option_octets = 4;
  const std::size_t at = query.size();
  const std::size_t data = options.expire ? empty_option_octets : 0;
  query.resize(at + opt_octets + data);  // owner: the root; extended RCODE, version and flags 0
  std::uint8_t* p = query.data() + at;
  dns::store16(p + 1, static_cast<std::uint16_t>(dns::RRType::OPT));
  dns::store16(p + 3, limits::udp_octets);
  if (options.dnssec_ok) p[7] = 0x80;
  dns::store16(p + 9, static_cast<std::uint16_t>(data));
  if (options.expire) dns::store16(p + opt_octets, dns::expire_option);
  dns::Header header = dns::load_header(query.data());
  ++header.additionals;
  dns::store_header(query.data(), header);
}

bool is_response_to(dns::Octets query, dns::Octets response) {
  if (query.size() < dns::header_octets || response.size() < dns::header_octets) return false;
  const dns::Header asked = dns::load_header(query.data());
  const dns::Header got = dns::load_header(response.data());
  if (!got.is_response() || got.id != asked.id || got.opcode() != asked.opcode()) return false;
  if (got.questions == 0) return got.rcode() != dns::Rcode::noerror;
  if (got.questions != 1) return false;
  const auto want = first_question(query);
  const auto have = first_question(response);
  return want && have && want->name == have->name && want->type == have->type && want->qclass == have->qclass;
}

asio::awaitable<Result<ServerResponse>> ask(Endpoint server, Message query, AskOptions options) {
  if (query.size() < dns::header_octets) co_return Error{reason::malformed, "the query has no header"};
  Result<ServerResponse> result = timeout_error(server, "asking");
  const bool never_udp = options.tcp_only || options.trust.tls;
  for (unsigned i = 0; !never_udp && i < std::max(1u, options.udp_tries); ++i) {
    dns::store16(query.data(), random_id());
    auto attempt = ask_udp(server, query, options);
    result = co_await std::move(attempt);
    if (result || result.error().reason != reason::timeout) break;
  }
  bool over_tcp = never_udp;
  if (!over_tcp && result) {
    over_tcp =
        options.tcp_on_truncation && (dns::load_header(result->octets.data()).flags & dns::flag::tc) != 0;
  } else if (!over_tcp) {
    over_tcp = options.tcp_on_timeout && result.error().reason == reason::timeout;
  }
  if (!over_tcp) co_return result;
  dns::store16(query.data(), random_id());
  auto attempt = ask_stream(server, query, options);
  result = co_await std::move(attempt);
  co_return result;
}

}  // namespace understudy::net
