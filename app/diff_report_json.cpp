#include <boost/json.hpp>

#include "app/diff_report.h"
#include "app/spool.h"
#include "dns/presentation.h"

namespace understudy::app {
namespace {

namespace json = boost::json;

// The elements of an array, one by one.
class SpooledArray {
 public:
  void add(const json::value& element) {
    if (count_++ > 0) spool_.append(",");
    spool_.append(json::serialize(element));
  }
  Result<> copy_to(std::ostream& out) { return spool_.copy_to(out); }
  bool empty() const { return count_ == 0; }

 private:
  Spool spool_;
  std::uint64_t count_ = 0;
};

json::value side_report(dns::RRType type, const std::optional<audit::Difference::Side>& side) {
  if (!side) return nullptr;
  json::array rdata;
  for (const auto& data : side->rdata) rdata.emplace_back(dns::rdata_text(type, data.octets));
  return json::object{{"ttl", side->ttl}, {"rdata", std::move(rdata)}};
}

class JsonDiff final : public DiffReport {
 public:
  void difference(const audit::Difference& d) override {
    differences_.add(json::object{{"owner", dns::to_string(d.owner)},
                                  {"type", dns::to_string(d.type)},
                                  {"class", audit::to_string(d.what)},
                                  {"a", side_report(d.type, d.a)},
                                  {"b", side_report(d.type, d.b)}});
  }
  void unknown(dns::NameView owner, dns::RRType type, std::string_view why) override {
    unknown_.add(json::object{
        {"owner", dns::to_string(dns::Name(owner).lowered())}, {"type", dns::to_string(type)}, {"why", why}});
  }
  Result<> print(const DiffHead& head, const audit::ZoneDiff::Counts&, const Console& console) override {
    const bool equal = differences_.empty() && unknown_.empty();
    std::ostream& out = console.out;
    out << "{\"zone\":" << json::serialize(json::value(dns::to_string(head.zone.lowered())))
        << ",\"a\":" << json::serialize(json::value(head.a))
        << ",\"b\":" << json::serialize(json::value(head.b)) << ",\"equal\":" << (equal ? "true" : "false")
        << ",\"complete\":" << (head.complete ? "true" : "false") << ",\"unknown\":[";
    if (auto copied = unknown_.copy_to(out); !copied) return copied;
    out << "],\"differences\":[";
    if (auto copied = differences_.copy_to(out); !copied) return copied;
    out << "]}\n";
    return {};
  }

 private:
  SpooledArray differences_, unknown_;
};

}  // namespace

std::unique_ptr<DiffReport> json_diff() { return std::make_unique<JsonDiff>(); }

}  // namespace understudy::app
