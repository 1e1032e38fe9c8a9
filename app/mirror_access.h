// The mirror as verbs read it: themselves, so that they work with the server running, stopped or broken.
//
// One thread. Opened once a process, since LMDB forbids more.
#pragma once

#include "app/find_server.h"
#include "backend/version_walk.h"

namespace understudy::app {

class MirrorAccess {
 public:
  // Errors say which directory was looked at.
  static Result<MirrorAccess> open(const Whereabouts& where);
  static Result<MirrorAccess> open(std::string directory);

  backend::Mirror& mirror() const { return *mirror_; }

  // A reader of its own, renewed: a walk needs one.
  Result<std::unique_ptr<backend::Reader>> reader() const;
  // The row of a zone that has data.
  Result<backend::ZoneRow> zone(backend::Reader& reader, const dns::Name& apex) const;
  // The zone of a mirror that holds just one.
  Result<dns::Name> only_zone(backend::Reader& reader) const;

 private:
  MirrorAccess(std::string directory, std::unique_ptr<backend::Mirror> mirror)
      : directory_(std::move(directory)), mirror_(std::move(mirror)) {}

  std::string directory_;
  std::unique_ptr<backend::Mirror> mirror_;
};

// One zone of the mirror, with a reader that sees it.
struct OpenedZone {
  MirrorAccess mirror;
  std::unique_ptr<backend::Reader> reader;
  dns::Name apex;
  backend::ZoneRow live;
};
Result<OpenedZone> open_zone(const Whereabouts& where, const std::string& zone);

struct OpenedVersion {
  backend::VersionRow row;
  // Fails at its end where it saw another number of records than the mirror tells: half a zone must not pass
  // for one.
  std::unique_ptr<backend::NodeWalk> walk;
};
// None: the live version. The reader must stay renewed and unused meanwhile.
Result<OpenedVersion> open_version(backend::Reader& reader, const dns::Name& apex,
                                   const backend::ZoneRow& live, std::optional<backend::Version> version);

}  // namespace understudy::app
