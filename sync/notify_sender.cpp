#include "sync/notify_sender.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "base/log.h"
#include "sync/reasons.h"
#include "sync/soa_probe.h"

namespace understudy::sync {
namespace asio = boost::asio;

namespace {

// An answer that takes longer is not waited for with a socket: a newer version may want to be told meanwhile.
constexpr std::chrono::milliseconds longest_listening{5000};

std::string zone_key(dns::NameView apex) { return dns::to_string(dns::Name(apex).lowered()); }

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

void NotifySender::notify(const dns::RecordView& soa, const std::vector<Secondary>& secondaries,
                          std::optional<asio::ip::address> source) {
  const std::string zone = zone_key(soa.owner);
  for (const Secondary& secondary : secondaries) {
    ErrandPtr& errand = errands_[{zone, secondary.address}];
    if (!errand) errand = std::make_shared<Errand>();
    errand->zone = zone;
    errand->message = make_notify(soa);
    errand->source = source;
    errand->trust = secondary.trust;
    errand->tcp = secondary.tcp;
    errand->status = {secondary.address, dns::Soa::of(soa.rdata).serial, errand->status.result, clock_.wall(),
                      true};
    errand->newer = errand->under_way;
    if (errand->pause != nullptr) errand->pause->cancel();
    if (!errand->under_way && !errand->queued) queue(errand);
  }
  pump();
}

void NotifySender::forget(dns::NameView apex) {
  const std::string zone = zone_key(apex);
  auto known = errands_.lower_bound({zone, net::Endpoint{}});
  while (known != errands_.end() && known->first.first == zone) {
    known->second->forgotten = true;
    if (known->second->pause != nullptr) known->second->pause->cancel();
    known = errands_.erase(known);
  }
}

std::vector<NotifyStatus> NotifySender::status(dns::NameView apex) const {
  const std::string zone = zone_key(apex);
  std::vector<NotifyStatus> all;
  for (auto known = errands_.lower_bound({zone, net::Endpoint{}});
       known != errands_.end() && known->first.first == zone; ++known) {
    all.push_back(known->second->status);
  }
  return all;
}

void NotifySender::queue(const ErrandPtr& errand) {
  errand->queued = true;
  Lane& lane = lanes_[errand->status.secondary];
  lane.ready.push_back(errand);
  if (!std::exchange(lane.waiting, true)) waiting_.push_back(&lane);
}

bool NotifySender::may_start(const Lane& lane) const {
  return lane.under_way < lane.may && (!lane.silent || silent_under_way_ < most_under_way / 2);
}

void NotifySender::pump() {
  for (std::size_t passed = 0; passed < waiting_.size() && under_way_ < most_under_way;) {
    Lane& lane = *waiting_.front();
    waiting_.pop_front();
    ++passed;
    if (may_start(lane)) {
      start(lane);
      passed = 0;
    }
    lane.waiting = !lane.ready.empty();
    if (lane.waiting) waiting_.push_back(&lane);
  }
}

void NotifySender::start(Lane& lane) {
  const ErrandPtr errand = lane.ready.front();
  lane.ready.pop_front();
  errand->queued = false;
  if (errand->forgotten) return;
  errand->under_way = true;
  ++under_way_;
  ++lane.under_way;
  if (lane.silent) ++silent_under_way_;
  asio::co_spawn(executor_, attend(errand),
                 [this, errand](std::exception_ptr failure, std::string_view result) {
                   ended(errand, failure ? reason::network : result);
                 });
}

asio::awaitable<std::string_view> NotifySender::attend(ErrandPtr errand) {
  const net::Endpoint secondary = errand->status.secondary;
  std::chrono::milliseconds wait = patience_.first_wait;
  for (unsigned copies = 0;;) {
    if (errand->forgotten) co_return reason::zone_removed;
    if (std::exchange(errand->newer, false)) {
      copies = 0;
      wait = patience_.first_wait;
    }
    ++copies;
    net::AskOptions options;
    options.source = errand->source;
    options.trust = errand->trust;
    options.tcp_only = errand->tcp;
    options.tcp_on_truncation = false;
    options.timeout = std::min(wait, longest_listening);
    const auto asked = std::chrono::steady_clock::now();
    auto asking = net::ask(secondary, errand->message, options);
    const Result<net::ServerResponse> response = co_await std::move(asking);
    if (response) {
      heard(secondary);
      if (errand->newer) continue;
      // Whatever it says, it was heard; asking again would not change its mind.
      const dns::Rcode rcode = dns::load_header(response->octets.data()).rcode();
      co_return rcode == dns::Rcode::noerror ? "ok" : reason_of(rcode);
    }
    const std::string_view failure = response.error().reason;
    unheard(secondary);
    if (errand->newer) continue;
    if (copies >= patience_.copies) co_return failure;
    // A closed port answers at once: the secondary may be starting.
    const auto spent = std::chrono::steady_clock::now() - asked;
    auto resting = rest(errand, std::chrono::duration_cast<std::chrono::milliseconds>(wait - spent));
    co_await std::move(resting);
    wait *= 2;
  }
}

asio::awaitable<void> NotifySender::rest(ErrandPtr errand, std::chrono::milliseconds time) {
  if (time.count() <= 0 || errand->forgotten) co_return;
  asio::steady_timer pause(executor_, time);
  errand->pause = &pause;
  auto resting = pause.async_wait(asio::as_tuple(asio::use_awaitable));
  co_await std::move(resting);
  errand->pause = nullptr;
}

void NotifySender::heard(const net::Endpoint& secondary) {
  Lane& lane = lanes_[secondary];
  lane.may = std::min(lane.may + 1, most_per_secondary);
  if (std::exchange(lane.silent, false)) silent_under_way_ -= lane.under_way;
  if (std::exchange(lane.told, false))
    log::info("secondary-heard", {{"secondary", net::to_string(secondary)}});
}

void NotifySender::unheard(const net::Endpoint& secondary) {
  Lane& lane = lanes_[secondary];
  lane.may = std::max<std::size_t>(lane.may / 2, 1);
  if (!std::exchange(lane.silent, true)) silent_under_way_ += lane.under_way;
}

void NotifySender::ended(const ErrandPtr& errand, std::string_view result) {
  Lane& lane = lanes_[errand->status.secondary];
  --under_way_;
  --lane.under_way;
  if (lane.silent) --silent_under_way_;
  errand->under_way = false;
  if (!errand->forgotten) {
    ++counts_[result];
    tell(lane, *errand, result);
    errand->status.result = result;
    errand->status.when = clock_.wall();
    // A version may have come between the answer and now.
    errand->status.pending = std::exchange(errand->newer, false);
    if (errand->status.pending) {
      queue(errand);
    } else {
      errand->message = {};
    }
  }
  pump();
}

// What repeats itself is told once: the refusal of a zone, and the silence of a secondary for all its zones.
void NotifySender::tell(Lane& lane, const Errand& errand, std::string_view result) {
  auto level = log::Level::warning;
  if (result == "ok" || result == errand.status.result) level = log::Level::debug;
  if (reason::blame_of(result) == reason::Blame::silence && std::exchange(lane.told, true))
    level = log::Level::debug;
  log::write(level, "notify-sent",
             {{"zone", errand.zone},
              {"secondary", net::to_string(errand.status.secondary)},
              {"serial", errand.status.serial},
              {"result", result}});
}

}  // namespace understudy::sync
