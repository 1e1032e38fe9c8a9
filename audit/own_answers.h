// Our side of every comparison: the real query pipeline, in process, without sockets.
//
// Belongs to one thread. Answers as over TCP, so that nothing is truncated.
#pragma once

#include "server/query_pipeline.h"

namespace understudy::audit {

class OwnAnswers {
 public:
  OwnAnswers(backend::ZoneTables& tables, std::unique_ptr<backend::Reader> reader);

  // The response to a query, from the newest committed state; empty where there is none. Valid until the next
  // call.
  dns::Octets answer(dns::Octets query);

  // Many answers from one state.
  class Batch {
   public:
    explicit Batch(OwnAnswers& own) : own_(own) { own_.pipeline_.begin_batch(); }
    ~Batch() { own_.pipeline_.end_batch(); }
    Batch(const Batch&) = delete;
    Batch& operator=(const Batch&) = delete;
    dns::Octets answer(dns::Octets query);

   private:
    OwnAnswers& own_;
  };

 private:
  server::QueryPipeline pipeline_;
  server::Client client_;
  std::vector<std::uint8_t> out_;
};

}  // namespace understudy::audit
