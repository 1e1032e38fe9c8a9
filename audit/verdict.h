// The verdict over two answers to one question: A is the mirror's, B the address's.
//
// Pure; any thread.
#pragma once

#include "audit/comparison.h"
#include "audit/normal_answer.h"

namespace understudy::audit {

struct Judgement {
  Verdict verdict = Verdict::unknown;
  Class difference{};        // of a mismatch
  std::string why;           // of unknown
  bool serial_only = false;  // unknown only because two SOA records differ in nothing but their serial
};

// `dnssec`: both were asked with DO, so that signatures, DS sets and proofs of denial count.
Judgement judge(const Question& question, const NormalAnswer& ours, const NormalAnswer& theirs, bool dnssec);

// An answer as people read it.
Side describe(const Question& question, const NormalAnswer& answer);

}  // namespace understudy::audit
