#include "simulation/editions.h"

#include <algorithm>

namespace understudy::test {

namespace {

constexpr unsigned hosts = 6;

}  // namespace

Editions::Editions(Kernel& kernel, std::string apex, SoaTimes times)
    : kernel_(kernel), apex_(std::move(apex)), times_(times) {
  publish(Serial::past_all);
}

std::uint32_t Editions::next_serial(Serial how) {
  std::uint32_t serial = all_.empty() ? highest_ : all_.back().serial;
  switch (how) {
    case Serial::unmoved:
      return serial;
    case Serial::past_all:
      serial = highest_ + 1;
      break;
    case Serial::on:
      serial += 1 + static_cast<std::uint32_t>(kernel_.random(kernel_.chance(5) ? 1'000'000 : 3));
      break;
    case Serial::back:
      serial -= 1 + static_cast<std::uint32_t>(kernel_.random(50));
      break;
  }
  while (used_.contains(serial)) serial += how == Serial::back ? -1u : 1u;
  return serial;
}

void Editions::publish(Serial how) {
  Edition next;
  next.serial = next_serial(how);
  used_.insert(next.serial);
  highest_ = std::max(highest_, next.serial);
  next.unmoved = how == Serial::unmoved && !all_.empty();
  if (!all_.empty()) {
    const bool goes_on = how == Serial::on || (how == Serial::past_all && next.serial > all_.back().serial);
    next.line = all_.back().line + (goes_on ? 0 : 1);
  }
  const std::string mark = std::to_string(all_.size());
  next.records.push_back(rr(apex_ + " 300 SOA ns.other. host.other. " + std::to_string(next.serial) + " " +
                            std::to_string(times_.refresh) + " " + std::to_string(times_.retry) + " " +
                            std::to_string(times_.expire) + " 60"));
  const bool anew = all_.empty() || kernel_.chance(15);
  const unsigned touched = static_cast<unsigned>(kernel_.random(hosts));
  if (anew) {
    next.records.push_back(rr(apex_ + " 300 NS ns.other."));
  } else {
    for (const Rr& record : all_.back().records) {
      if (record.type == type::SOA) continue;
      if (!same(record.owner, name("h" + std::to_string(touched) + "." + apex_)))
        next.records.push_back(record);
    }
  }
  for (unsigned host = 0; host < hosts; ++host) {
    if (!anew && host != touched) continue;
    const std::string owner = "h" + std::to_string(host) + "." + apex_;
    if (!anew && kernel_.chance(20)) continue;  // it is gone
    next.records.push_back(rr(owner + " 300 TXT \"edition " + mark + "\""));
    for (std::uint64_t i = kernel_.random(3); i > 0; --i)
      next.records.push_back(
          rr(owner + " 300 A 192.0." + std::to_string(i) + "." + std::to_string(1 + kernel_.random(200))));
  }
  next.content = normal_set(next.records);
  all_.push_back(std::move(next));
}

std::vector<std::pair<std::string, std::string>> Editions::questions() const {
  std::vector<std::pair<std::string, std::string>> all{{apex_, "SOA"}, {apex_, "NS"}};
  for (unsigned host = 0; host < hosts; ++host) {
    const std::string owner = "h" + std::to_string(host) + "." + apex_;
    all.emplace_back(owner, "TXT");
    all.emplace_back(owner, "A");
  }
  return all;
}

std::optional<std::size_t> Editions::find(const std::vector<Rr>& content) const {
  for (std::size_t i = all_.size(); i > 0; --i) {
    if (all_[i - 1].content == content) return i - 1;
  }
  return std::nullopt;
}

}  // namespace understudy::test
