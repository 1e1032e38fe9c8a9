// A zone at one address, for the tests of passes: what is asked of it, and answers made by hand.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "audit/zone_pass.h"
#include "support/test_mirror.h"
#include "unit/audit/replies.h"

namespace understudy::test {

using namespace std::chrono_literals;
using audit::Class;
using audit::Instant;
using audit::QuestionWalk;
using audit::ZonePass;

inline const std::string zone_lines =
    "example. 3600 SOA ns1.example. admin.example. 7 3600 600 86400 300\n"
    "example. 3600 NS ns1.example.\n"
    "ns1.example. 60 A 192.0.2.53\n"
    "www.example. 60 A 192.0.2.1\n"
    "www.example. 60 TXT \"a\"\n"
    "c.example. 60 CNAME www.example.\n"
    "a.ent.example. 60 A 192.0.2.2\n"
    "*.w.example. 60 A 192.0.2.3\n"
    "sub.example. 60 NS ns.sub.example.\n"
    "sub.example. 60 A 192.0.2.4\n"
    "ns.sub.example. 60 A 192.0.2.5\n"
    "d.example. 60 DNAME www.example.\n"
    "under.d.example. 60 A 192.0.2.6\n";

inline std::string text(const audit::Question& q) {
  return (q.random_label ? "? " + to_string(dns::Name(q.name.view().parent())) : to_string(q.name)) + " " +
         to_string(q.type);
}

// clang-format off
inline const std::multiset<std::string> expected_questions = {
    "example. SOA", "example. NS", "example. A", "? example. A", "example. NAPTR",  // it has no A and no NAPTR
    "example. DNSKEY", "example. CDS", "example. DS",
    "ns1.example. A", "ns1.example. AAAA",
    "www.example. A", "www.example. TXT", "www.example. AAAA",
    "c.example. CNAME", "c.example. A",
    "ent.example. A", "ent.example. NAPTR", "? ent.example. A", "a.ent.example. A", "a.ent.example. AAAA",
    "w.example. A", "w.example. NAPTR", "*.w.example. A", "*.w.example. AAAA", "? w.example. A",
    "sub.example. NS", "sub.example. DS",  // and nothing of what is below the cut, glue at the cut included
    "d.example. DNAME", "d.example. A", "? d.example. A",  // under.d.example. is occluded
};
// clang-format on

// A zone at one address, without a network: `theirs` says what the address answers.
class Passes : public ::testing::Test {
 protected:
  static constexpr auto confirm_after = 5000ms;

  static audit::PassOptions every_hour() { return {1h, confirm_after, 600s, 24h, false, {}}; }
  static audit::PassOptionsPtr shared(audit::PassOptions options) {
    return std::make_shared<const audit::PassOptions>(std::move(options));
  }

  explicit Passes(const audit::PassOptions& options = every_hour())
      : mirror_({zone("example.", zone_lines)}),
        reader_(std::move(*mirror_.mirror().reader())),
        pass_(product_name("example."), {}, shared(options), 1) {
    pass_.heard_serial(7, now_.steady);
  }

  // Our own answer, but for the names in theirs_.
  audit::NormalAnswer ours(const audit::Question& q) {
    Query query;
    query.name = name(to_string(q.name));
    query.type = static_cast<std::uint16_t>(q.type);
    return audit::normalise(product_name("example."), q,
                            *mirror_.exchange(encode(query), metrics::Proto::tcp));
  }
  audit::NormalAnswer theirs(const audit::Question& q) {
    if (silent_) return audit::no_answer("timeout");
    if (const auto pool = pools_.find(text(q)); pool != pools_.end()) {
      const Reply& reply = pool->second[pool_turn_++ % pool->second.size()];
      return audit::normalise(
          product_name("example."), q,
          response(to_string(q.name), type_text(static_cast<std::uint16_t>(q.type)), reply));
    }
    const auto it = theirs_.find(text(q));
    if (it == theirs_.end()) return ours(q);
    return audit::normalise(
        product_name("example."), q,
        response(to_string(q.name), type_text(static_cast<std::uint16_t>(q.type)), it->second));
  }

  // Lets whatever differs be asked again until that is settled; how many questions that were.
  int confirm() {
    int asked = 0;
    for (int i = 0; i < 100 && pass_.due() <= now_.steady + confirm_after; ++i) {
      now_.steady = std::max(now_.steady, pass_.due());
      asked += run();
    }
    return asked;
  }
  // Asks whatever may be asked now; how many questions that were.
  int run() {
    int count = 0;
    for (;; ++count) {
      const auto ask = pass_.take(*reader_, now_).value();
      if (!ask) return count;
      asked_.insert(text(ask->question));
      pass_.settle(*ask, ours(ask->question), theirs(ask->question), now_);
    }
  }
  void wait(std::chrono::nanoseconds time) {
    now_.steady += time;
    now_.wall += std::chrono::duration_cast<Seconds>(time).count();
  }
  std::vector<audit::Mismatch> mismatches() const {
    std::vector<audit::Mismatch> out;
    pass_.append_mismatches(out);
    return out;
  }

  TestMirror mirror_;
  std::unique_ptr<backend::Reader> reader_;
  Instant now_{SteadyTime{1h}, 1'000'000};
  ZonePass pass_;
  std::map<std::string, Reply> theirs_;
  std::map<std::string, std::vector<Reply>> pools_;  // answered in turn
  std::size_t pool_turn_ = 0;
  std::multiset<std::string> asked_;
  bool silent_ = false;
};

// With so many names below many.example. whose addresses differ, which is expected.
class ManyExpected : public Passes {
 protected:
  explicit ManyExpected(std::size_t names) : Passes(expecting()) {
    std::string lines = zone_lines;
    for (std::size_t i = 0; i < names; ++i) {
      const std::string owner = "n" + std::to_string(i) + ".many.example.";
      lines += owner + " 60 A 192.0.2.1\n";
      theirs_[owner + " A"] = {.answer = owner + " 60 A 198.51.100.1"};
    }
    mirror_.serve({zone("example.", lines)});
  }

 private:
  static audit::PassOptions expecting() {
    audit::PassOptions options = every_hour();
    audit::Expectation many;
    std::tie(many.name, many.below) = audit::parse_owner_pattern("*.many.example").value();
    options.expectations = std::make_shared<const audit::Expectations>(audit::Expectations{many});
    return options;
  }
};

}  // namespace understudy::test
