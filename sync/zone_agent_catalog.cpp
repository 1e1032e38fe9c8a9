// How an agent makes the zone that is a catalog of ours.
#include "sync/catalog_writer.h"
#include "sync/zone_agent.h"

namespace understudy::sync {
namespace asio = boost::asio;

// Each time all of it: what is the same as before is found out where it is built. The serial is this second's
// at first; later versions are given the next one each (raise_serial), and it stays monotone where the mirror
// has to begin anew.
asio::awaitable<Result<ZoneAgent::Outcome>> ZoneAgent::try_catalog(std::size_t index) {
  const SteadyTime began = workshop_.clock.steady();
  const std::shared_ptr<ZoneBuild> build = new_build();
  const auto zones = std::make_shared<const std::vector<ListedZone>>(
      listed_in(std::get<PublishedCatalog>(sources_[index].spec), workshop_.served()));
  const std::uint32_t serial =
      has_data() ? standing_.source_serial : static_cast<std::uint32_t>(workshop_.clock.wall());
  auto later = Later<std::shared_ptr<Result<>>>::make(workshop_.executor);
  workshop_.pool.post([later, build, zones, serial, apex = apex()] {
    later->set(std::make_shared<Result<>>(write_catalog(apex, serial, *zones, *build)));
  });
  auto writing = later->get();
  const std::shared_ptr<Result<>> written = co_await std::move(writing);
  if (!*written) co_return written->error();
  auto finishing = finish_build(build, workshop_.pool, workshop_.gate);
  const Result<std::shared_ptr<BuiltZone>> built = co_await std::move(finishing);
  if (!built) co_return built.error();
  note_serial((*built)->source_serial);
  listed_ = zones->size();
  TransferCounts counts;
  counts.kind = TransferKind::catalog;
  auto taking = take_over({*built, std::move(counts), index, began, true});
  co_return co_await std::move(taking);
}

}  // namespace understudy::sync
