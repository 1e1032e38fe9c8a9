// One question of a comparison. A plain value.
#pragma once

#include "dns/name.h"
#include "dns/types.h"

namespace understudy::audit {

struct Question {
  dns::Name name;
  dns::RRType type{};
  // The name was made up, below this owner of the mirror: `name` is another one in every pass.
  bool random_label = false;
  // The owner is known not to have this type: asked to find what only the address has, and an address that
  // says there is no such name because there is no such type (RFC 4074 4.2): resolvers then forget all of the
  // name's types (RFC 8020). All else that its answer could show is asked at places where it is told once.
  bool absent_type = false;
  // What the question is about, the same in every pass: the owner, or the wildcard or apex of a made-up name.
  dns::Name subject;
};

}  // namespace understudy::audit
