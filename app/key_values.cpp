#include "app/key_values.h"

#include <sys/stat.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>

namespace understudy::app {
namespace {

Error wrong(std::string message) { return {"configuration", std::move(message)}; }

}  // namespace

Result<dns::TsigAlgorithm> parse_key_algorithm(const std::string& text) {
  if (const auto algorithm = dns::parse_tsig_algorithm(text)) return *algorithm;
  return wrong(
      '"' + text +
      "\" is no algorithm that is known here: write hmac-sha256 (best known everywhere), hmac-sha384, "
      "hmac-sha512, hmac-sha224, hmac-sha1 or hmac-md5");
}

Result<std::string> read_secret_file(const std::string& path) {
  struct stat status {};
  std::ifstream in(path, std::ios::binary);
  if (!in || ::stat(path.c_str(), &status) != 0)
    return wrong("cannot read " + path + ": " + std::strerror(errno));
  if ((status.st_mode & S_IROTH) != 0) {
    return wrong(path + " can be read by everybody on this machine, so it is no secret: chmod o-r " + path +
                 ", or make a new one");
  }
  std::string text(std::istreambuf_iterator<char>(in), {});
  if (in.bad() || text.empty()) return wrong(path + " is empty or cannot be read");
  return text;
}

Result<> add_key(const KeyDraft& draft, dns::TsigKeyRing& keys) {
  if (!draft.name) {
    // A name that was given and is wrong was reported where it stands.
    return draft.name_given ? Result<>() : wrong("a key without a name: give name, such as \"xfr.example.\"");
  }
  const std::string who = "the key " + dns::to_string(*draft.name);
  if (draft.two_secrets) return wrong(who + " has two secrets: give secret or secret-file, not both");
  if (!draft.secret)
    return wrong(who + " has no secret: give secret-file, or secret; `openssl rand -base64 32` makes one");
  if (draft.secret_unread) return {};  // reported where the file is named
  auto key = dns::TsigKey::from_text(*draft.name, draft.algorithm, *draft.secret);
  if (!key) return key.error().within(who);
  if (!keys.add(std::move(*key))) return wrong(who + " is configured twice");
  return {};
}

}  // namespace understudy::app
