#include "audit/name_by_name.h"

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "audit/pacer.h"
#include "audit/rrset_answer.h"
#include "dns/rdata.h"
#include "net/dns_client.h"

namespace understudy::audit {

namespace asio = boost::asio;

using backend::WalkedNode;
using backend::WalkedRecord;
using dns::Record;
using dns::RRType;

namespace {

// Questions under way at once; their owners are what is held.
constexpr std::size_t batch_questions = 64;
// A server that did not answer so often in a row is asked no more.
constexpr unsigned patience = 12;

RRType filed_under(const Record& record) {
  return record.type == RRType::RRSIG ? RRType{dns::load16(record.rdata.data())} : record.type;
}

// One RRset of the known side, and what the server says of it.
struct Asked {
  dns::Name owner;
  RRType type{};
  bool is_orphan = false;  // signatures without what they sign
  RRsetAnswer answer = {};

  // Not every RRset can be had by asking for it.
  bool is_askable() const { return answer.unknown.empty(); }
};

struct Owner {
  std::vector<std::uint8_t> key;
  dns::Name name;
  std::vector<Record> records;
  std::size_t first = 0, count = 0;  // its questions
};

Owner copy(const WalkedNode& node) {
  Owner owner{{node.key.begin(), node.key.end()}, dns::Name(node.owner), {}};
  for (const WalkedRecord& r : node.records) {
    owner.records.push_back({owner.name, r.type, r.ttl, {r.rdata.begin(), r.rdata.end()}});
  }
  return owner;
}

void append(std::vector<WalkedRecord>& out, const Record& record) {
  out.push_back({record.type, record.ttl, record.rdata});
}

class NameByName {
 public:
  NameByName(const NameByNameOptions& options, const NameByNameEvents& events)
      : options_(options), events_(events), pacer_(options.queries_per_second) {}

  Result<> compare(backend::NodeWalk& known, AskedSide side, ZoneDiff& diff) {
    const auto serial = ask_serial();
    if (!serial) return serial.error();
    WalkedNode node;
    for (bool more = true; more;) {
      const auto next = known.next(node);
      if (!next) return next.error();
      more = *next;
      if (more) take(copy(node));
      if (more && questions_.size() < batch_questions) continue;
      ask_all();
      for (const Owner& owner : owners_) settle(owner, side, diff);
      owners_.clear();
      questions_.clear();
    }
    const auto again = ask_serial();
    if (again && *again != *serial) {
      events_.unknown(options_.apex, RRType::SOA,
                      "its serial went from " + std::to_string(*serial) + " to " + std::to_string(*again) +
                          " while it was asked");
    }
    return {};
  }

 private:
  void take(Owner owner) {
    owner.first = questions_.size();
    for (const Record& record : owner.records) {
      const RRType type = filed_under(record);
      if (questions_.size() > owner.first && questions_.back().type == type) continue;
      Asked asked{owner.name, type, record.type == RRType::RRSIG};
      if (type == RRType::NSEC3) {  // RFC 5155 7.2.8: its owner is answered as if it were not there
        asked.answer.unknown = "an NSEC3 record cannot be asked for";
      } else if (asked.is_orphan) {
        asked.answer.unknown = "a signature without what it signs cannot be asked for";
      }
      questions_.push_back(std::move(asked));
    }
    owner.count = questions_.size() - owner.first;
    owners_.push_back(std::move(owner));
  }

  Result<std::uint32_t> ask_serial() {
    Asked soa{options_.apex, RRType::SOA};
    run(ask(&soa));
    const auto& records = soa.answer.records;
    const auto it = std::find_if(records.begin(), records.end(),
                                 [](const Record& record) { return record.type == RRType::SOA; });
    if (it != records.end()) return dns::Soa::of(it->rdata).serial;
    return Error{"name-server",
                 "the name server " + net::to_string(options_.server) + " does not answer for " +
                     dns::to_string(options_.apex) + ": " +
                     (soa.answer.unknown.empty() ? "it has no SOA record of it" : soa.answer.unknown)};
  }

  void ask_all() { run(ask_paced()); }

  void run(asio::awaitable<void> coroutine) {
    spawn(std::move(coroutine));
    context_.restart();
    context_.run();
    if (thrown_) std::rethrow_exception(thrown_);
  }
  void spawn(asio::awaitable<void> coroutine) {
    asio::co_spawn(context_, std::move(coroutine), [this](std::exception_ptr thrown) {
      if (thrown) thrown_ = std::move(thrown);
    });
  }

  asio::awaitable<void> ask_paced() {
    constexpr auto as_values = asio::as_tuple(asio::use_awaitable);
    asio::steady_timer timer(context_);
    for (Asked& question : questions_) {
      if (!question.is_askable()) continue;
      timer.expires_at(pacer_.due());
      co_await timer.async_wait(as_values);
      if (silent_in_a_row_ >= patience) {
        question.answer.unknown = "not asked: the server had fallen silent";
        continue;
      }
      pacer_.sent(std::chrono::steady_clock::now());
      spawn(ask(&question));
    }
  }

  asio::awaitable<void> ask(Asked* question) {
    net::AskOptions ask_options;
    ask_options.udp_tries = 2;
    ask_options.timeout = options_.timeout;
    net::Message query = net::make_query(question->owner, question->type, {false, true, true});
    auto asking = net::ask(options_.server, std::move(query), ask_options);
    const Result<net::ServerResponse> response = co_await std::move(asking);
    if (response) {
      pacer_.answered();
      silent_in_a_row_ = 0;
      question->answer = read_rrset_answer(options_.apex, question->owner, question->type, response->octets);
    } else {
      pacer_.unanswered();
      ++silent_in_a_row_;
      question->answer.unknown = response.error().message;
    }
    if (events_.progress) events_.progress(++asked_);
  }

  // The server's records in the order of a walk, and the known ones without those of which nothing is known.
  void settle(const Owner& owner, AskedSide side, ZoneDiff& diff) {
    WalkedNode known{owner.key, owner.name, {}}, heard{owner.key, owner.name, {}};
    for (std::size_t i = owner.first; i < owner.first + owner.count; ++i) {
      Asked& question = questions_[i];
      if (!question.answer.unknown.empty()) {
        events_.unknown(owner.name, question.is_orphan ? RRType::RRSIG : question.type,
                        question.answer.unknown);
        continue;
      }
      for (const Record& record : owner.records) {
        if (filed_under(record) == question.type) append(known.records, record);
      }
      std::vector<Record>& records = question.answer.records;
      std::sort(records.begin(), records.end(), [this](const Record& a, const Record& b) {
        if (a.type != b.type) return b.type == RRType::RRSIG;
        return dns::canonical_rdata_order(a.type, a.rdata, b.rdata, scratch_) < 0;
      });
      for (const Record& record : records) append(heard.records, record);
    }
    const WalkedNode* const ours = known.records.empty() ? nullptr : &known;
    const WalkedNode* const theirs = heard.records.empty() ? nullptr : &heard;
    if (ours == nullptr) return;
    side == AskedSide::b ? diff.owner(ours, theirs) : diff.owner(theirs, ours);
  }

  const NameByNameOptions& options_;
  const NameByNameEvents& events_;
  asio::io_context context_;
  std::exception_ptr thrown_;
  Pacer pacer_;
  unsigned silent_in_a_row_ = 0;
  std::uint64_t asked_ = 0;
  std::vector<Owner> owners_;
  std::vector<Asked> questions_;
  std::vector<std::uint8_t> scratch_;
};

}  // namespace

Result<> compare_name_by_name(const NameByNameOptions& options, backend::NodeWalk& known, AskedSide asked,
                              ZoneDiff& diff, const NameByNameEvents& events) {
  return NameByName(options, events).compare(known, asked, diff);
}

}  // namespace understudy::audit
