// From a question to an Answer: RFC 1034 4.3.2 with RFC 2308, 4035, 4592, 6672 and 8482, over one zone's live
// generation.
//
// Pure but for the reader; no heap. Belongs to a pipeline's thread.
#pragma once

#include "backend/lookup.h"
#include "server/answer.h"

namespace understudy::server {

struct AnswererInput {
  backend::Reader& reader;
  backend::Generation generation;
  NameView apex;
  const dns::Question& question;
  bool dnssec_ok;
  bool minimal =
      true;  // no addresses beside answers, but where the RFC of the type has them in view (SVCB, HTTPS)
};

// Fills a cleared `answer`.
void decide_answer(const AnswererInput& input, Answer& answer);

}  // namespace understudy::server
