#include "server/query_pipeline.h"

#include <algorithm>

#include "server/answerer.h"
#include "server/edns_options.h"
#include "server/small_differences.h"

namespace understudy::server {

using backend::Service;
using backend::ZoneEntry;
using dns::ExtendedError;
using dns::Opcode;
using dns::QueryFault;
using dns::Rcode;

struct QueryPipeline::Impl {
  Impl(backend::ZoneTables& tables, std::unique_ptr<backend::Reader> given, unsigned worker_number,
       metrics::WorkerCounters* cells, backend::NotifySink* sink, const PipelineOptions& options,
       const Clock* given_clock)
      : pin(tables),
        reader(std::move(given)),
        worker(worker_number),
        counters(cells),
        notify(sink),
        clock(given_clock != nullptr ? *given_clock : system_clock),
        edns(options.nsid, options.cookies),
        limiter(options.rate_limit),
        chaos(options.chaos),
        minimal_answers(options.minimal_answers),
        keys(options.keys),
        signer(clock) {}

  // The state of one query.
  struct Job {
    Octets octets;
    const Client& client;
    std::span<std::uint8_t> out;
    dns::Query query = {};
    OptionsAsked edns = {};
    std::optional<ExtendedError> extended_error = {};
    bool with_tsig = false;  // the response has a TSIG record, which `signer` makes

    // What the client has shown of itself.
    net::Caller caller(const dns::TsigSigner& signer) const {
      return {client.address, with_tsig ? signer.key_name() : nullptr, client.tls};
    }
  };

  Response run(Job& job);
  std::optional<Response> refuse_signature(Job& job);
  Response handle_query(Job& job);
  Response handle_chaos(Job& job);
  Response handle_notify(Job& job);
  Response handle_transfer(Job& job, const ZoneEntry& zone);
  Response transfer(const Job& job, const ZoneEntry& zone) const;
  void try_differences(Job& job, const ZoneEntry& zone);
  const ZoneEntry* zone_for(const dns::Question& question) const;
  bool decide(Job& job, const ZoneEntry& zone);
  void tell(Job& job, const ZoneEntry& zone, backend::Generation generation);
  std::size_t limit_of(const Job& job) const;
  Response send(Job& job);
  std::size_t encode(Job& job);
  Response fail(Job& job, Rcode rcode, std::optional<ExtendedError> error = std::nullopt);
  Response fail_header(Job& job, Rcode rcode);
  void count(const Job& job) const;

  const SystemClock system_clock;
  backend::ZoneTables::Pin pin;
  const backend::ZoneTable* table = nullptr;
  std::unique_ptr<backend::Reader> reader;
  std::uint64_t commit = 0;
  bool readable = false;
  const unsigned worker;
  metrics::WorkerCounters* const counters;
  backend::NotifySink* const notify;
  const Clock& clock;
  const EdnsResponder edns;
  RateLimiter limiter;
  SteadyTime batch_began;  // where rates are limited
  const Chaos chaos;
  const bool minimal_answers;
  dns::TsigKeyRingPtr keys;
  dns::TsigSigner signer;  // of the query at hand, where it has a TSIG record
  Answer answer;
  EncodeScratch scratch;
  SmallDifferences differences;
};

QueryPipeline::QueryPipeline(backend::ZoneTables& tables, std::unique_ptr<backend::Reader> reader,
                             unsigned worker, metrics::WorkerCounters* counters, backend::NotifySink* notify,
                             const PipelineOptions& options, const Clock* clock)
    : impl_(std::make_unique<Impl>(tables, std::move(reader), worker, counters, notify, options, clock)) {}

QueryPipeline::~QueryPipeline() = default;

bool QueryPipeline::begin_batch() {
  // The table first: a publication that it does not know yet is looked up by commit anyway, and a zone that
  // is gone from it must not be asked for.
  impl_->table = &impl_->pin.acquire();
  const auto renewed = impl_->reader->renew();
  impl_->readable = renewed.has_value();
  impl_->commit = renewed ? *renewed : 0;
  if (impl_->limiter.enabled()) impl_->batch_began = impl_->clock.steady();
  return impl_->readable;
}

void QueryPipeline::end_batch() {
  impl_->reader->reset();
  impl_->pin.release();
  impl_->table = nullptr;
}

void QueryPipeline::believe(dns::TsigKeyRingPtr keys) { impl_->keys = std::move(keys); }

Response QueryPipeline::answer(Octets query, const Client& client, std::span<std::uint8_t> out) {
  Impl::Job job{query, client, out};
  return impl_->run(job);
}

void QueryPipeline::Impl::count(const Job& job) const {
  if (counters == nullptr) return;
  const auto family = job.client.address.is_v6() ? metrics::Family::ipv6 : metrics::Family::ipv4;
  const bool asked = job.query.question_end > dns::header_octets;
  counters->count_request(job.client.proto, family,
                          asked ? static_cast<std::uint16_t>(job.query.question.type) : 0);
}

// The order of checks is that of RFC 8906 and 6891: header, opcode, question, EDNS version, then the data.
Response QueryPipeline::Impl::run(Job& job) {
  const QueryFault fault = dns::parse_query(job.octets, job.query);
  if (fault == QueryFault::ignore) {
    if (counters != nullptr) {
      counters->drop(job.octets.size() < dns::header_octets ? metrics::Dropped::malformed
                                                            : metrics::Dropped::response);
    }
    return {};
  }
  count(job);
  answer.clear();
  const Opcode opcode = job.query.header.opcode();
  // RFC 2136 3.3: updates are for the primary, and it does not take them from here.
  if (opcode == Opcode::update) return fail_header(job, Rcode::refused);
  if (opcode != Opcode::query && opcode != Opcode::notify) return fail_header(job, Rcode::notimp);
  if (fault == QueryFault::bad_edns) {
    job.query.edns.reset();
    return fail(job, Rcode::formerr);
  }
  if (fault == QueryFault::formerr) return fail_header(job, Rcode::formerr);
  if (job.query.tsig_at != 0) {
    if (const auto refused = refuse_signature(job)) return *refused;
  }
  // RFC 6891 6.1.3: a version that we do not know is answered with the one that we do.
  if (job.query.edns && job.query.edns->version != 0) return fail(job, Rcode::badvers);
  if (job.query.edns && !job.query.edns->options.empty() &&
      !edns.read(job.query.edns->options, job.client.address, clock, job.edns))
    return fail(job, Rcode::formerr);
  // RFC 7873 5.4: no question, but a cookie to be had.
  if (fault == QueryFault::no_question) {
    if (job.edns.cookie == CookieStanding::none) return fail_header(job, Rcode::formerr);
    const bool has_server_part = job.edns.cookie_data.size() > Cookies::client_part_octets;
    return has_server_part && job.edns.cookie != CookieStanding::valid ? fail(job, Rcode::badcookie)
                                                                       : send(job);
  }
  return opcode == Opcode::notify ? handle_notify(job) : handle_query(job);
}

// RFC 8945 5.2: before anything is done for the client. From here on the response has a TSIG record.
std::optional<Response> QueryPipeline::Impl::refuse_signature(Job& job) {
  using Verdict = dns::TsigSigner::Verdict;
  const Verdict verdict = signer.check(job.octets, job.query.tsig_at, keys.get());
  constexpr std::size_t opt_octets = 11;
  // Names of 255 octets, say: what leaves no room for a signature beside the question cannot be answered with
  // one.
  const std::size_t rest =
      job.query.question_end + (job.query.edns ? opt_octets + ResponseOptions::capacity : 0);
  if (verdict == Verdict::formerr || limit_of(job) < rest + signer.octets())
    return fail_header(job, Rcode::formerr);
  job.with_tsig = true;
  if (verdict == Verdict::notauth) return fail(job, Rcode::notauth);
  return std::nullopt;
}

// Of the response without its TSIG record.
std::size_t QueryPipeline::Impl::limit_of(const Job& job) const {
  const std::size_t signature = job.with_tsig ? signer.octets() : 0;
  if (job.client.proto != metrics::Proto::udp)
    return std::min(job.out.size(), limits::message_octets) - signature;
  std::size_t limit = limits::udp_octets_without_edns;
  // RFC 6891 6.2.3: sizes below 512 mean 512. RFC 9715: and never more than what is not fragmented.
  if (job.query.edns) limit = std::clamp<std::size_t>(job.query.edns->udp_size, limit, limits::udp_octets);
  return std::min(job.out.size(), limit) - signature;
}

Response QueryPipeline::Impl::send(Job& job) {
  if (limiter.enabled() && job.client.proto == metrics::Proto::udp &&
      job.edns.cookie != CookieStanding::valid) {
    const bool knows_cookies = job.edns.cookie != CookieStanding::none;
    if (!limiter.admit(job.client.address, knows_cookies, batch_began, answer, counters)) return {};
  }
  std::size_t size = encode(job);
  if (job.with_tsig) size = signer.sign(job.out, size);
  if (counters != nullptr) counters->count_response(static_cast<std::uint16_t>(answer.rcode));
  const bool edns_asked = job.query.edns.has_value();
  return {Response::Kind::send, size, nullptr, edns_asked ? job.query.edns->options : Octets{}};
}

std::size_t QueryPipeline::Impl::encode(Job& job) {
  ResponseFrame frame;
  frame.query = job.octets;
  frame.question_end = job.query.question_end;
  frame.question_name = job.query.question.name;
  frame.edns = job.query.edns.has_value();
  frame.dnssec_ok = frame.edns && job.query.edns->dnssec_ok;
  ResponseOptions options;
  const auto error = answer.extended_error ? answer.extended_error : job.extended_error;
  if (frame.edns) edns.answer(job.edns, job.client.address, error, options);
  frame.options = options.octets();
  return encode_answer(answer, frame, scratch, job.out.first(limit_of(job)));
}

Response QueryPipeline::Impl::fail(Job& job, Rcode rcode, std::optional<ExtendedError> error) {
  answer.clear();
  answer.rcode = rcode;
  job.extended_error = error;
  return send(job);
}

// For queries whose question is not understood: nothing but the header goes back (RFC 8906 3.1.4).
Response QueryPipeline::Impl::fail_header(Job& job, Rcode rcode) {
  job.query.question_end = dns::header_octets;
  job.query.edns.reset();
  return fail(job, rcode);
}

const ZoneEntry* QueryPipeline::Impl::zone_for(const dns::Question& question) const {
  const ZoneEntry* zone = table->find(question.name);
  if (zone == nullptr || question.type != dns::RRType::DS || question.name.view().is_root()) return zone;
  // RFC 4035 3.1.4.1: a DS lives in the parent zone, where we serve it.
  if (!zone->apex().equals(question.name)) return zone;
  const ZoneEntry* parent = table->find(question.name, zone->apex().label_count() - 1);
  return parent != nullptr ? parent : zone;
}

Response QueryPipeline::Impl::handle_query(Job& job) {
  const dns::Question& question = job.query.question;
  if (!readable) return fail(job, Rcode::servfail);
  if (question.qclass != dns::RRClass::IN) return handle_chaos(job);
  // An OPT or a TSIG is no question (RFC 6891 6.1.1, RFC 8945 5.1); TKEY is not offered.
  if (question.type == RRType::OPT || question.type == RRType::TSIG) return fail(job, Rcode::formerr);
  if (question.type == RRType::TKEY) return fail(job, Rcode::notimp);
  const ZoneEntry* zone = zone_for(question);
  if (zone == nullptr) return fail(job, Rcode::refused, ExtendedError::not_authoritative);
  // RFC 9432 7: what a catalog lists is not everybody's business.
  if (zone->policy().allow_query && !net::any_allows(*zone->policy().allow_query, job.caller(signer))) {
    return fail(job, Rcode::refused, ExtendedError::prohibited);
  }
  if (counters != nullptr) zone->count_request(worker);
  if (question.type == RRType::AXFR || question.type == RRType::IXFR) return handle_transfer(job, *zone);
  decide(job, *zone);
  return send(job);
}

Response QueryPipeline::Impl::handle_chaos(Job& job) {
  const dns::Question& question = job.query.question;
  if (question.qclass == dns::RRClass::CH && chaos.answer(question, answer)) return send(job);
  return fail(job, Rcode::refused, ExtendedError::not_supported);
}

// What EXPIRE and ZONEVERSION speak of: the zone that encloses the name asked, as of the version that
// answers.
void QueryPipeline::Impl::tell(Job& job, const ZoneEntry& zone, backend::Generation generation) {
  dns::NameKey key(zone.apex());
  backend::FoundNode apex;
  if (!reader->find_exact(generation, key, key.size(), apex)) return;
  const auto record = apex.node.find(RRType::SOA);
  if (!record || record->size() == 0) return;
  const dns::Soa soa = dns::Soa::of(record->first_rdata());
  job.edns.zone = OptionsAsked::Zone{key.label_count(), soa.serial, {}};
  // RFC 7314 2: for SOA, IXFR and AXFR (which were turned into SOA here).
  if (!job.edns.expire || job.query.question.type != RRType::SOA) return;
  if (!zone.apex().equals(job.query.question.name)) return;
  // 3.2: a secondary tells what is left of its timer; 3.1: who has no timer is as good as the primary.
  const auto timers = reader->timers(zone.id());
  if (!timers || timers->expires == 0) {
    job.edns.zone->expire = soa.expire;
  } else {
    const UnixTime left = std::clamp<UnixTime>(timers->expires - clock.wall(), 0, UINT32_MAX);
    job.edns.zone->expire = static_cast<std::uint32_t>(left);
  }
}

// Fills `answer` from the zone's live generation; false where there is none to ask.
bool QueryPipeline::Impl::decide(Job& job, const ZoneEntry& zone) {
  const Service service = zone.service();
  const auto live = zone.live(commit, *reader);
  if (service == Service::no_data || live.generation == 0) {
    answer.rcode = Rcode::servfail;
    job.extended_error = ExtendedError::not_ready;
    return false;
  }
  if (service == Service::expired) {
    answer.rcode = Rcode::servfail;
    job.extended_error = ExtendedError::invalid_data;
    return false;
  }
  if (service == Service::stale) job.extended_error = ExtendedError::stale_answer;
  const bool dnssec_ok = job.query.edns && job.query.edns->dnssec_ok;
  decide_answer({*reader, live.generation, zone.apex(), job.query.question, dnssec_ok, minimal_answers},
                answer);
  if (job.edns.zone_version || job.edns.expire) tell(job, zone, live.generation);
  return true;
}

Response QueryPipeline::Impl::handle_transfer(Job& job, const ZoneEntry& zone) {
  dns::Question& question = job.query.question;
  if (!zone.apex().equals(question.name)) return fail(job, Rcode::notauth, ExtendedError::not_authoritative);
  if (!net::any_allows(zone.policy().allow_transfer, job.caller(signer)) || !job.client.may_transfer) {
    return fail(job, Rcode::refused, ExtendedError::prohibited);
  }
  const bool incremental = question.type == RRType::IXFR;
  if (incremental && !job.query.serial) return fail(job, Rcode::formerr);
  // RFC 5936 4.2: AXFR over UDP is not defined.
  if (!incremental && job.client.proto == metrics::Proto::udp) return fail(job, Rcode::formerr);
  // The SOA tells whether there is anything to send.
  question.type = RRType::SOA;
  if (!decide(job, zone) || answer.size() == 0) return send(job);
  if (!incremental) return transfer(job, zone);
  AnswerEntry soa = answer[0];
  soa.with_signatures = false;
  const dns::Serial ours(dns::Soa::of(soa.rrset.first_rdata()).serial);
  const bool newer = ours.is_newer_than(dns::Serial(*job.query.serial));
  if (newer && job.client.proto != metrics::Proto::udp) return transfer(job, zone);
  // RFC 1995 2: the SOA alone says that the client is current, or that it must come back over TCP.
  answer.only(soa);
  if (newer) try_differences(job, zone);
  return send(job);
}

Response QueryPipeline::Impl::transfer(const Job& job, const ZoneEntry& zone) const {
  Response response{Response::Kind::transfer, 0, &zone, {}, job.with_tsig ? &signer : nullptr};
  if (job.edns.zone) response.expire = job.edns.zone->expire;
  return response;
}

// RFC 1995 2: over UDP they are sent where all of them fit into one message.
void QueryPipeline::Impl::try_differences(Job& job, const ZoneEntry& zone) {
  const AnswerEntry soa = answer[0];
  const auto live = zone.live(commit, *reader);
  if (!differences.add(*reader, zone.id(), live.version, *job.query.serial, answer)) return;
  encode(job);
  if ((dns::load16(job.out.data() + 2) & dns::flag::tc) != 0) answer.only(soa);
}

// RFC 1996 3: from the zone's sources and allow-notify only.
Response QueryPipeline::Impl::handle_notify(Job& job) {
  const dns::Question& question = job.query.question;
  if (question.type != RRType::SOA || question.qclass != dns::RRClass::IN) return fail(job, Rcode::formerr);
  const ZoneEntry* zone = table->find_exact(question.name);
  if (zone == nullptr) return fail(job, Rcode::notauth, ExtendedError::not_authoritative);
  if (notify == nullptr || !net::any_allows(zone->policy().allow_notify, job.caller(signer)))
    return fail(job, Rcode::refused, ExtendedError::prohibited);
  notify->notified(*zone, job.client.address, job.query.serial);
  answer.authoritative = true;
  return send(job);
}

}  // namespace understudy::server
