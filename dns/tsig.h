// TSIG (RFC 8945): messages signed with a secret that two servers share.
//
// Each side of an exchange has one object: the one that asks a TsigVerifier, the one that answers a
// TsigSigner. Both keep the chain of MACs: a response is signed together with the request's MAC, and each
// later message of a stream together with the MAC before it. One thread at a time each; bounded by a few
// names.
//
//   TsigVerifier   sign(query) --> check(response) --> check(next message) ... --> end()
//   TsigSigner     check(query) --> sign(response) --> sign(next message) ...
#pragma once

#include "base/clock.h"
#include "dns/message.h"
#include "dns/tsig_key.h"

namespace understudy::dns {

// RFC 8945 3: what stands in the record's error field, and for the most part in no header.
enum class TsigError : std::uint16_t { none = 0, badsig = 16, badkey = 17, badtime = 18, badtrunc = 22 };

// Why a response is not believed: the words of Errors.
namespace tsig_reason {
inline constexpr std::string_view missing = "tsig-missing";  // not signed, where it had to be
inline constexpr std::string_view badkey =
    "tsig-badkey";  // the other side does not know the key, or took another
inline constexpr std::string_view badsig = "tsig-badsig";      // the MAC is wrong: two secrets, or a forger
inline constexpr std::string_view badtime = "tsig-badtime";    // the clocks are too far apart
inline constexpr std::string_view badtrunc = "tsig-badtrunc";  // a MAC shorter than is taken
}  // namespace tsig_reason

struct TsigRecord {
  std::size_t at = 0;   // where it begins in its message
  Name key, algorithm;  // as they came
  std::uint64_t time = 0;
  std::uint16_t fudge = 0, original_id = 0, error = 0;
  Octets mac, other;  // in the message
};
// The record that begins at `at`, the last of `message`; false where it is malformed.
bool read_tsig(Octets message, std::size_t at, TsigRecord& record);

class TsigVerifier {
 public:
  TsigVerifier(TsigKeyPtr key, const Clock& clock) : key_(std::move(key)), clock_(clock) {}

  // Signs the request, which becomes longer; its ID must not change any more. False where there is no memory.
  bool sign(std::vector<std::uint8_t>& query);
  // The next message of the response. In a stream some may come without a signature of their own (RFC
  // 8945 5.3.1); what they say is to be believed only once a signed one has come after them. A first message
  // that is refused leaves everything as it was: over UDP the true one may come yet. Errors: tsig_reason, and
  // "malformed".
  Result<> check(Octets message);
  // The stream is over: an error where its last message was not signed.
  Result<> end() const;

 private:
  Result<> check_signed(Octets message, const TsigRecord& record);
  Result<> check_unsigned(Octets message);
  Result<> check_time(std::uint64_t time, std::uint16_t fudge) const;
  // What the other side says it has against our request.
  Error told(const TsigRecord& record) const;
  Error refused(std::string_view reason, std::string why) const;

  TsigDigest begin_digest() const;

  const TsigKeyPtr key_;
  const Clock& clock_;
  TsigMac prior_;
  std::optional<TsigDigest> digest_;  // of what came without a signature since the last one
  std::uint64_t messages_ = 0;        // taken
  unsigned unsigned_in_a_row_ = 0;
};

class TsigSigner {
 public:
  explicit TsigSigner(const Clock& clock) : clock_(&clock) {}

  enum class Verdict : std::uint8_t {
    good,
    formerr,  // the record is malformed, or its MAC is of a length that nobody may send: answered without
              // TSIG
    notauth,  // the key, the MAC, the time or the MAC's length is not to be had: NOTAUTH, which sign()
              // completes
  };
  // Looks at a request whose TSIG record stands at `at` (RFC 8945 5.2). Begins a new exchange.
  Verdict check(Octets query, std::size_t at, const TsigKeyRing* keys);
  // Whose request it is; nullptr unless it was good.
  const Name* key_name() const { return error_ == TsigError::none && key_ ? &key_->name() : nullptr; }

  // How much longer sign() makes a message, at most.
  std::size_t octets() const;
  // Signs the next message of the response, which stands at the front of `room` with room behind it for
  // octets() more. Returns its size.
  std::size_t sign(std::span<std::uint8_t> room, std::size_t size);

 private:
  TsigError judge(Octets query, const TsigRecord& record);

  const Clock* clock_;
  TsigKeyPtr key_;  // that signs; nullptr: the record has no MAC (RFC 8945 5.3.2)
  Name name_, algorithm_;
  TsigMac prior_;
  TsigError error_ = TsigError::none;
  std::uint64_t time_ = 0;  // the request's
  std::uint16_t fudge_ = 0;
  bool chained_ = false;  // the first message was signed
};

}  // namespace understudy::dns
