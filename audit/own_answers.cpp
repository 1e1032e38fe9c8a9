#include "audit/own_answers.h"

namespace understudy::audit {

// No counters: how much clients still ask is to be read from the metrics, and this is no client.
OwnAnswers::OwnAnswers(backend::ZoneTables& tables, std::unique_ptr<backend::Reader> reader)
    : pipeline_(tables, std::move(reader), 0, nullptr, nullptr),
      client_{boost::asio::ip::address_v4::loopback(), metrics::Proto::tcp},
      out_(limits::message_octets) {}

dns::Octets OwnAnswers::answer(dns::Octets query) { return Batch(*this).answer(query); }

// Where the batch could not begin the answer is SERVFAIL, which is unknown.
dns::Octets OwnAnswers::Batch::answer(dns::Octets query) {
  const server::Response response = own_.pipeline_.answer(query, own_.client_, own_.out_);
  if (response.kind != server::Response::Kind::send) return {};
  return dns::Octets(own_.out_).first(response.size);
}

}  // namespace understudy::audit
