#include "audit/comparison.h"

namespace understudy::audit {

std::string_view to_string(Class c) {
  switch (c) {
    case Class::delegation:
      return "delegation";
    case Class::wildcard:
      return "wildcard";
    case Class::missing:
      return "missing";
    case Class::extra:
      return "extra";
    case Class::rcode:
      return "rcode";
    case Class::rdata:
      return "rdata";
    case Class::ttl:
      return "ttl";
    case Class::dnssec:
      return "dnssec";
    case Class::negative_ttl:
      return "negative_ttl";
    case Class::flags:
      return "flags";
  }
  return "";
}

std::string_view to_string(Verdict v) {
  switch (v) {
    case Verdict::match:
      return "match";
    case Verdict::mismatch:
      return "mismatch";
    case Verdict::dynamic:
      return "dynamic";
    case Verdict::unknown:
      return "unknown";
  }
  return "";
}

}  // namespace understudy::audit
