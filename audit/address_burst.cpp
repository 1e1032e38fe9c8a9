#include "audit/address_burst.h"

#include <boost/asio/co_spawn.hpp>
#include <cerrno>

#include "audit/query.h"
#include "dns/message.h"
#include "net/network_error.h"

namespace understudy::audit {

namespace {

// What is sent and received in one system call.
constexpr std::size_t at_once = limits::batch;
// How many batches are read before others have their turn.
constexpr unsigned rounds = 8;
constexpr double smallest_window = 4;

// The same answer but for its ID: there is nothing to look into. One that is no answer about the zone
// (another RCODE, cut short) is not among them.
bool is_same_answer(dns::Octets ours, dns::Octets theirs) {
  if (ours.size() != theirs.size() || ours.size() < dns::header_octets) return false;
  const dns::Header header = dns::load_header(ours.data());
  const bool answers = header.rcode() == dns::Rcode::noerror || header.rcode() == dns::Rcode::nxdomain;
  return answers && (header.flags & dns::flag::tc) == 0 &&
         std::equal(ours.begin() + 2, ours.end(), theirs.begin() + 2);
}

NormalAnswer normal(dns::NameView apex, const Question& question, dns::Octets response) {
  return response.empty() ? no_answer("no answer") : normalise(apex, question, response);
}

}  // namespace

AddressBurst::AddressBurst(BurstContext& context, std::shared_ptr<ZonePass> pass)
    : context_(context),
      pass_(std::move(pass)),
      pacer_(context.queries_per_second),
      slots_(room),
      slot_of_id_(0x10000, nobody),
      buffers_(at_once) {
  for (std::uint16_t i = 0; i < room; ++i) free_.push_back(i);
}

Result<> AddressBurst::open() {
  const net::Endpoint& address = pass_->tally().address;
  const auto remote = address.udp();
  socket_ = server::Socket(
      ::socket(address.address.is_v6() ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  // Connected, so that the kernel lets through this server's datagrams only, and tells of a closed port.
  if (socket_.fd() < 0 ||
      ::connect(socket_.fd(), remote.data(), static_cast<socklen_t>(remote.size())) != 0) {
    return net::network_error(address, "opening a UDP socket",
                              boost::system::error_code(errno, boost::system::system_category()));
  }
  server::set_option(socket_.fd(), SOL_SOCKET, SO_RCVBUF, 4 << 20);
  return {};
}

bool AddressBurst::may_start(SteadyTime now) const {
  const auto under_way = static_cast<double>(room - free_.size());
  return !free_.empty() && under_way < window_ && pacer_.due() <= now;
}

SteadyTime AddressBurst::due() const {
  SteadyTime due = sent_.empty() ? SteadyTime::max() : sent_.front().until;
  if (free_.empty() || static_cast<double>(room - free_.size()) >= window_) return due;
  SteadyTime next = asking_serial_ ? SteadyTime::max() : serial_due_;
  if (!ready_.empty()) next = SteadyTime{};
  if (serial_told_) next = std::min(next, pass_->due());
  return next == SteadyTime::max() ? due : std::min(due, std::max(next, pacer_.due()));
}

Result<> AddressBurst::send() {
  const Instant moment = now();
  if (!asking_serial_ && serial_due_ <= moment.steady && may_start(moment.steady)) ask_serial();
  // Before the address has told its serial nothing else is asked: it says whether anybody is there.
  while (serial_told_ && may_start(moment.steady)) {
    if (!ready_.empty()) {
      start(std::move(ready_.front()));
      ready_.pop_front();
      continue;
    }
    auto ask = pass_->take(context_.reader, moment);
    if (!ask) return ask.error();
    if (!*ask) break;
    // A difference is put to the address once more together with its serial: where it is ahead of us, it
    // proves nothing.
    if ((*ask)->again && !pass_->knows_serial_since((*ask)->doubted_at)) {
      for_serial_.push_back(std::move(**ask));
      if (!asking_serial_) ask_serial();
    } else {
      start(std::move(*ask));
    }
  }
  flush();
  return {};
}

void AddressBurst::ask_serial() {
  if (free_.empty()) return;
  asking_serial_ = true;
  start(std::nullopt);
}

void AddressBurst::start(std::optional<Ask> ask) {
  const std::uint16_t number = free_.back();
  free_.pop_back();
  Slot& slot = slots_[number];
  slot.query = ask ? query_of(*ask) : net::make_query(apex(), dns::RRType::SOA);
  slot.ask = std::move(ask);
  slot.tries = 0;
  pacer_.sent(context_.clock.steady());
  prepare(number);
}

void AddressBurst::prepare(std::uint16_t number) {
  Slot& slot = slots_[number];
  std::uint16_t id = net::random_id();
  while (slot_of_id_[id] != nobody) ++id;  // there are more IDs than slots
  dns::store16(slot.query.data(), id);
  slot_of_id_[id] = number;
  ++slot.tries;
  if (++last_ticket_ == 0) ++last_ticket_;
  slot.ticket = last_ticket_;
  to_send_.push_back(number);
}

// What the socket does not take is lost, like any datagram that is.
void AddressBurst::flush() {
  const SteadyTime until = context_.clock.steady() + context_.timeout;
  for (std::size_t from = 0; from < to_send_.size(); from += at_once) {
    std::array<mmsghdr, at_once> messages{};
    std::array<iovec, at_once> vectors;
    const std::size_t count = std::min(at_once, to_send_.size() - from);
    for (std::size_t i = 0; i < count; ++i) {
      Slot& slot = slots_[to_send_[from + i]];
      vectors[i] = {slot.query.data(), slot.query.size()};
      messages[i].msg_hdr.msg_iov = &vectors[i];
      messages[i].msg_hdr.msg_iovlen = 1;
      sent_.push_back({to_send_[from + i], slot.ticket, until});
    }
    for (std::size_t i = 0; i < count;) {
      const int sent = ::sendmmsg(socket_.fd(), messages.data() + i, static_cast<unsigned>(count - i), 0);
      // An error may be an earlier datagram's, told late.
      i += sent > 0 ? static_cast<std::size_t>(sent) : 1;
    }
  }
  to_send_.clear();
}

void AddressBurst::receive() {
  for (unsigned round = 0; round < rounds; ++round) {
    std::array<mmsghdr, at_once> messages{};
    std::array<iovec, at_once> vectors;
    for (std::size_t i = 0; i < at_once; ++i) {
      vectors[i] = {buffers_[i].data(), receive_room};
      messages[i].msg_hdr.msg_iov = &vectors[i];
      messages[i].msg_hdr.msg_iovlen = 1;
    }
    const int count = ::recvmmsg(socket_.fd(), messages.data(), at_once, MSG_DONTWAIT, nullptr);
    if (count <= 0) return;  // nothing there, or the answer of a closed port: what is asked becomes late
    OwnAnswers::Batch own(context_.own);
    for (int i = 0; i < count; ++i) arrived(dns::Octets(buffers_[i]).first(messages[i].msg_len), own);
    if (static_cast<std::size_t>(count) < at_once) return;
  }
}

void AddressBurst::arrived(dns::Octets response, OwnAnswers::Batch& own) {
  if (response.size() < dns::header_octets) return;
  const std::uint16_t number = slot_of_id_[dns::load16(response.data())];
  if (number == nobody || !net::is_response_to(slots_[number].query, response)) return;
  Slot& slot = slots_[number];
  window_ = std::min<double>(room, window_ + 1 / window_);
  if (slot.ask && (dns::load_header(response.data()).flags & dns::flag::tc) != 0)
    return ask_over_stream(number);
  heard(slot, response, own);
  free_slot(number);
}

void AddressBurst::heard(Slot& slot, dns::Octets response, OwnAnswers::Batch& own) {
  if (slot.ask) return settle(*slot.ask, slot.query, response, own);
  const Question soa{dns::Name(apex()), dns::RRType::SOA, false, false, dns::Name(apex())};
  const NormalAnswer answer = normalise(apex(), soa, response);
  note(answer);
  heard_serial(answer);
}

// An address that refuses is asked less, and in the end no more, as one that is silent.
void AddressBurst::note(const NormalAnswer& answer) {
  if (answer.end != NormalAnswer::End::unknown) {
    pacer_.answered();
    useless_in_a_row_ = 0;
    return;
  }
  pacer_.unanswered();
  if (++useless_in_a_row_ >= patience) pass_->give_up();
}

// Our answer last, from the newest version.
void AddressBurst::settle(const Ask& ask, dns::Octets query, dns::Octets theirs, OwnAnswers::Batch& own) {
  const dns::Octets ours = own.answer(query);
  // An SOA says more than what it is compared for, and so does a second answer.
  if (!ask.again && ask.question.type != dns::RRType::SOA && is_same_answer(ours, theirs)) {
    pacer_.answered();
    useless_in_a_row_ = 0;
    return pass_->settle_same(ask, now());
  }
  const NormalAnswer answer = normal(apex(), ask.question, theirs);
  note(answer);
  pass_->settle(ask, normal(apex(), ask.question, ours), answer, now(), {ours, theirs});
}

void AddressBurst::heard_serial(const NormalAnswer& answer) {
  std::optional<std::uint32_t> serial;
  if (answer.end == NormalAnswer::End::data) serial = dns::Soa::of(answer.data.rdata.front()).serial;
  const SteadyTime moment = context_.clock.steady();
  pass_->heard_serial(serial, moment);
  asking_serial_ = false;
  serial_told_ = true;
  serial_due_ = moment + serial_period;
  // Where it did not tell it, they are asked all the same: what they say is then all there is.
  ready_.insert(ready_.end(), std::make_move_iterator(for_serial_.begin()),
                std::make_move_iterator(for_serial_.end()));
  for_serial_.clear();
}

void AddressBurst::expire() {
  const SteadyTime moment = context_.clock.steady();
  bool lost = false;
  while (!sent_.empty() && sent_.front().until <= moment) {
    const Sent sent = sent_.front();
    sent_.pop_front();
    Slot& slot = slots_[sent.slot];
    if (slot.ticket != sent.ticket) continue;
    lost = true;
    if (slot.tries < tries && useless_in_a_row_ < patience) {
      pacer_.sent(moment);  // it counts as a question, and some providers bill it
      slot_of_id_[dns::load16(slot.query.data())] = nobody;
      prepare(sent.slot);
    } else {
      unanswered(sent.slot, "timeout");
    }
  }
  if (!lost) return;
  // One step for all that were lost together: a full buffer loses many at once.
  window_ = std::max(smallest_window, window_ / 2);
  pacer_.unanswered();
  flush();
}

void AddressBurst::unanswered(std::uint16_t number, std::string why) {
  Slot& slot = slots_[number];
  const std::optional<Ask> ask = std::move(slot.ask);
  free_slot(number);
  const NormalAnswer nothing = no_answer(std::move(why));
  ++useless_in_a_row_;
  if (ask) {
    pass_->settle(*ask, normal(apex(), ask->question, context_.own.answer(query_of(*ask))), nothing, now());
  } else {
    heard_serial(nothing);
  }
  if (useless_in_a_row_ >= patience) pass_->give_up();
}

void AddressBurst::ask_over_stream(std::uint16_t number) {
  Slot& slot = slots_[number];
  slot_of_id_[dns::load16(slot.query.data())] = nobody;
  slot.ticket = 0;
  ++streams_;
  pacer_.sent(context_.clock.steady());
  net::AskOptions options;
  options.timeout = context_.timeout * tries;
  options.tcp_only = true;
  const auto answered = [this, number](std::exception_ptr fault,
                                       const Result<net::ServerResponse>& response) {
    --streams_;
    if (fault) return unanswered(number, "no memory");
    if (!response) return unanswered(number, std::string(response.error().reason));
    OwnAnswers::Batch own(context_.own);
    heard(slots_[number], response->octets, own);
    free_slot(number);
  };
  boost::asio::co_spawn(context_.streams, net::ask(pass_->tally().address, slot.query, options), answered);
}

void AddressBurst::free_slot(std::uint16_t number) {
  Slot& slot = slots_[number];
  std::uint16_t& entry = slot_of_id_[dns::load16(slot.query.data())];
  if (entry == number) entry = nobody;
  slot.ticket = 0;
  slot.ask.reset();
  free_.push_back(number);
}

}  // namespace understudy::audit
