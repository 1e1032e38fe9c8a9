#include "sync/notify_sender.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "base/log.h"
#include "sync/reasons.h"
#include "sync/soa_probe.h"

namespace understudy::sync {
namespace {

constexpr unsigned tries = 5;
constexpr std::chrono::milliseconds first_wait{1000};  // then doubled (RFC 1996 3.6 leaves it to us)

}  // namespace

net::Message make_notify(const dns::RecordView& soa) {
  net::Message message = net::make_query(soa.owner, dns::RRType::SOA, {.edns = false});
  dns::Header header = dns::load_header(message.data());
  header.flags = static_cast<std::uint16_t>(static_cast<unsigned>(dns::Opcode::notify) << 11 | dns::flag::aa);
  header.answers = 1;
  dns::store_header(message.data(), header);
  const std::size_t at = message.size();
  message.resize(at + 12);
  std::uint8_t* p = message.data() + at;
  dns::store16(p, 0xc000 | dns::header_octets);  // the owner is the question's name
  dns::store16(p + 2, static_cast<std::uint16_t>(soa.type));
  dns::store16(p + 4, static_cast<std::uint16_t>(dns::RRClass::IN));
  dns::store32(p + 6, soa.ttl);
  dns::store16(p + 10, static_cast<std::uint16_t>(soa.rdata.size()));
  message.insert(message.end(), soa.rdata.begin(), soa.rdata.end());
  return message;
}

void NotifySender::notify(const dns::RecordView& soa, const std::vector<net::Endpoint>& secondaries,
                          std::optional<boost::asio::ip::address> source) {
  for (const net::Endpoint& secondary : secondaries) {
    const Key key(dns::to_string(soa.owner), secondary);
    const bool queued = waiting_.contains(key);
    waiting_[key] = {make_notify(soa), source};
    if (!queued && !under_way_.contains(key)) queue_.push_back(key);
  }
  pump();
}

void NotifySender::pump() {
  while (under_way_.size() < max_under_way && !queue_.empty()) {
    const Key key = queue_.front();
    queue_.pop_front();
    auto order = waiting_.extract(key);
    under_way_.insert(key);
    boost::asio::co_spawn(executor_, send(key, std::move(order.mapped())),
                          [this, key](std::exception_ptr failure, std::string_view result) {
                            ended(key, failure ? reason::network : result);
                          });
  }
}

boost::asio::awaitable<std::string_view> NotifySender::send(Key key, Order order) {
  net::AskOptions options;
  options.source = order.source;
  options.tcp_on_truncation = false;
  options.timeout = first_wait;
  std::string_view failure = reason::timeout;
  for (unsigned i = 0; i < tries; ++i, options.timeout *= 2) {
    auto asking = net::ask(key.second, order.message, options);
    const Result<net::ServerResponse> response = co_await std::move(asking);
    if (response) {
      const dns::Rcode rcode = dns::load_header(response->octets.data()).rcode();
      // Whatever it says, it was heard; asking again would not change its mind.
      co_return rcode == dns::Rcode::noerror ? "ok" : reason_of(rcode);
    }
    failure = response.error().reason;
    if (waiting_.contains(key)) co_return failure;  // a newer one takes over
    if (failure == reason::timeout) continue;
    // A closed port answers at once: the secondary may be starting. The wait that a time-out would have been.
    boost::asio::steady_timer pause(executor_, options.timeout);
    co_await pause.async_wait(boost::asio::as_tuple(boost::asio::use_awaitable));
  }
  co_return failure;
}

void NotifySender::ended(const Key& key, std::string_view result) {
  ++counts_[result];
  const auto level = result == "ok" ? log::Level::debug : log::Level::warning;
  log::write(level, "notify-sent",
             {{"zone", key.first}, {"secondary", net::to_string(key.second)}, {"result", result}});
  under_way_.erase(key);
  if (waiting_.contains(key)) queue_.push_back(key);
  pump();
}

}  // namespace understudy::sync
