// A world in which one zone is mirrored: primaries that publish, lie, die and come back; operators; restarts;
// a disk that fails; a wall clock that jumps; all of it out of one seed. What is served is looked at after
// every step that anything took, and the first look that shows what must never be ends the run.
//
//   must always hold                                            apart from
//     what is served is one edition, whole
//     its serial never goes back (RFC 1982)                     rollback, accept, retransfer, resume; past
//     expire;
//                                                               the policy that takes it
//     expire other content under the same serial is not served         the same, and the policy that takes it
//     nothing is served past EXPIRE since a primary's word      serve-stale
//   must hold in the end, once faults are over and operators have let go
//     the newest edition is served within `patience()`, no socket is left open
#pragma once

#include <boost/asio/io_context.hpp>
#include <stdexcept>

#include "server/query_pipeline.h"
#include "simulation/mortal_mirror.h"
#include "simulation/simulated_primaries.h"
#include "sync/sync.h"

namespace understudy::test {

// What must not be was: in words.
struct Broken : std::runtime_error {
  using std::runtime_error::runtime_error;
};

class World {
 public:
  // `directory` is empty.
  World(std::uint64_t seed, const std::string& directory);
  ~World();

  // Throws Broken.
  void run();
  const std::vector<std::string>& trace() const { return kernel_.trace(); }
  // What came about, so that a test can tell that the faults were met at all.
  struct Seen {
    unsigned publications = 0, held = 0, restarts = 0, expired = 0, stale = 0, orders = 0, back = 0;
  };
  const Seen& seen() const { return seen_; }

 private:
  // A run of the server's process: made and destroyed in the order of app/serve.cpp.
  struct Process {
    Process(MortalMirror& mirror, Kernel& kernel, const std::string& directory)
        : sync(context, mirror, tables, clock,
               {.data_directory = directory,
                .turns =
                    [&kernel](std::function<void()> job) {
                      const Time delay(kernel.chance(80) ? kernel.random(5) : kernel.random(400));
                      kernel.after(delay, Kernel::Kind::job, std::move(job));
                    }}),
          pipeline(tables, std::move(*mirror.reader()), 0, nullptr, nullptr),
          reader(std::move(*mirror.reader())),
          pin(tables) {}

    const SystemClock clock;  // whose time is the kernel's
    backend::ZoneTables tables;
    boost::asio::io_context context{1};
    sync::Sync sync;
    server::QueryPipeline pipeline;
    std::unique_ptr<backend::Reader> reader;
    backend::ZoneTables::Pin pin;
    const backend::ZoneEntry* entry = nullptr;
  };

  void choose_settings();
  void start();
  void stop(bool clean);
  void let_happen();
  void pass(Time time);
  void disturb();
  void give_order();
  void change_primary();
  void restart();
  void notify();
  void settle();
  void watch();
  void look();
  void judge(std::size_t served);
  bool lets_in(sync::SerialPolicy policy) const;
  bool is_newest() const;
  Time patience() const;
  sync::ZoneStatus status() const;
  [[noreturn]] void broken(const std::string& what) const;

  Kernel kernel_;
  const SoaTimes times_;
  Editions editions_;
  SimulatedPrimaries primaries_;
  std::unique_ptr<MortalMirror> mirror_;
  const std::string directory_;
  sync::ZoneSettings settings_;
  std::unique_ptr<Process> process_;
  Seen seen_;

  // What was served at the last look.
  backend::ZoneEntry::Live live_{};
  std::uint64_t records_ = 0;
  backend::Service service_ = backend::Service::no_data;
  std::optional<std::size_t> served_;  // which edition
  unsigned orders_under_way_ = 0;
  bool ordered_ = false;      // what lets serials go back, since what is served changed last
  bool was_expired_ = false;  // the same
  bool jumped_ = false;       // the wall clock did, so that a restart does not know how late it is
  Time fresh_{0};             // the zone was told to be current then, at the latest
};

}  // namespace understudy::test
