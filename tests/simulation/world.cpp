#include "simulation/world.h"

#include <boost/asio/post.hpp>

#include "sync/built_walk.h"

namespace understudy::test {

using sync::SerialPolicy;

namespace {

constexpr auto apex_text = "zone.example.";

SoaTimes some_times(Kernel& kernel) {
  SoaTimes times;
  times.refresh = 60 + static_cast<std::uint32_t>(kernel.random(300));
  times.retry = 10 + static_cast<std::uint32_t>(kernel.random(60));
  times.expire = 400 + static_cast<std::uint32_t>(kernel.random(3000));
  return times;
}

dns::Name product_name(const std::string& text) { return *dns::Name::from_text(text); }

}  // namespace

World::World(std::uint64_t seed, const std::string& directory)
    : kernel_(seed),
      times_(some_times(kernel_)),
      editions_(kernel_, apex_text, times_),
      primaries_(kernel_, editions_, 1 + static_cast<unsigned>(kernel_.random(2))),
      directory_(directory) {
  backend::MirrorOptions options;
  options.directory = directory;
  options.map_octets = 1u << 26;
  auto opened = backend::open_mirror(options);
  if (!opened) throw std::runtime_error("open_mirror: " + opened.error().message);
  mirror_ = std::make_unique<MortalMirror>(std::move(*opened));
  choose_settings();
  start();
}

World::~World() { stop(true); }

void World::broken(const std::string& what) const {
  throw Broken(what + " (at " + std::to_string(kernel_.now().count()) + " ms)");
}

void World::choose_settings() {
  constexpr SerialPolicy policies[] = {SerialPolicy::ignore, SerialPolicy::hold, SerialPolicy::accept};
  settings_.apex = product_name(apex_text);
  for (std::size_t i = 0; i < primaries_.all().size(); ++i) {
    const auto port = static_cast<std::uint16_t>(SimulatedPrimaries::first_port + i);
    settings_.sources.emplace_back(sync::AxfrSource{{boost::asio::ip::address_v4::loopback(), port}, {}, {}});
  }
  settings_.timers = {Seconds(30), Seconds(86400), Seconds(5), Seconds(600), Seconds(60), Seconds(86400)};
  settings_.gate.backwards = policies[kernel_.random(3)];
  settings_.gate.unmoved = policies[kernel_.random(3)];
  if (kernel_.chance(30)) {
    settings_.gate.churn = 0.5;
    settings_.gate.shrink = 0.4;
  }
  if (kernel_.chance(30)) settings_.gate.accept_after = Seconds(100 + kernel_.random(500));
  if (kernel_.chance(20)) settings_.gate.full_check = Seconds(900);
  if (kernel_.chance(40)) settings_.serve_stale = Seconds(100 + kernel_.random(2000));
  if (kernel_.chance(20)) settings_.keep.versions = 3;
}

void World::start() {
  mirror_->dead = false;
  process_ = std::make_unique<Process>(*mirror_, kernel_, directory_);
  if (const auto started = process_->sync.start({settings_}); !started)
    throw std::runtime_error("sync.start: " + started.error().message);
  process_->entry = process_->pin.acquire().find_exact(settings_.apex);
}

// Cleanly, as after SIGTERM, or by kill -9.
void World::stop(bool clean) {
  if (!process_) return;
  mirror_->dead = !clean;
  process_->context.stop();
  process_->sync.stop();
  kernel_.forget(Kernel::Kind::job);  // while what the jobs hold is there
  process_.reset();
  orders_under_way_ = 0;
}

// One handler, and a look.
void World::let_happen() {
  process_->context.run_one();
  watch();
}

void World::pass(Time time) {
  const auto over = std::make_shared<bool>(false);
  kernel_.after(time, Kernel::Kind::world, [this, over] {
    *over = true;
    boost::asio::post(process_->context, [] {});  // so that run_one() returns
  });
  while (!*over) let_happen();
}

sync::ZoneStatus World::status() const { return *process_->sync.status(settings_.apex); }

void World::watch() {
  if (!process_->reader->renew()) broken("the mirror cannot be read");
  const auto row = process_->reader->zone(settings_.apex);
  process_->reader->reset();
  const backend::Service service = process_->entry->service();
  if (service == backend::Service::expired || service == backend::Service::stale) was_expired_ = true;
  if (service != service_) {
    seen_.expired += service == backend::Service::expired;
    seen_.stale += service == backend::Service::stale;
    kernel_.note("service " + std::to_string(static_cast<int>(service)));
  }
  const bool same = row && row->version == live_.version && service == service_;
  service_ = service;
  if (!same && row && row->generation != 0) {
    // A zone's time begins with its first version, though it was held for long.
    if (live_.generation == 0) fresh_ = kernel_.now();
    live_ = {row->generation, row->version};
    records_ = row->records;
    look();
  }
  fresh_ = std::max(fresh_, primaries_.last_word());
  const Time bound = std::chrono::seconds(times_.expire + 10);  // and what a cycle may take to its end
  if (service == backend::Service::serving && kernel_.now() > fresh_ + bound)
    broken("served past EXPIRE: the last word of a primary was at " + std::to_string(fresh_.count()) + " ms");
  if (service == backend::Service::stale && kernel_.now() > fresh_ + bound + settings_.serve_stale)
    broken("served stale for longer than allowed");
}

// As a client sees it: every question there is, in one batch.
void World::look() {
  server::Client client;
  client.address = boost::asio::ip::address_v4::loopback();
  std::vector<Rr> content;
  Bytes out(limits::udp_octets);
  process_->pipeline.begin_batch();
  for (const auto& [owner, rrtype] : editions_.questions()) {
    Query query;
    query.name = name(owner);
    query.type = type_of(rrtype);
    out.resize(limits::udp_octets);
    const server::Response response = process_->pipeline.answer(encode(query), client, out);
    out.resize(response.size);
    const Message message = decode(out);
    if (message.rcode == rcode::servfail) {
      process_->pipeline.end_batch();
      if (service_ == backend::Service::serving) broken("SERVFAIL for " + owner + " while it is served");
      return;
    }
    content.insert(content.end(), message.answer.begin(), message.answer.end());
  }
  process_->pipeline.end_batch();
  const auto edition = editions_.find(normal_set(content));
  if (!edition) broken("what is served was never published: " + shown(content));
  // And nothing at names that nobody asks for.
  if (records_ != editions_[*edition].records.size())
    broken("the mirror counts " + std::to_string(records_) + " records");
  judge(*edition);
}

// By itself: at once, or after a while.
bool World::lets_in(SerialPolicy policy) const {
  return policy == SerialPolicy::accept ||
         (policy == SerialPolicy::hold && settings_.gate.accept_after > Seconds(0));
}

void World::judge(std::size_t index) {
  if (served_ == index) return;
  const Edition& served = editions_[index];
  if (served_) {
    const Edition& before = editions_[*served_];
    const auto distance = static_cast<std::int32_t>(served.serial - before.serial);
    const bool told = ordered_ || orders_under_way_ != 0 || was_expired_;
    const bool policy_back = lets_in(settings_.gate.backwards);
    const bool policy_unmoved = lets_in(settings_.gate.unmoved);
    const std::string words = std::to_string(served.serial) + " after " + std::to_string(before.serial);
    seen_.back += distance < 0;
    if (distance < 0 && !told && !policy_back) broken("an older version is served: " + words);
    if (distance == 0 && !told && !policy_unmoved)
      broken("other content under the serial that is served: " + words);
  }
  kernel_.note("serves edition " + std::to_string(index) + ", serial " + std::to_string(served.serial) +
               ", as version " + std::to_string(live_.version));
  ++seen_.publications;
  served_ = index;
  was_expired_ = false;
  ordered_ = orders_under_way_ > 1;  // by another than the one that this came of
}

bool World::is_newest() const {
  return service_ == backend::Service::serving && served_ == editions_.size() - 1;
}

// The next check comes after REFRESH at the latest, or RETRY; it may find a primary blocked, and fail once
// more for what was on its way.
Time World::patience() const {
  const Seconds longest(std::max(times_.refresh, 600u) + 2 * times_.retry);
  return Time(Seconds(longest)) * 21 / 20 + std::chrono::seconds(90);
}

}  // namespace understudy::test
