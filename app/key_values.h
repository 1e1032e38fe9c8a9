// What a [[key]] table is read into: the parts of a TSIG key while the table is read, and the key in the end.
// Pure but for reading the file of a secret; at start only.
#pragma once

#include <optional>
#include <string>

#include "dns/tsig_key.h"

namespace understudy::app {

struct KeyDraft {
  std::optional<dns::Name> name;
  bool name_given = false;  // though perhaps wrong
  dns::TsigAlgorithm algorithm = dns::TsigAlgorithm::hmac_sha256;
  std::optional<std::string> secret;  // base64
  bool two_secrets = false, secret_unread = false;
};

Result<dns::TsigAlgorithm> parse_key_algorithm(const std::string& text);

// The text of a file that holds a secret. Everybody on the machine may read it: an error, since then it is
// none.
Result<std::string> read_secret_file(const std::string& path);

// The draft's key, into `keys`. Errors name the key and say what to do; none tells anything of the secret.
Result<> add_key(const KeyDraft& draft, dns::TsigKeyRing& keys);

}  // namespace understudy::app
