#include "dns/rdata.h"
#include "server/answer.h"
#include "server/edns_options.h"

namespace understudy::server {
namespace {

constexpr std::size_t rr_head_octets = 10;  // owner pointer 2, type 2, class 2, TTL 4
constexpr std::size_t opt_octets = 11;
static_assert(opt_octets + ResponseOptions::capacity <= limits::opt_octets);
constexpr std::size_t last_pointer_target = 0x3fff;

class Encoder {
 public:
  Encoder(const Answer& answer, const ResponseFrame& frame, EncodeScratch& scratch,
          std::span<std::uint8_t> out)
      : answer_(answer), frame_(frame), scratch_(scratch), out_(out.data()), at_(frame.question_end) {
    reserved_ = frame.edns ? opt_octets + frame.options.size() : 0;
    limit_ = out.size() - reserved_;
    std::memcpy(out_, frame.query.data(), frame.question_end);
  }

  std::size_t run() {
    std::array<std::uint16_t, 3> counts{};
    bool truncated = answer_.overflown;
    for (std::size_t i = 0; i < answer_.size(); ++i) {
      const AnswerEntry& entry = answer_[i];
      const std::size_t mark = at_;
      std::uint16_t written = 0;
      starts_[i] = 0;
      if (!write_entry(entry, i, written)) {
        at_ = mark;
        if (!entry.required) continue;
        truncated = true;
        break;
      }
      counts[static_cast<std::size_t>(entry.section)] += written;
    }
    if (frame_.edns) {
      limit_ += reserved_;
      write_opt();
      ++counts[2];
    }
    write_header(counts, truncated);
    return at_;
  }

 private:
  bool room(std::size_t octets) const { return limit_ - at_ >= octets; }
  void put16(std::size_t value) {
    dns::store16(out_ + at_, static_cast<std::uint16_t>(value));
    at_ += 2;
  }
  void put32(std::uint32_t value) {
    dns::store32(out_ + at_, value);
    at_ += 4;
  }
  void put(const std::uint8_t* from, std::size_t count) {
    std::memcpy(out_ + at_, from, count);
    at_ += count;
  }

  // Where the question's suffix of that many octets stands.
  std::size_t question_offset(std::size_t suffix) const {
    return dns::header_octets + frame_.question_name.size() - suffix;
  }

  // A name, with what the question's name ends with replaced by a pointer. False where it does not fit.
  bool write_name(NameView name) {
    NameView tail = name;
    std::size_t suffix = 0;
    for (; !tail.is_root(); tail = tail.parent()) {
      if (frame_.question_name.is_at_or_below(tail)) {
        suffix = tail.size();
        break;
      }
    }
    const std::size_t literal = suffix != 0 ? name.size() - suffix : name.size();
    if (!room(literal + 2)) return false;
    put(name.data(), literal);
    if (suffix != 0) put16(0xc000 | question_offset(suffix));
    return true;
  }

  // The pointer that stands for the entry's owner; 0 where it must be written out (once).
  std::size_t owner_pointer(const AnswerEntry& entry) const {
    switch (entry.owner_kind) {
      case AnswerEntry::Owner::question_suffix:
        return entry.owner_size == 1 ? 0 : question_offset(entry.owner_size);
      case AnswerEntry::Owner::rdata_name: {
        const std::size_t start = starts_[entry.entry];
        if (start == 0) return 0;
        // In the message each RR has its head in front of what is stored.
        std::size_t index = 0;
        const AnswerEntry& source = answer_[entry.entry];
        for (std::size_t place = 0; place < entry.place; ++index) {
          place += 2 + dns::load16(source.rrset.rrs().data() + place);
        }
        const std::size_t offset = start + entry.place + rr_head_octets * (index + 1) + 2 + entry.name_at;
        return offset <= last_pointer_target ? offset : 0;
      }
      case AnswerEntry::Owner::literal:
        return 0;
    }
    return 0;
  }

  NameView owner_name(const AnswerEntry& entry) {
    switch (entry.owner_kind) {
      case AnswerEntry::Owner::literal:
        return entry.owner;
      case AnswerEntry::Owner::question_suffix: {
        const NameView& question = frame_.question_name;
        return NameView::unchecked(question.data() + question.size() - entry.owner_size, entry.owner_size);
      }
      case AnswerEntry::Owner::rdata_name: {
        const AnswerEntry& source = answer_[entry.entry];
        const std::size_t size =
            backend::expand_rr(source.rrset, entry.place, source.context, scratch_.owner.data());
        return NameView::unchecked(scratch_.owner.data() + entry.name_at, size - entry.name_at);
      }
    }
    return {};
  }

  // The owner, as a pointer from the second RR on at the latest.
  bool write_owner(const AnswerEntry& entry, std::size_t& pointer) {
    if (pointer != 0) {
      if (!room(rr_head_octets)) return false;
      put16(0xc000 | pointer);
      return true;
    }
    const std::size_t start = at_;
    if (!write_name(owner_name(entry)) || !room(8)) return false;
    if (start <= last_pointer_target && at_ - start > 2) pointer = start;
    return true;
  }

  void write_head(RRType type, std::uint32_t ttl) {
    put16(static_cast<std::uint16_t>(type));
    put16(static_cast<std::uint16_t>(answer_.rclass));
    put32(ttl);
  }

  bool write_entry(const AnswerEntry& entry, std::size_t index, std::uint16_t& written) {
    std::size_t pointer = owner_pointer(entry);
    if (entry.part == AnswerEntry::Part::synthesised_cname) return write_synthesised(entry, pointer, written);
    if (entry.part == AnswerEntry::Part::rrset) {
      const bool from_question = entry.owner_kind == AnswerEntry::Owner::question_suffix;
      const bool copyable = pointer != 0 && (from_question || patches_end_question(entry));
      if (!(copyable ? copy_rrset(entry, pointer, index) : expand_rrset(entry, pointer))) return false;
      written = static_cast<std::uint16_t>(written + entry.rrset.size());
    }
    if (!entry.with_signatures && entry.part != AnswerEntry::Part::signatures) return true;
    if (!write_signatures(entry, pointer)) return false;
    written = static_cast<std::uint16_t>(written + entry.rrset.signature_count());
    return true;
  }

  // True where every suffix that a patch stands for ends the question's name as well.
  bool patches_end_question(const AnswerEntry& entry) const {
    const std::size_t longest = entry.rrset.longest_suffix();
    if (longest == 0) return true;
    const NameView suffix =
        NameView::unchecked(entry.context.data() + entry.context.size() - longest, longest);
    return frame_.question_name.is_at_or_below(suffix);
  }

  // The fast way: what is stored is what is sent, but for the heads in front and the pointers inside.
  bool copy_rrset(const AnswerEntry& entry, std::size_t pointer, std::size_t index) {
    const RRsetView& rrset = entry.rrset;
    const Octets rrs = rrset.rrs();
    if (!room(rrs.size() + rr_head_octets * rrset.size())) return false;
    const std::size_t start = at_;
    starts_[index] = start;
    std::array<std::uint8_t, rr_head_octets> head;
    dns::store16(head.data(), static_cast<std::uint16_t>(0xc000 | pointer));
    dns::store16(head.data() + 2, static_cast<std::uint16_t>(rrset.type()));
    dns::store16(head.data() + 4, static_cast<std::uint16_t>(answer_.rclass));
    dns::store32(head.data() + 6, std::min(rrset.ttl(), entry.ttl_cap));
    unsigned patch = 0;
    std::size_t place = 0;
    for (unsigned i = 0; i < rrset.size(); ++i) {
      const std::size_t stored = 2 + std::size_t{dns::load16(rrs.data() + place)};
      put(head.data(), head.size());
      put(rrs.data() + place, stored);
      for (; patch < rrset.patch_count(); ++patch) {
        const RRsetView::Patch p = rrset.patch(patch);
        if (p.place >= place + stored) break;
        dns::store16(out_ + start + p.place + rr_head_octets * (i + 1),
                     static_cast<std::uint16_t>(0xc000 | question_offset(p.suffix_size)));
      }
      place += stored;
    }
    return true;
  }

  // The slow way: owner or suffixes are not in the question; RDATA is expanded and compressed anew.
  bool expand_rrset(const AnswerEntry& entry, std::size_t& pointer) {
    const RRsetView& rrset = entry.rrset;
    const Octets rrs = rrset.rrs();
    std::size_t place = 0;
    for (unsigned i = 0; i < rrset.size(); ++i) {
      if (!write_owner(entry, pointer)) return false;
      write_head(rrset.type(), std::min(rrset.ttl(), entry.ttl_cap));
      if (!room(2)) return false;
      const std::size_t length_at = at_;
      at_ += 2;
      const std::size_t size = backend::expand_rr(rrset, place, entry.context, scratch_.rdata.data());
      if (!write_rdata(rrset.type(), Octets(scratch_.rdata.data(), size))) return false;
      dns::store16(out_ + length_at, static_cast<std::uint16_t>(at_ - length_at - 2));
      place += 2 + std::size_t{dns::load16(rrs.data() + place)};
    }
    return true;
  }

  bool write_rdata(RRType type, Octets rdata) {
    std::size_t done = 0;
    for (const dns::RdataName& found : dns::names_in(type, rdata)) {
      if (!found.compressible) continue;
      if (!room(found.offset - done)) return false;
      put(rdata.data() + done, found.offset - done);
      if (!write_name(found.name)) return false;
      done = found.offset + found.name.size();
    }
    if (!room(rdata.size() - done)) return false;
    put(rdata.data() + done, rdata.size() - done);
    return true;
  }

  bool write_signatures(const AnswerEntry& entry, std::size_t& pointer) {
    const Octets signatures = entry.rrset.signatures();
    std::size_t place = 0;
    for (unsigned i = 0; i < entry.rrset.signature_count(); ++i) {
      const std::size_t stored = 2 + std::size_t{dns::load16(signatures.data() + place)};
      if (!write_owner(entry, pointer)) return false;
      write_head(RRType::RRSIG, std::min(entry.rrset.signature_ttl(), entry.ttl_cap));
      if (!room(stored)) return false;
      put(signatures.data() + place, stored);
      place += stored;
    }
    return true;
  }

  // RFC 6672 3.1: the CNAME has the DNAME's TTL.
  bool write_synthesised(const AnswerEntry& entry, std::size_t& pointer, std::uint16_t& written) {
    if (!write_owner(entry, pointer)) return false;
    write_head(RRType::CNAME, entry.rrset.ttl());
    if (!room(2)) return false;
    const std::size_t length_at = at_;
    at_ += 2;
    if (!write_name(entry.target)) return false;
    dns::store16(out_ + length_at, static_cast<std::uint16_t>(at_ - length_at - 2));
    written = 1;
    return true;
  }

  void write_opt() {
    const auto rcode = static_cast<std::uint16_t>(answer_.rcode);
    out_[at_++] = 0;
    put16(static_cast<std::uint16_t>(RRType::OPT));
    put16(limits::udp_octets);
    out_[at_++] = static_cast<std::uint8_t>(rcode >> 4);
    out_[at_++] = 0;  // version
    put16(frame_.dnssec_ok ? 0x8000 : 0);
    put16(frame_.options.size());
    if (!frame_.options.empty()) put(frame_.options.data(), frame_.options.size());
  }

  void write_header(const std::array<std::uint16_t, 3>& counts, bool truncated) {
    const std::uint16_t asked = dns::load16(frame_.query.data() + 2);
    // Opcode and RD as asked (RFC 1035 4.1.1); AD and RA never: we neither validate nor recurse. CD as asked
    // (RFC 4035 3.1.6).
    std::uint16_t flags =
        static_cast<std::uint16_t>((asked & (0x7800 | dns::flag::rd | dns::flag::cd)) | dns::flag::qr);
    if (answer_.authoritative) flags |= dns::flag::aa;
    if (truncated) flags |= dns::flag::tc;
    flags = static_cast<std::uint16_t>(flags | (static_cast<std::uint16_t>(answer_.rcode) & 15));
    dns::store16(out_ + 2, flags);
    dns::store16(out_ + 4, frame_.question_end > dns::header_octets ? 1 : 0);
    for (std::size_t i = 0; i < counts.size(); ++i) dns::store16(out_ + 6 + 2 * i, counts[i]);
  }

  const Answer& answer_;
  const ResponseFrame& frame_;
  EncodeScratch& scratch_;
  std::uint8_t* const out_;
  std::size_t at_, limit_ = 0, reserved_ = 0;
  // Where the copied RRs of each entry begin; 0 where they were not copied.
  std::array<std::size_t, Answer::capacity> starts_;
};

}  // namespace

std::size_t encode_answer(const Answer& answer, const ResponseFrame& frame, EncodeScratch& scratch,
                          std::span<std::uint8_t> out) {
  return Encoder(answer, frame, scratch, out).run();
}

}  // namespace understudy::server
