#include "app/serve.h"

#include <malloc.h>
#include <sys/resource.h>

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <csignal>
#include <filesystem>
#include <random>

#include "app/public_door.h"
#include "app/zone_options.h"
#include "base/priority.h"
#include "control/control_server.h"
#include "control/http_routes.h"

namespace understudy::app {
namespace {

namespace asio = boost::asio;

// How often the certificate's files are looked at.
constexpr std::chrono::seconds certificate_period{5};

void fill_random(SipKey& key) {
  std::random_device source;
  std::ranges::generate(key, [&] { return static_cast<std::uint8_t>(source()); });
}

server::ServerOptions server_options(const Config& config, dns::TsigKeyRingPtr keys) {
  server::ServerOptions options;
  options.listen = {config.listen, config.listen_tls};
  options.tls = config.streams.tls;
  options.tcp_connections = config.streams.connections;
  options.tcp_connections_per_client = config.streams.connections_per_address;
  options.tcp_idle = config.streams.idle;
  options.tcp_lifetime = config.streams.lifetime;
  options.padding_block = config.streams.padding;
  options.workers = config.workers;
  options.data_directory = config.data;
  options.sample_every = queries_a_sample(config);
  options.pipeline = config.pipeline;
  options.pipeline.keys = std::move(keys);
  // Secrets that need not be shared with anyone: of this run.
  fill_random(options.pipeline.rate_limit.hash_key);
  if (auto& active = options.pipeline.cookies.active; !active) fill_random(active.emplace());
  return options;
}

audit::CompareOptions compare_options(const Config& config, sync::Sync& sync) {
  audit::CompareOptions options;
  options.expectations = std::make_shared<const audit::Expectations>(config.expectations);
  options.save = [&sync](std::vector<backend::AuditRow> rows) { sync.save_audit(std::move(rows)); };
  options.refresh = [&sync](const dns::Name& apex, std::function<void()> over) {
    sync.refresh(apex, [over = std::move(over)](const Result<std::string>&) { over(); });
  };
  options.queries_per_second = config.compare_rate;
  options.period = config.compare_period;
  return options;
}

// `config` is what is in force, and outlives the routes.
control::RouteOptions route_options(const Config& config) {
  control::RouteOptions options;
  options.ready_min_served_ratio = config.ready_min_served_ratio;
  options.series = [&config] { return metrics::ZoneChoice(config.metrics_zones); };
  return options;
}

Result<> make_directory(const std::string& path) {
  std::error_code fault;
  std::filesystem::create_directories(path, fault);
  if (!fault) return {};
  return Error{"data-directory", "cannot make the data directory " + path + ": " + fault.message()};
}

// A connection is a descriptor, and the usual 1024 are fewer than tcp-clients may allow.
void allow_all_descriptors() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

// Every room in the order in which they are made; destroyed the other way round.
class Serving {
 public:
  Serving(Config& config, const LoadConfig& load, std::unique_ptr<backend::Mirror> mirror,
          const sync::Credentials& credentials)
      : config_(config),
        mirror_(std::move(mirror)),
        sync_(context_, *mirror_, tables_, clock_,
              {.data_directory = config.data, .credentials = credentials}),
        comparer_(context_, *mirror_, tables_, clock_, compare_options(config, sync_)),
        server_(*mirror_, tables_, sync_, server_options(config, credentials.keys)),
        reloader_(config, load, *mirror_, sync_, comparer_, server_, public_door_),
        rooms_{context_,
               sync_,
               comparer_,
               server_,
               *mirror_,
               tables_,
               clock_,
               [this](const dns::Name& apex, const backend::ZoneOptions& options) {
                 return read_zone(apex, options);
               },
               [this](Reloader::Done done) { reloader_.reload(std::move(done)); },
               std::filesystem::absolute(config.data)},
        control_(rooms_),
        routes_(rooms_, http_.context(), route_options(config_)),
        public_door_(rooms_),
        signals_(context_, SIGINT, SIGTERM, SIGHUP),
        certificate_timer_(context_) {}
  ~Serving() { stop(); }

  Result<> start() {
    sync_.add_listener(comparer_);
    sync_.on_members_changed(
        [this](const sync::ReloadOutcome& outcome) { compare_anew(outcome, sync_, comparer_); });
    if (auto opened = open(); !opened) return opened;
    sync_started_ = true;
    if (auto started = server_.start(); !started) return started;
    // Clients are being answered: whatever follows may take its time.
    stand_behind_queries();
    if (auto started = sync_.start(); !started) return started;
    std::vector<audit::CompareTarget> targets;
    sync_.visit_settings([&targets](dns::NameView apex, const sync::SharedSettings& zone) {
      if (!sync::is_catalog(zone)) targets.push_back({dns::Name(apex), sync::compared_addresses(zone)});
    });
    comparer_.sample_from(server_.samples());
    if (auto started = comparer_.start(std::move(targets)); !started) return started;
    if (auto started = control_.start(config_.control); !started) return started;
    if (config_.http) {
      const auto handle = [this](const control::HttpRequest& request, control::HttpReply reply) {
        routes_.handle(request, std::move(reply));
      };
      if (auto listening = http_.listen(*config_.http, handle); !listening) return listening;
      http_.start();
    }
    const auto public_door = public_door_.prepare(config_.http_public);
    if (!public_door) return public_door.error();
    public_door_.commit(**public_door);
    wait_for_signal();
    watch_certificate();
    ::malloc_trim(0);  // what the configuration took
    return {};
  }

  void announce(std::ostream& out) const {
    for (const net::Endpoint& address : server_.addresses())
      out << "listening udp+tcp " << net::to_string(address) << "\n";
    for (const net::Endpoint& address : server_.tls_addresses())
      out << "listening tls " << net::to_string(address) << "\n";
    if (config_.http) out << "http " << net::to_string(http_.address()) << "\n";
    if (const auto address = public_door_.address())
      out << "public http " << net::to_string(*address) << "\n";
    out << "control " << config_.control << "\nready" << std::endl;
  }

  // The sync thread is the caller's. Returns after a signal.
  void run() { context_.run(); }

 private:
  Result<sync::ZoneSettings> read_zone(const dns::Name& apex, const backend::ZoneOptions& options) {
    auto zone = zone_from_options(apex, options, config_.gate);
    if (!zone) return zone;
    if (auto nobody = unprovable(*zone, config_.streams.tls)) return *nobody;
    return zone;
  }

  Result<> open() {
    auto added = added_zones(*mirror_, config_.zones, config_.gate);
    if (!added) return added.error();
    std::vector<sync::ZoneSettings> zones = std::exchange(config_.zones, {});  // sync's from now on
    zones.insert(zones.end(), std::make_move_iterator(added->begin()), std::make_move_iterator(added->end()));
    return sync_.open(std::move(zones), config_.catalogs);
  }

  void wait_for_signal() {
    signals_.async_wait([this](boost::system::error_code fault, int number) {
      if (fault) return;
      if (number == SIGHUP) {
        reloader_.reload([](const Result<control::Reloaded>&) {});
        return wait_for_signal();
      }
      log::info("stopping", {{"signal", number == SIGINT ? "SIGINT" : "SIGTERM"}});
      control_.stop();
      comparer_.stop();
      context_.stop();
    });
  }

  void watch_certificate() {
    certificate_timer_.expires_after(certificate_period);
    certificate_timer_.async_wait([this](boost::system::error_code fault) {
      if (fault) return;
      server_.renew_certificate();
      watch_certificate();
    });
  }

  // After the sync thread has ended, or where it never ran.
  void stop() {
    http_.stop();
    public_door_.stop();
    control_.stop();
    server_.stop();
    if (sync_started_) sync_.stop();
  }

  Config& config_;  // what is in force
  const SystemClock clock_;
  std::unique_ptr<backend::Mirror> mirror_;
  backend::ZoneTables tables_;
  asio::io_context context_{1};
  sync::Sync sync_;
  audit::Comparer comparer_;
  server::Server server_;
  Reloader reloader_;
  const control::Rooms rooms_;
  control::ControlServer control_;
  control::HttpServer http_;
  control::HttpRoutes routes_;
  PublicDoor public_door_;
  asio::signal_set signals_;
  asio::steady_timer certificate_timer_;
  bool sync_started_ = false;
};

}  // namespace

int serve(Config config, const LoadConfig& load, bool reset_mirror, const Console& console) {
  log::set_level(config.log_level);
  allow_all_descriptors();
  std::signal(SIGPIPE, SIG_IGN);  // a reader of our output that went away must not end the service
  if (const auto made = make_directory(config.data); !made) return console.fail("serve", made.error());
  backend::MirrorOptions options;
  options.directory = config.data;
  options.reset = reset_mirror;
  auto mirror = backend::open_mirror(options);
  if (!mirror) return console.fail("serve", mirror.error());
  const auto credentials = credentials_of(config);
  if (!credentials) return console.fail("serve", credentials.error());
  Serving serving(config, load, std::move(*mirror), *credentials);
  if (const auto started = serving.start(); !started) return console.fail("serve", started.error());
  serving.announce(console.out);
  serving.run();
  log::info("stopped");
  return exit_code::fine;
}

}  // namespace understudy::app
