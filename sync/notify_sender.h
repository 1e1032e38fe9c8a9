// NOTIFY out (RFC 1996): tells further secondaries that a version was published, until they answer or six
// copies went unanswered.
//
// Sync thread. What is to be told to one secondary waits in a lane of its own. A lane has as many NOTIFY
// under way as it may: for each answer one more, up to most_per_secondary, for each silence half as many. So
// ten thousand zones that are published at once go out as fast as they are answered, and a secondary that is
// dead has one under way while the others wait for it to come back. In all at most most_under_way have a
// socket, those to silent secondaries half of that. For a zone and a secondary there is one errand: a newer
// version takes the place of an older one, also of one that is under way.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <deque>
#include <map>
#include <memory>

#include "base/clock.h"
#include "dns/record.h"
#include "net/dns_client.h"
#include "sync/zone_status.h"

namespace understudy::sync {

// How many copies are sent, and how long the answer to the first is waited for; then twice as long each time.
// RFC 1996 3.6 suggests five copies more and finds exponential back-off reasonable.
struct NotifyPatience {
  unsigned copies = 6;
  std::chrono::milliseconds first_wait{1000};
};

// Who is told, and how: with a trust.key what it is told, and what it answers, is signed; with trust.tls all
// of it goes over TLS and in no other way.
struct Secondary {
  Secondary(net::Endpoint where, net::Trust proof = {}, bool over_tcp = false)
      : address(where), trust(std::move(proof)), tcp(over_tcp) {}
  net::Endpoint address;
  net::Trust trust;
  bool tcp;  // not over UDP
};

class NotifySender {
 public:
  static constexpr std::size_t most_under_way = 128;
  static constexpr std::size_t most_per_secondary = 32;

  NotifySender(boost::asio::any_io_executor executor, const Clock& clock, NotifyPatience patience = {})
      : executor_(std::move(executor)), clock_(clock), patience_(patience) {}

  // `soa`: the zone's new SOA record.
  void notify(const dns::RecordView& soa, const std::vector<Secondary>& secondaries,
              std::optional<boost::asio::ip::address> source);
  // The zone is served no more: nothing of it is sent from now on.
  void forget(dns::NameView apex);

  // Secondaries told, by how it ended: "ok" or a reason.
  const std::map<std::string_view, std::uint64_t>& counts() const { return counts_; }
  // What became of the zone's newest NOTIFY to each secondary; of those that were told of nothing yet:
  // nothing.
  std::vector<NotifyStatus> status(dns::NameView apex) const;

 private:
  // What is to be told to one secondary of one zone.
  struct Errand {
    std::string zone;  // for the log
    net::Message message;
    std::optional<boost::asio::ip::address> source;
    net::Trust trust;
    bool tcp = false;
    NotifyStatus status;
    bool queued = false, under_way = false;
    bool newer = false;  // what is under way was replaced meanwhile
    bool forgotten = false;
    boost::asio::steady_timer* pause = nullptr;  // until the next copy, while there is one
  };
  using ErrandPtr = std::shared_ptr<Errand>;
  struct Lane {
    std::deque<ErrandPtr> ready;
    std::size_t under_way = 0;
    std::size_t may = most_per_secondary;
    bool silent = false;   // its last copy went unanswered
    bool told = false;     // the log has it that it is silent
    bool waiting = false;  // in waiting_
  };
  using Key = std::pair<std::string, net::Endpoint>;  // apex in lower case, secondary

  void queue(const ErrandPtr& errand);
  void pump();
  bool may_start(const Lane& lane) const;
  void start(Lane& lane);
  boost::asio::awaitable<std::string_view> attend(ErrandPtr errand);
  boost::asio::awaitable<void> rest(ErrandPtr errand, std::chrono::milliseconds time);
  void heard(const net::Endpoint& secondary);
  void unheard(const net::Endpoint& secondary);
  void ended(const ErrandPtr& errand, std::string_view result);
  static void tell(Lane& lane, const Errand& errand, std::string_view result);

  boost::asio::any_io_executor executor_;
  const Clock& clock_;
  const NotifyPatience patience_;
  std::map<Key, ErrandPtr> errands_;     // those that are done too, for status()
  std::map<net::Endpoint, Lane> lanes_;  // as many as there are secondaries in the configuration
  std::deque<Lane*> waiting_;            // those with ready errands, taking turns
  std::size_t under_way_ = 0, silent_under_way_ = 0;
  std::map<std::string_view, std::uint64_t> counts_;
};

// The message: AA set, the SOA in the answer section (RFC 1996 3.7). ID 0.
net::Message make_notify(const dns::RecordView& soa);

}  // namespace understudy::sync
