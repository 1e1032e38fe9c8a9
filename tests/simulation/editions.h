// What a simulated primary ever published: the editions of one small zone, in the order of publication.
//
// Everything that may be served is one of them, whole. Plain values.
#pragma once

#include <optional>
#include <set>

#include "simulation/kernel.h"

namespace understudy::test {

struct Edition {
  std::uint32_t serial = 0;
  std::vector<Rr> records;  // the SOA first, the others in no order
  std::vector<Rr> content;  // the same, so that equal content compares equal
  unsigned line = 0;        // serials went on since the first of its line
  bool unmoved = false;     // its serial is the one of the edition before
};

struct SoaTimes {
  std::uint32_t refresh = 300, retry = 60, expire = 3600;
};

class Editions {
 public:
  Editions(Kernel& kernel, std::string apex, SoaTimes times);

  enum class Serial { on, unmoved, back, past_all };
  void publish(Serial serial);

  std::size_t size() const { return all_.size(); }
  const Edition& operator[](std::size_t index) const { return all_[index]; }
  const Edition& newest() const { return all_.back(); }
  const std::string& apex() const { return apex_; }
  // Every owner and type that any edition may have.
  std::vector<std::pair<std::string, std::string>> questions() const;
  // Which edition is exactly this; the newest, where several are.
  std::optional<std::size_t> find(const std::vector<Rr>& content) const;

 private:
  std::uint32_t next_serial(Serial how);

  Kernel& kernel_;
  const std::string apex_;
  const SoaTimes times_;
  std::vector<Edition> all_;
  std::set<std::uint32_t> used_;
  std::uint32_t highest_ = 1000;
};

}  // namespace understudy::test
