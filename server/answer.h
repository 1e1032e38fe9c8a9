// An answer as a value: which RRsets go into which section, under which owner. Decided by the answerer,
// encoded once by encode_answer(). Borrows RRsets from the reader's state; fixed capacity, no heap; reused
// from query to query.
#pragma once

#include <array>

#include "backend/mirror.h"
#include "base/limits.h"
#include "dns/message.h"

namespace understudy::server {

using backend::RRsetView;
using dns::Name;
using dns::NameView;
using dns::Octets;
using dns::RRType;

enum class Section : std::uint8_t { answer, authority, additional };

struct AnswerEntry {
  // How the owner is written.
  enum class Owner : std::uint8_t {
    question_suffix,  // a pointer to the last `owner_size` octets of the question's name
    rdata_name,  // the name that ends the RDATA at `place` in the RRs of entry `entry` (NS, CNAME, MX), after
                 // `name_at` octets: a pointer to it
    literal,     // `owner`, as far as the question's name does not contain it
  };
  enum class Part : std::uint8_t { rrset, signatures, synthesised_cname };

  Section section = Section::answer;
  Part part = Part::rrset;
  Owner owner_kind = Owner::question_suffix;
  bool with_signatures = false;
  bool required = true;  // without it the response is truncated (RFC 2181 9, RFC 9471)
  std::uint8_t owner_size = 0;
  std::uint8_t name_at = 0;
  std::uint16_t entry = 0;
  std::uint16_t place = 0;
  std::uint32_t ttl_cap = UINT32_MAX;  // RFC 2308 3 and 5: the SOA of a negative answer
  RRsetView rrset;
  NameView owner;    // for literal
  NameView context;  // a name that ends with every suffix which the RRset's patches stand for
  NameView target;   // of a synthesised CNAME
};

class Answer {
 public:
  // More than a referral to 500 servers with two addresses each; what is over truncates.
  static constexpr std::size_t capacity = 1024;

  void clear() {
    count_ = 0;
    names_used_ = owners_used_ = syntheses_used_ = 0;
    extended_error.reset();
    rcode = dns::Rcode::noerror;
    rclass = dns::RRClass::IN;
    authoritative = overflown = false;
  }
  // nullptr where the answer is full, which makes the response truncated; only the additional section can
  // come that far.
  AnswerEntry* add(Section section) {
    if (count_ == capacity) {
      overflown = true;
      return nullptr;
    }
    AnswerEntry& entry = entries_[count_++];
    entry = AnswerEntry{};
    entry.section = section;
    return &entry;
  }
  // Nothing but that entry, a copy of one that was there, authoritatively.
  void only(const AnswerEntry& entry) {
    clear();
    authoritative = true;
    *add(Section::answer) = entry;
  }
  std::size_t size() const { return count_; }
  const AnswerEntry& operator[](std::size_t i) const { return entries_[i]; }
  // Room for a name that a CNAME or DNAME led to, and all of these so far.
  Name& new_name() { return names_[names_used_++]; }
  std::span<const Name> names() const { return {names_.data(), names_used_}; }
  // A wildcard that stood for a name on the way: the name, the labels of the wildcard's parent, and the node
  // right before the name.
  struct Synthesis {
    NameView name;
    unsigned encloser_labels = 0;
    backend::FoundNode before;
  };
  void note_synthesis(const Synthesis& synthesis) { syntheses_[syntheses_used_++] = synthesis; }
  std::span<const Synthesis> syntheses() const { return {syntheses_.data(), syntheses_used_}; }
  // Room for the owner of a record that proves something; nullptr where there were too many already.
  Name* new_owner() { return owners_used_ == owners_.size() ? nullptr : &owners_[owners_used_++]; }

  dns::Rcode rcode = dns::Rcode::noerror;
  dns::RRClass rclass = dns::RRClass::IN;
  std::optional<dns::ExtendedError> extended_error;  // why nothing better could be answered
  bool authoritative = false;
  bool overflown = false;

 private:
  std::array<AnswerEntry, capacity> entries_;
  std::array<Name, limits::chain_links + 1> names_;
  // One for each wildcard on the way, and three for what is not at the end of it.
  std::array<Name, limits::chain_links + 4> owners_;
  std::array<Synthesis, limits::chain_links + 1> syntheses_;
  std::size_t count_ = 0, names_used_ = 0, owners_used_ = 0, syntheses_used_ = 0;
};

// What stands in a response besides the answer.
struct ResponseFrame {
  Octets query;  // as received: header and question are taken from it
  std::size_t question_end = 0;
  NameView question_name;
  bool edns = false;  // the query had EDNS, so the response does
  bool dnssec_ok = false;
  Octets options;  // of the response's OPT, encoded
};

// Scratch that one pipeline keeps for encoding.
struct EncodeScratch {
  std::array<std::uint8_t, limits::message_octets> rdata;
  std::array<std::uint8_t, 2 * limits::name_octets> owner;
};

// Writes the response into `out`, at most `out.size()` octets; sets TC where a required RRset did not fit.
// RRsets go in whole or not at all. Returns its size.
std::size_t encode_answer(const Answer& answer, const ResponseFrame& frame, EncodeScratch& scratch,
                          std::span<std::uint8_t> out);

}  // namespace understudy::server
