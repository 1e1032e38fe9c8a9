// The walk over a zone in the mirror that says what is to be asked: every owner and type that is
// authoritative, and one that it does not have; each cut (NS and DS); an empty non-terminal; DNSKEY, CDS and
// DS at the apex; made-up labels under the apex, under each wildcard's parent, below each DNAME, and below
// and beside each empty non-terminal.
//
// No read transaction lives longer than one call of next(): the walk resumes by key, on whichever generation
// is live by then. Belongs to one thread; bounded by one batch.
#pragma once

#include <functional>
#include <memory>

#include "audit/question.h"
#include "backend/mirror.h"
#include "dns/stored_name.h"

namespace understudy::audit {

class QuestionWalk {
 public:
  // What it needs of a zone's row: there are very many walks.
  struct Live {
    backend::Generation generation = 0;
    backend::Version version = 0;
    std::uint64_t nodes = 0;
    backend::ZoneId id = 0;
    std::uint32_t serial = 0;
  };

  // `seed` chooses the labels that are made up.
  QuestionWalk(dns::NameView apex, std::uint64_t seed);

  enum class Step : std::uint8_t { more, finished, no_data };
  // Appends the questions of the next nodes, `wanted` or a node's worth more; fewer only where the walk is
  // finished.
  Result<Step> next(backend::Reader& reader, std::size_t wanted, std::vector<Question>& questions);

  // Begins again, from where it stands and round to there: a zone that changes faster than it can be walked
  // still has every name asked in its turn.
  void restart();

  // Takes over what is live now, and calls `then` while the reader is still renewed; not where there is no
  // data.
  Result<> look(backend::Reader& reader, const std::function<Result<>(const Live&)>& then);
  // Appends what is to be asked where an owner, known by its key, had something of a type come or go. While
  // the reader is renewed.
  void ask_about_change(backend::Reader& reader, dns::Octets key, dns::RRType type,
                        std::vector<Question>& questions);

  // Where the walk stands, as octets that are good after a restart too. False where they are damaged; the
  // walk then begins at the apex.
  void append_place(std::vector<std::uint8_t>& out) const;
  bool restore_place(dns::Octets place);
  // What is known to be live before the first next().
  void set_live(const Live& live) { live_ = live; }
  static Live live_of(const backend::ZoneRow& row);

  dns::NameView apex() const { return apex_; }
  // Nodes passed by, of those in the zone, 0 to 1.
  double coverage() const;
  // As of the last next(): the live version, and whether the zone has a DNSKEY.
  const Live& live() const { return live_; }
  bool is_signed() const { return signed_; }

 private:
  using Key = std::vector<std::uint8_t>;
  bool position(backend::Reader& reader, backend::FoundNode& found) const;
  bool ends_before_the_end() const;
  void look_at_apex(backend::Reader& reader);
  std::optional<dns::RRType> absent_type(const backend::NodeView& node) const;
  void ask_about_apex(const backend::NodeView& node, std::vector<Question>& questions);
  void ask_about(const backend::FoundNode& found, std::vector<Question>& questions);
  void ask_made_up(const dns::Name& parent, const dns::Name& subject, dns::RRType type,
                   std::vector<Question>& questions);

  const dns::StoredName apex_;
  std::uint64_t random_;
  Live live_;
  // Where a walk stands that is neither at its beginning nor at its end.
  struct Standing {
    std::optional<Key> last;  // the key of the node passed last
    std::optional<Key> end;   // where the round ends; none: at the end of the zone
  };
  std::unique_ptr<Standing> standing_;
  bool signed_ = false, wrapped_ = false, finished_ = false;
  std::uint64_t passed_ = 0;
  std::size_t turn_ = 0;  // passes walked to their end: which absent type is asked
};

}  // namespace understudy::audit
