// Versions of zones written as text, for the tests that walk them.
#pragma once

#include <stdexcept>

#include "backend/sorted_walk.h"
#include "support/test_mirror.h"

namespace understudy::test {

// Records in any order, as a walk.
class TextWalk {
 public:
  explicit TextWalk(const std::vector<Rr>& records)
      : sorter_(std::make_unique<backend::RecordSorter>(directory_.path())) {
    for (const Rr& record : records) {
      Bytes wire;
      append_name(wire, record.owner);
      const dns::NameView owner = dns::NameView::parse(wire).value();
      check(sorter_->add(dns::NameKey(owner), {owner, dns::RRType{record.type}, record.ttl, record.rdata}));
    }
    check(sorter_->finish());
    walk_ = backend::walk_sorted(*sorter_);
  }
  explicit TextWalk(std::string_view lines) : TextWalk(rrs(lines)) {}
  operator backend::NodeWalk&() { return *walk_; }

 private:
  static void check(const Result<>& done) {
    if (!done) throw std::runtime_error(done.error().message);
  }
  TemporaryDirectory directory_;
  std::unique_ptr<backend::RecordSorter> sorter_;
  std::unique_ptr<backend::NodeWalk> walk_;
};

}  // namespace understudy::test
