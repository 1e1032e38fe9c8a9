#include "simulation/simulated_primaries.h"

#include <algorithm>

namespace understudy::test {

namespace {

std::string hex_sum(const Bytes& octets) {
  std::uint64_t sum = 1469598103934665603u;  // FNV-1a: which octets, in one number
  for (const std::uint8_t octet : octets) sum = (sum ^ octet) * 1099511628211u;
  return std::to_string(octets.size()) + " octets, " + std::to_string(sum);
}

}  // namespace

SimulatedPrimaries::SimulatedPrimaries(Kernel& kernel, Editions& editions, unsigned count)
    : kernel_(kernel), editions_(editions), primaries_(count) {
  kernel_.attach(this);
}

Time SimulatedPrimaries::delay() {
  return Time(kernel_.chance(90) ? 1 + kernel_.random(100) : kernel_.random(3000));
}

SimulatedPrimaries::Reply SimulatedPrimaries::reply_to(const Message& query) const {
  Reply reply;
  reply.id = query.id;
  reply.question = query.questions.at(0).name;
  reply.type = query.questions.at(0).type;
  return reply;
}

Bytes SimulatedPrimaries::encoded(const Reply& reply) {
  Bytes out = header(reply.id, reply.flags, 1, static_cast<std::uint16_t>(reply.answer.size()), 0, 0);
  append_name(out, reply.question);
  append16(out, reply.type);
  append16(out, 1);
  for (const Rr& record : reply.answer) {
    append_name(out, record.owner);
    append16(out, record.type);
    append16(out, reply.rr_class);
    append32(out, record.ttl);
    append16(out, static_cast<std::uint16_t>(record.rdata.size()));
    out.insert(out.end(), record.rdata.begin(), record.rdata.end());
  }
  if (reply.cut) out.erase(out.end() - 7, out.end());
  return out;
}

std::optional<Bytes> SimulatedPrimaries::soa_answer(const Primary& primary, const Message& query,
                                                    bool datagram) {
  Reply reply = reply_to(query);
  reply.answer = {editions_[primary.edition].records.front()};
  if (lies(primary)) {
    Bytes& rdata = reply.answer.front().rdata;
    switch (kernel_.random(12)) {
      case 0:
        return std::nullopt;
      case 1:
        reply.flags |= static_cast<std::uint16_t>(1 + kernel_.random(5));  // an RCODE
        reply.answer.clear();
        break;
      case 2:
        if (datagram) reply.flags |= 0x0200;  // TC
        break;
      case 3:
        reply.id ^= 0x55;
        break;
      case 4:
        reply.type = type::A;
        break;
      case 5:  // a serial ahead of the zone that it will deliver
        rdata[rdata.size() - 17] =
            static_cast<std::uint8_t>(rdata[rdata.size() - 17] + 1 + kernel_.random(9));
        break;
      case 6:  // and one behind it
        reply.answer = {editions_[kernel_.random(primary.edition + 1)].records.front()};
        break;
      case 7:
        reply.flags &= static_cast<std::uint16_t>(~0x0400);  // AA
        break;
      case 8:
        reply.answer.clear();
        break;
      case 9:
        reply.cut = true;
        break;
      case 10:
        reply.answer.front().owner = name("elsewhere.");
        break;
      default:
        return Bytes(kernel_.random(40), static_cast<std::uint8_t>(kernel_.random(256)));
    }
  }
  return encoded(reply);
}

void SimulatedPrimaries::datagram(Flow flow, std::uint16_t port, const Bytes& octets) {
  kernel_.note("asked over UDP at " + std::to_string(port) + ": " + hex_sum(octets));
  const Primary& primary = at(port);
  if (primary.state == State::silent) return;
  if (primary.state == State::refusing) {
    kernel_.after(delay(), Kernel::Kind::network, [this, flow] { kernel_.refuse(flow); });
    return;
  }
  const auto response = soa_answer(primary, decode(octets), true);
  if (!response) return;
  kernel_.after(delay(), Kernel::Kind::network, [this, flow, response = *response] {
    last_word_ = kernel_.now();
    kernel_.send(flow, response);
  });
}

void SimulatedPrimaries::connecting(Flow flow, std::uint16_t port) {
  kernel_.note("connection to " + std::to_string(port));
  const Primary& primary = at(port);
  const bool mute = primary.state == State::silent || (lies(primary) && kernel_.chance(20));
  if (mute) return;
  const bool refused = primary.state == State::refusing || (lies(primary) && kernel_.chance(20));
  connections_[flow].port = port;
  kernel_.after(delay(), Kernel::Kind::network,
                [this, flow, refused] { refused ? kernel_.refuse(flow) : kernel_.accept(flow); });
}

void SimulatedPrimaries::octets(Flow flow, const Bytes& octets) {
  const auto found = connections_.find(flow);
  if (found == connections_.end()) return;
  Bytes& received = found->second.received;
  received.insert(received.end(), octets.begin(), octets.end());
  while (received.size() >= 2) {
    const std::size_t size = 2u + (received[0] << 8 | received[1]);
    if (received.size() < size) return;
    const Bytes query(received.begin() + 2, received.begin() + static_cast<std::ptrdiff_t>(size));
    received.erase(received.begin(), received.begin() + static_cast<std::ptrdiff_t>(size));
    kernel_.note("asked over TCP: " + hex_sum(query));
    const Primary& primary = at(found->second.port);
    if (primary.state == State::up) answer(flow, primary, decode(query));
  }
}

void SimulatedPrimaries::answer(Flow flow, const Primary& primary, const Message& query) {
  const std::uint16_t asked = query.questions.at(0).type;
  if (asked == type::AXFR || asked == type::IXFR) return transfer(flow, primary, query);
  const auto response = soa_answer(primary, query, false);
  if (!response) return;
  Bytes stream;
  append16(stream, static_cast<std::uint16_t>(response->size()));
  stream.insert(stream.end(), response->begin(), response->end());
  deliver(flow, stream, lies(primary));
}

std::vector<Rr> SimulatedPrimaries::zone(std::size_t edition) const {
  std::vector<Rr> records = editions_[edition].records;
  records.push_back(records.front());
  return records;
}

// RFC 1995 4: our SOA, and for each step what goes behind the old SOA, and what comes behind the new one.
SimulatedPrimaries::Differences SimulatedPrimaries::differences(std::size_t from, std::size_t to, bool lie) {
  Differences all;
  const Rr newest = editions_[to].records.front();
  all.records.push_back(newest);
  const bool condensed = kernel_.chance(30);
  const std::uint64_t about = lie ? kernel_.random(6) : 99;
  for (std::size_t step = from; step < to; step = condensed ? to : step + 1) {
    const Edition& before = editions_[step];
    const Edition& after = editions_[condensed ? to : step + 1];
    if (about == 0 && step != from) continue;  // links of the chain are missing behind the first,
    if (about == 5 && step == from && !condensed) continue;  // or the one that leads on from what we have
    const auto lacks = [](const Edition& edition, const Rr& record) {
      return std::find(edition.records.begin(), edition.records.end(), record) == edition.records.end();
    };
    all.records.push_back(before.records.front());
    for (const Rr& record : before.records) {
      if (record.type != type::SOA && lacks(after, record)) all.records.push_back(record);
    }
    if (about == 1) all.records.push_back(rr("h0." + editions_.apex() + " 300 TXT \"never was here\""));
    all.records.push_back(after.records.front());
    if (about == 2) all.records.push_back(rr(editions_.apex() + " 300 NS ns.other."));
    for (const Rr& record : after.records) {
      if (record.type != type::SOA && lacks(before, record)) all.records.push_back(record);
    }
  }
  if (about != 3) all.records.push_back(newest);  // or it ends without
  if (about == 4) all.records.resize(1);          // or it is the SOA alone
  return all;
}

void SimulatedPrimaries::lie_about_zone(std::vector<Rr>& records, const Primary& primary) {
  const std::size_t middle = 1 + kernel_.random(records.size() - 1);
  const auto place = records.begin() + static_cast<std::ptrdiff_t>(middle);
  switch (kernel_.random(7)) {
    case 0:
      records.resize(middle);
      break;
    case 1:  // the zone changed while it was sent
      if (primary.edition > 0) {
        const std::vector<Rr> other = zone(primary.edition - 1);
        records.resize(std::min(middle, records.size()));
        records.insert(records.end(), other.begin() + static_cast<std::ptrdiff_t>(other.size() / 2),
                       other.end());
        if (editions_[primary.edition - 1].serial == editions_[primary.edition].serial) records.pop_back();
      } else {
        records.pop_back();
      }
      break;
    case 2: {
      Rr soa = records.front();
      soa.rdata[soa.rdata.size() - 17] ^= 1;
      records.back() = soa;
      break;
    }
    case 3:
      records.push_back(rr("h1." + editions_.apex() + " 300 TXT \"behind the end\""));
      break;
    case 4: {
      Rr soa = records.front();
      soa.rdata[soa.rdata.size() - 17] ^= 2;
      records.insert(place, soa);
      break;
    }
    case 5:  // no lie: what is outside is dropped
      records.insert(place, rr("outside.other. 300 A 192.0.2.1"));
      break;
    default:  // no lie either: it is the same record
      if (records[middle].type != type::SOA) records.insert(place, Rr(records[middle]));
  }
}

void SimulatedPrimaries::lie_about_messages(std::vector<Reply>& messages) {
  const std::size_t which = kernel_.random(messages.size());
  Reply& message = messages[which];
  switch (kernel_.random(8)) {
    case 0:
      message.flags |= static_cast<std::uint16_t>(1 + kernel_.random(9));
      break;
    case 1:
      message.flags |= 0x0200;
      break;
    case 2:
      message.flags &= 0x7fff;
      break;
    case 3:
      message.id ^= 0x101;
      break;
    case 4:
      message.type = type::A;
      break;
    case 5:
      message.rr_class = 3;
      break;
    case 6:
      message.cut = true;
      break;
    default: {
      Reply empty = message;
      empty.answer.clear();
      messages.insert(messages.begin() + static_cast<std::ptrdiff_t>(which), 40, empty);
    }
  }
}

void SimulatedPrimaries::transfer(Flow flow, const Primary& primary, const Message& query) {
  const Edition& edition = editions_[primary.edition];
  const bool lie = lies(primary);
  const std::uint64_t about = lie ? kernel_.random(3) : 99;  // the records, the messages, or the stream
  std::vector<Rr> records = zone(primary.edition);
  bool whole = true;
  if (query.questions[0].type == type::IXFR) {
    const Bytes& theirs = query.authority.at(0).rdata;
    const std::size_t at = theirs.size() - 20;
    const std::uint32_t serial = static_cast<std::uint32_t>(theirs[at]) << 24 | theirs[at + 1] << 16 |
                                 theirs[at + 2] << 8 | theirs[at + 3];
    std::size_t from = primary.edition;
    while (from > 0 && editions_[from].serial != serial && editions_[from].line == edition.line) --from;
    const bool known = editions_[from].serial == serial && editions_[from].line == edition.line;
    if (serial == edition.serial) {
      records = {edition.records.front()};
      whole = false;
    } else if (known && !editions_[from].unmoved && !kernel_.chance(10)) {
      records = differences(from, primary.edition, about == 0).records;
      whole = false;
    }
  }
  if (about == 0 && whole) lie_about_zone(records, primary);
  std::vector<Reply> messages;
  for (std::size_t next = 0; next < records.size();) {
    const std::size_t count = std::min<std::size_t>(records.size() - next, 1 + kernel_.random(8));
    Reply message = reply_to(query);
    const auto first = records.begin() + static_cast<std::ptrdiff_t>(next);
    message.answer.assign(first, first + static_cast<std::ptrdiff_t>(count));
    messages.push_back(std::move(message));
    next += count;
  }
  if (about == 1) lie_about_messages(messages);
  Bytes stream;
  for (const Reply& message : messages) {
    const Bytes octets = encoded(message);
    append16(stream, static_cast<std::uint16_t>(octets.size()));
    stream.insert(stream.end(), octets.begin(), octets.end());
  }
  deliver(flow, stream, about == 2);
}

// In pieces. The lie is an end before the end: closed, reset, or silence.
void SimulatedPrimaries::deliver(Flow flow, const Bytes& stream, bool lie) {
  const std::size_t end = lie ? kernel_.random(stream.size()) : stream.size();
  Time when = delay();
  for (std::size_t next = 0; next < end;) {
    const std::size_t count =
        std::min<std::size_t>(end - next, 1 + kernel_.random(kernel_.chance(50) ? 4000 : 60));
    const Bytes piece(stream.begin() + static_cast<std::ptrdiff_t>(next),
                      stream.begin() + static_cast<std::ptrdiff_t>(next + count));
    kernel_.after(when, Kernel::Kind::network, [this, flow, piece] {
      last_word_ = kernel_.now();
      kernel_.send(flow, piece);
    });
    when += Time(kernel_.random(kernel_.chance(5) ? 9000 : 30));
    next += count;
  }
  const std::uint64_t how = lie ? kernel_.random(3) : kernel_.random(2) * 2;
  if (how == 0) kernel_.after(when, Kernel::Kind::network, [this, flow] { kernel_.end(flow); });
  if (how == 1) kernel_.after(when, Kernel::Kind::network, [this, flow] { kernel_.reset(flow); });
}

}  // namespace understudy::test
