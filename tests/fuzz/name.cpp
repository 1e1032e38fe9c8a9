// The name codec: wire form, text and key of a name, each from hostile octets, and back again.
#include "dns/name_key.h"
#include "dns/wire_reader.h"
#include "fuzz/fuzz.h"

namespace understudy::fuzz {
namespace {

using dns::Name;

bool exactly(const Name& a, const Name& b) { return same(a.view().octets(), b.view().octets()); }

void check_name(const Name& name) {
  const auto parsed = dns::NameView::parse(name.view().octets());
  check(parsed && parsed->size() == name.size(), "a name that is none");
  const auto again = Name::from_text(dns::to_string(name));
  check(again.has_value() && exactly(*again, name), "text does not lead back to the name");
  const dns::NameKey key(name);
  const auto from_key = dns::name_of_key(key.octets());
  check(from_key && exactly(*from_key, name.lowered()), "the key does not lead back to the name");
  check(dns::key_label_count(key.octets()) == name.view().label_count(), "the key has other labels");
  for (unsigned labels = 0; labels <= name.view().label_count(); ++labels) {
    const dns::NameKey ancestor(name.view().suffix(labels));
    check(same(ancestor.octets(), key.octets().first(key.prefix_size(labels))),
          "an ancestor's key is no prefix");
  }
}

// RFC 4034 6.1, by the plain octets of the keys.
void check_order(const Name& a, const Name& b) {
  const dns::NameKey first(a), second(b);
  const bool before = std::lexicographical_compare(first.octets().begin(), first.octets().end(),
                                                   second.octets().begin(), second.octets().end());
  check((dns::canonical_order(a, b) < 0) == before, "names and keys are in different orders");
  check((a == b) == same(first.octets(), second.octets()), "equal names have different keys");
  check((dns::canonical_order(a, b) == 0) == (a == b), "equal names are in an order");
}

void check_joins(const Name& a, const Name& b) {
  const auto longer = Name::prepend(a.view().first_label(), b);
  if (!a.view().is_root()) {
    check(longer.has_value() == (b.size() + a.view().data()[0] + 1u <= limits::name_octets),
          "prepend and its bound");
    if (longer) check_name(*longer), check(longer->view().is_at_or_below(b), "prepend leaves its parent");
  }
  const auto moved = Name::substitute(a, a.view().parent(), b);
  if (moved) check_name(*moved), check(moved->view().is_at_or_below(b), "substitute misses its target");
}

void check_text(const std::string& text, const Name& origin) {
  const auto name = Name::from_text(text, &origin);
  if (name) check_name(*name);
}

void check_key(const Bytes& octets) {
  const auto name = dns::name_of_key(octets);
  if (name &&
      dns::is_nsec3_key(octets)) {  // stands for a name, but is not the key that the name has as a name
    check_name(*name);
    return;
  }
  if (name) check(same(dns::NameKey(*name).octets(), octets), "octets that are no key have a name");
}

}  // namespace
}  // namespace understudy::fuzz

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace understudy;
  fuzz::Feed feed({data, size});
  const std::size_t at = feed.u8();
  const fuzz::Bytes message(feed.rest().begin(), feed.rest().end());
  dns::WireReader reader(message, at);
  dns::Name first, second;
  if (reader.name(first)) fuzz::check_name(first);
  if (reader.name(second)) fuzz::check_name(second);
  fuzz::check_order(first, second);
  fuzz::check_joins(first, second);
  dns::WireReader skipping(message, at);
  skipping.skip_name();
  fuzz::check_text({message.begin(), message.end()}, first);
  fuzz::check_key(message);
  return 0;
}
