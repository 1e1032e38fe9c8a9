#include "audit/single_comparison.h"

#include <poll.h>

#include <algorithm>
#include <random>

#include "audit/address_burst.h"
#include "audit/mirror_tables.h"

namespace understudy::audit {

namespace {

constexpr std::chrono::milliseconds progress_period{100};
// While something is asked over a stream, which the sockets that are waited for do not tell of.
constexpr std::chrono::milliseconds stream_period{1};
constexpr std::chrono::milliseconds longest_wait{100};

class SingleComparison {
 public:
  SingleComparison(dns::Name zone, std::vector<net::Endpoint> addresses, const SingleOptions& options)
      : zone_(std::move(zone)), addresses_(std::move(addresses)), options_(options) {}

  Result<ZoneComparison> run(backend::Mirror& mirror) {
    if (addresses_.empty()) return fail("no-addresses", "no address was given; name one with --with");
    if (const auto opened = open(mirror); !opened) return opened.error();
    while (!std::all_of(bursts_.begin(), bursts_.end(), [](const auto& b) { return b->finished(); })) {
      if (const auto worked = work(); !worked) return worked.error();
    }
    tell(true);
    return combine(zone_, passes_, options_.expectations, clock_.wall());
  }

 private:
  Error fail(std::string_view reason, std::string_view what) const {
    return {reason, "comparing " + to_string(zone_) + ": " + std::string(what)};
  }

  Result<> open(backend::Mirror& mirror) {
    auto reader = mirror.reader();
    if (!reader) return reader.error();
    if (const auto renewed = (*reader)->renew(); !renewed) return renewed.error();
    const auto row = (*reader)->zone(zone_);
    (*reader)->reset();
    if (!row) return fail("zone-unknown", "the mirror holds no such zone");
    if (row->generation == 0) return fail("zone-empty", "nothing was received for it yet");
    auto tables = MirrorTables::open(mirror);
    if (!tables) return tables.error();
    auto own_reader = mirror.reader();
    if (!own_reader) return own_reader.error();
    reader_ = std::move(*reader);
    tables_ = std::move(*tables);
    version_ = row->version;
    own_.emplace(tables_->tables(), std::move(*own_reader));
    context_.emplace(
        BurstContext{clock_, *own_, *reader_, streams_, options_.queries_per_second, options_.timeout});
    const auto pass_options = std::make_shared<PassOptions>();
    pass_options->confirm_after = options_.confirm_after;
    pass_options->in_flight = Seconds(0);  // any name servers: they need not have our serials
    pass_options->once = true;
    pass_options->expectations = options_.expectations;
    std::random_device random;
    for (const net::Endpoint& address : addresses_) {
      passes_.push_back(std::make_shared<ZonePass>(zone_, address, pass_options, random()));
      bursts_.push_back(std::make_unique<AddressBurst>(*context_, passes_.back()));
      if (const auto opened = bursts_.back()->open(); !opened) return opened;
      sockets_.push_back({bursts_.back()->fd(), POLLIN, 0});
    }
    return {};
  }

  // One turn: what may be asked goes out, what came is taken in.
  Result<> work() {
    for (const auto& burst : bursts_) {
      if (burst->finished()) continue;
      if (const auto sent = burst->send(); !sent) return sent.error();
    }
    wait();
    if (const auto followed = follow(); !followed) return followed.error();
    for (std::size_t i = 0; i < bursts_.size(); ++i) {
      if (bursts_[i]->finished()) continue;
      if (sockets_[i].revents != 0) bursts_[i]->receive();
      bursts_[i]->expire();
    }
    streams_.restart();
    streams_.poll();
    tell(false);
    return {};
  }

  void wait() {
    const SteadyTime now = clock_.steady();
    std::chrono::nanoseconds wait = longest_wait;
    for (std::size_t i = 0; i < bursts_.size(); ++i) {
      sockets_[i].fd = bursts_[i]->finished() ? -1 : bursts_[i]->fd();  // poll() passes over -1
      if (bursts_[i]->finished()) continue;
      if (bursts_[i]->streaming()) wait = std::min<std::chrono::nanoseconds>(wait, stream_period);
      const SteadyTime due = bursts_[i]->due();
      if (due != SteadyTime::max()) wait = std::min<std::chrono::nanoseconds>(wait, due - now);
    }
    wait = std::max(wait, std::chrono::nanoseconds(0));
    const timespec time{static_cast<time_t>(wait.count() / 1'000'000'000), wait.count() % 1'000'000'000};
    ::ppoll(sockets_.data(), sockets_.size(), &time, nullptr);
  }

  // A server beside us may publish meanwhile.
  Result<> follow() {
    if (const auto followed = tables_->follow(); !followed) return followed;
    const auto renewed = reader_->renew();
    if (!renewed) return renewed.error();
    const auto row = reader_->zone(zone_);
    reader_->reset();
    if (!row || row->version == version_) return {};
    version_ = row->version;
    for (const auto& pass : passes_) pass->published();
    return {};
  }

  void tell(bool last) {
    const SteadyTime now = clock_.steady();
    if (!options_.progress || (!last && now - told_ < progress_period)) return;
    told_ = now;
    std::uint64_t asked = 0;
    double coverage = 1;
    for (const auto& pass : passes_) {
      asked += pass->tally().asked;
      coverage = std::min(coverage, pass->coverage());
    }
    const double all =
        coverage > 0 && !last ? static_cast<double>(asked) / coverage : static_cast<double>(asked);
    options_.progress(asked, std::max(asked, static_cast<std::uint64_t>(all)));
  }

  const dns::Name zone_;
  const std::vector<net::Endpoint> addresses_;
  const SingleOptions& options_;
  const SystemClock clock_;
  boost::asio::io_context streams_{1};
  std::unique_ptr<backend::Reader> reader_;
  std::unique_ptr<MirrorTables> tables_;
  std::optional<OwnAnswers> own_;
  std::optional<BurstContext> context_;
  Passes passes_;
  std::vector<std::unique_ptr<AddressBurst>> bursts_;
  std::vector<pollfd> sockets_;
  backend::Version version_ = 0;
  SteadyTime told_{};
};

}  // namespace

Result<ZoneComparison> compare_once(backend::Mirror& mirror, const dns::Name& zone,
                                    std::vector<net::Endpoint> addresses, const SingleOptions& options) {
  return SingleComparison(zone, distinct(std::move(addresses)), options).run(mirror);
}

}  // namespace understudy::audit
