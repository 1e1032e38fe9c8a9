// NOTIFY out (RFC 1996): tells further secondaries that a version was published, until they answer or five
// tries passed.
//
// Sync thread. For a zone and a secondary at most one NOTIFY is under way and one waits (the newest); at most
// max_under_way in all have a socket, the rest queue.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <deque>
#include <map>
#include <set>

#include "dns/record.h"
#include "net/dns_client.h"

namespace understudy::sync {

class NotifySender {
 public:
  static constexpr std::size_t max_under_way = 128;

  explicit NotifySender(boost::asio::any_io_executor executor) : executor_(std::move(executor)) {}

  // `soa`: the zone's new SOA record.
  void notify(const dns::RecordView& soa, const std::vector<net::Endpoint>& secondaries,
              std::optional<boost::asio::ip::address> source);
  // Secondaries told, by how it ended: "ok" or a reason.
  const std::map<std::string_view, std::uint64_t>& counts() const { return counts_; }

 private:
  using Key = std::pair<std::string, net::Endpoint>;  // zone, secondary
  struct Order {
    net::Message message;
    std::optional<boost::asio::ip::address> source;
  };
  void pump();
  boost::asio::awaitable<std::string_view> send(Key key, Order order);
  void ended(const Key& key, std::string_view result);

  boost::asio::any_io_executor executor_;
  std::map<Key, Order> waiting_;
  std::deque<Key> queue_;  // of keys in waiting_ that are not under way
  std::set<Key> under_way_;
  std::map<std::string_view, std::uint64_t> counts_;
};

// The message: AA set, the SOA in the answer section (RFC 1996 3.7). ID 0.
net::Message make_notify(const dns::RecordView& soa);

}  // namespace understudy::sync
