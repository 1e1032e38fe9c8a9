// A mirror in a temporary directory with the zones that a test asks for, and a query pipeline in front of it:
// octets in, octets out, no sockets.
//
// Belongs to one thread. Zones go the product's own way (ZoneBuilder, Writer, publication); what cannot be
// stored throws std::runtime_error with the product's reason, which fails the test.
#pragma once

#include <memory>
#include <optional>

#include "backend/mirror.h"
#include "backend/zone_builder.h"
#include "server/query_pipeline.h"
#include "support/message.h"

namespace understudy::test {

struct ZoneText {
  Labels apex;
  std::vector<Rr> records;
  backend::Service service = backend::Service::serving;
  backend::ZonePolicy policy = {};
};
inline ZoneText zone(std::string_view apex, std::string_view lines) { return {name(apex), rrs(lines)}; }

// A directory that goes with everything in it.
class TemporaryDirectory {
 public:
  TemporaryDirectory();
  ~TemporaryDirectory();
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

class TestMirror {
 public:
  TestMirror();
  explicit TestMirror(const std::vector<ZoneText>& zones) : TestMirror() { serve(zones); }
  ~TestMirror();

  // Replaces what is served.
  void serve(const std::vector<ZoneText>& zones);
  // The octets of the response; nothing where the query is to be dropped.
  std::optional<Bytes> exchange(const Bytes& query, metrics::Proto proto = metrics::Proto::udp);
  // The same, taken apart; throws where nothing comes.
  Message ask(const Query& query, metrics::Proto proto = metrics::Proto::udp);
  Message ask(std::string_view name, std::string_view type);
  Message ask_tcp(std::string_view name, std::string_view type);
  backend::Mirror& mirror() { return *mirror_; }
  backend::ZoneTables& tables() { return tables_; }

 private:
  std::shared_ptr<backend::ZoneEntry> store(const ZoneText& zone);

  TemporaryDirectory directory_;
  std::unique_ptr<backend::Mirror> mirror_;
  backend::ZoneTables tables_;
  std::unique_ptr<server::QueryPipeline> pipeline_;
};

}  // namespace understudy::test
