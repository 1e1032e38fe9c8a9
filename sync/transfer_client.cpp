#include "sync/transfer_client.h"

#include <boost/asio/this_coro.hpp>

#include "net/client_stream.h"
#include "net/deadline.h"
#include "sync/reasons.h"

namespace understudy::sync {
namespace asio = boost::asio;

namespace {

constexpr auto as_values = asio::as_tuple(asio::use_awaitable);
constexpr std::size_t read_octets = 64 * 1024;
constexpr std::size_t first_read_octets = 4 * 1024;  // all of a small zone
// What may wait while a job runs: enough that a primary is not kept waiting while a run is sorted and spilled
// (Knot gives up on a receiver that takes nothing for half a second).
constexpr std::size_t gather_octets = 2 * 1024 * 1024;
constexpr std::size_t progress_octets = 4 * 1024;  // that much is progress, so that one octet a second is not

// One transfer under way. The sync thread owns all but what stands under "job": that belongs to the pool job
// while `busy_`, and to the sync thread otherwise.
class Intake : public std::enable_shared_from_this<Intake> {
 public:
  Intake(asio::any_io_executor executor, const TransferOrder& order, std::shared_ptr<RecordTarget> target,
         Pool& pool)
      : executor_(executor),
        bell_(executor, asio::steady_timer::time_point::max()),
        lone_soa_timer_(executor),
        lone_soa_(order.limits.lone_soa),
        pool_(pool),
        target_(std::move(target)),
        decoder_(order.rules, *target_) {
    if (order.trust.key) verifier_.emplace(order.trust.key, clock_);
  }

  // False once the decoder has seen the end or refused.
  bool running() const { return state_ == TransferDecoder::State::running; }
  bool full() const { return busy_ && gathered_ >= gather_octets; }

  // Where the next octets go; to be filled at once.
  asio::mutable_buffer space() {
    const std::size_t room = received_ == 0 ? first_read_octets : read_octets;
    if (gathering_.size() < gathered_ + room) gathering_.resize(gathered_ + room);
    return asio::buffer(gathering_.data() + gathered_, room);
  }
  void filled(std::size_t octets) {
    gathered_ += octets;
    if (!busy_) begin_job();
  }
  // Waits until no job runs, or (room only) until there is room to gather.
  asio::awaitable<void> idle() {
    while (busy_) co_await bell_.async_wait(as_values);
  }
  asio::awaitable<void> room() {
    while (full() && running()) co_await bell_.async_wait(as_values);
  }
  // While no job runs.
  const TransferDecoder& decoder() const { return decoder_; }
  // Why what came is not believed, whatever it says.
  const std::optional<Error>& distrust() const { return distrust_; }
  // Whether somebody vouches for what came last, once all of it is there.
  Result<> vouched_for() const { return verifier_ ? verifier_->end() : Result<>(); }
  // Before anything is received. False where there is no memory.
  bool sign(net::Message& query) { return !verifier_ || verifier_->sign(query); }
  void reuse(std::optional<Connections::Kept> kept) {
    if (!kept) return;
    stream = std::move(kept->stream);
    idle_since = kept->since;
  }
  // The end came, and nothing behind it. While no job runs.
  bool ended_clean() const {
    return decoder_.state() == TransferDecoder::State::complete && !distrust_ && gathered_ == 0 &&
           splitter_.at_boundary() && splitter_.left_behind() == 0;
  }
  // On a connection that had served another transfer nothing came of this one: perhaps that is the primary's
  // custom, or it starts anew. What breaks off later, and silence, would be no better on a new connection.
  bool lost(const std::optional<Error>& failure) const {
    if (!idle_since) return false;
    return failure ? decoder_.counts().messages == 0 && failure->reason != reason::timeout : out_of_turn();
  }

  std::unique_ptr<net::ClientStream> stream;  // none before begin()
  std::optional<SteadyTime> idle_since;       // where it had served another transfer before
  bool waited_for = false;                    // by the reader

 private:
  // What came first was no answer to what was asked.
  bool out_of_turn() const {
    return decoder_.state() == TransferDecoder::State::refused && decoder_.counts().messages <= 1 &&
           decoder_.error().reason == reason::malformed;
  }
  void begin_job() {
    busy_ = true;
    batch_.swap(gathering_);
    batch_octets_ = std::exchange(gathered_, 0);
    received_ += batch_octets_;
    if (received_ <= light_octets) {  // small zones, and the beginning of large ones
      decode();
      return job_done();
    }
    pool_.post([self = shared_from_this()] {
      self->decode();
      asio::post(self->executor_, [self] { self->job_done(); });
    });
  }
  void decode() {
    splitter_.feed(dns::Octets(batch_).first(batch_octets_), [this](dns::Octets message) {
      return believe(message) && decoder_.message(message) == TransferDecoder::State::running;
    });
  }
  bool believe(dns::Octets message) {
    if (!verifier_) return true;
    if (const auto checked = verifier_->check(message); !checked) distrust_ = checked.error();
    return !distrust_;
  }
  void job_done() {
    busy_ = false;
    state_ = distrust_ ? TransferDecoder::State::refused : decoder_.state();
    const bool undecided = decoder_.is_undecided();  // asked now: the next job may begin below
    if (!running()) {
      if (waited_for) stream->interrupt();
    } else if (gathered_ != 0) {
      begin_job();
    }
    lone_soa_timer_.cancel();
    if (undecided && !busy_) await_more();
    bell_.cancel();
  }
  // An SOA came alone. Servers that have nothing more to say keep the connection open, so we end it.
  void await_more() {
    lone_soa_timer_.expires_after(lone_soa_);
    lone_soa_timer_.async_wait([self = shared_from_this()](const boost::system::error_code& cancelled) {
      boost::system::error_code ignored;
      if (!cancelled && self->stream) self->stream->socket().close(ignored);
    });
  }

  asio::any_io_executor executor_;
  asio::steady_timer bell_, lone_soa_timer_;
  const std::chrono::milliseconds lone_soa_;
  Pool& pool_;
  bool busy_ = false;
  TransferDecoder::State state_ = TransferDecoder::State::running;
  std::vector<std::uint8_t> gathering_;
  std::size_t gathered_ = 0, received_ = 0;

  // job
  std::shared_ptr<RecordTarget> target_;
  TransferDecoder decoder_;
  const SystemClock clock_;
  std::optional<dns::TsigVerifier> verifier_;  // where the primary has a key
  std::optional<Error> distrust_;
  net::FrameSplitter splitter_;
  std::vector<std::uint8_t> batch_;
  std::size_t batch_octets_ = 0;
};

// RFC 1995 3: the query for differences carries "the SOA record of client's version of the zone" in its
// authority section. Only its serial counts.
void append_our_soa(net::Message& query, const dns::Name& apex, std::uint32_t serial) {
  constexpr std::size_t rdata_octets = 2 + 20;  // both names are the root
  const std::size_t at = query.size();
  query.resize(at + apex.size() + 10 + rdata_octets);
  std::uint8_t* p = query.data() + at;
  std::memcpy(p, apex.data(), apex.size());
  p += apex.size();
  dns::store16(p, static_cast<std::uint16_t>(dns::RRType::SOA));
  dns::store16(p + 2, static_cast<std::uint16_t>(dns::RRClass::IN));
  dns::store16(p + 8, rdata_octets);
  dns::store32(p + 12, serial);
  dns::Header header = dns::load_header(query.data());
  header.authorities = 1;
  dns::store_header(query.data(), header);
}

net::Message make_transfer_query(const TransferOrder& order) {
  const TransferRules& rules = order.rules;
  net::Message query = net::make_query(rules.apex, rules.question_type(), {.edns = false});
  if (rules.have_serial) append_our_soa(query, rules.apex, *rules.have_serial);
  if (order.edns) net::append_opt(query, {.expire = true});
  dns::store16(query.data(), rules.id);
  return query;
}

Connections::Route route_of(const TransferOrder& order) {
  Connections::Route route{order.primary, order.source, {}, {}};
  if (order.trust.tls) {
    route.tls = order.trust.tls->client;
    route.identity = order.trust.tls->identity;
  }
  return route;
}

// Connects, unless there is a connection (`fresh`: whether or not), and asks. What is returned is why that
// failed.
asio::awaitable<std::optional<Error>> begin(std::shared_ptr<Intake> intake, const TransferOrder& order,
                                            bool fresh) {
  const std::string_view what = "connecting for a transfer";
  const asio::any_io_executor executor = co_await asio::this_coro::executor;
  if (order.connections != nullptr && !fresh) intake->reuse(order.connections->take(route_of(order)));
  if (!intake->idle_since) intake->stream = std::make_unique<net::ClientStream>(executor);
  net::ClientStream& stream = *intake->stream;
  net::Deadline deadline(stream.socket(), order.limits.connect);
  std::optional<Error> failure;
  if (!intake->idle_since) {
    auto connecting = stream.connect(order.primary, order.source, order.trust, what);
    failure = co_await std::move(connecting);
  }
  if (!failure) {
    net::Message query = make_transfer_query(order);
    if (!intake->sign(query)) co_return Error{reason::network, "no memory to sign a question with"};
    boost::system::error_code error = co_await stream.write(query);
    if (!error) stream.socket().non_blocking(true, error);
    if (error) failure = net::network_error(order.primary, what, error);
  }
  if (deadline.passed()) co_return net::timeout_error(order.primary, what);
  co_return failure;
}

// Reads until the decoder has enough (nothing is returned) or the stream ends before, with the reason.
asio::awaitable<std::optional<Error>> receive(std::shared_ptr<Intake> intake, const TransferOrder& order) {
  net::ClientStream& stream = *intake->stream;
  net::Deadline deadline(stream.socket(), order.limits.total, order.limits.progress);
  std::size_t since_progress = 0;
  while (intake->running()) {
    // Waited for first and read then: a read that is under way would hold a buffer that a job may want
    // meanwhile.
    intake->waited_for = true;
    boost::system::error_code error = co_await stream.wait();
    intake->waited_for = false;
    const std::size_t size = error ? 0 : stream.read_some(intake->space(), error);
    if (error == asio::error::would_block) continue;
    if (error) {
      co_await intake->idle();
      if (!intake->running()) break;
      if (deadline.passed()) co_return net::timeout_error(order.primary, "receiving a transfer");
      Error early = intake->decoder().ended_early();
      if (error != asio::error::eof && error != asio::error::operation_aborted)
        early.message += " (" + error.message() + ")";
      co_return early.within(net::to_string(order.primary));
    }
    intake->filled(size);
    since_progress += size;
    if (intake->full()) {
      co_await intake->room();
      since_progress = progress_octets;  // it was we who were slow
    }
    if (since_progress >= progress_octets) {
      since_progress = 0;
      deadline.touch();
    }
  }
  co_return std::nullopt;
}

}  // namespace

asio::awaitable<Result<std::shared_ptr<BuiltZone>>> finish_build(std::shared_ptr<ZoneBuild> build, Pool& pool,
                                                                 BulkGate& gate) {
  const asio::any_io_executor executor = co_await asio::this_coro::executor;
  const bool bulk = build->is_bulk();
  if (bulk) co_await gate.enter();
  std::shared_ptr<Result<BuiltZone>> built;
  if (build->is_light()) {
    built = std::make_shared<Result<BuiltZone>>(build->finish());
  } else {
    auto later = Later<std::shared_ptr<Result<BuiltZone>>>::make(executor);
    pool.post([later, build] { later->set(std::make_shared<Result<BuiltZone>>(build->finish())); });
    auto waiting = later->get();
    built = co_await std::move(waiting);
  }
  if (bulk) gate.leave();
  if (!*built) co_return std::move(*built).error();
  co_return std::make_shared<BuiltZone>(std::move(**built));
}

namespace {

// Nothing where the differences are too many to be put in place.
asio::awaitable<Result<std::shared_ptr<BuiltZone>>> finish_increment(std::shared_ptr<Increment> increment,
                                                                     Pool& pool) {
  const asio::any_io_executor executor = co_await asio::this_coro::executor;
  using Edited = Result<std::optional<BuiltZone>>;
  auto later = Later<std::shared_ptr<Edited>>::make(executor);
  pool.post([later, increment] { later->set(std::make_shared<Edited>(increment->finish())); });
  auto waiting = later->get();
  const std::shared_ptr<Edited> edited = co_await std::move(waiting);
  if (!*edited) co_return std::move(*edited).error();
  if (!**edited) co_return std::shared_ptr<BuiltZone>();
  co_return std::make_shared<BuiltZone>(std::move(***edited));
}

}  // namespace

namespace {

struct Reception {
  Result<TransferCounts> counts;
  bool lost = false;  // Intake::lost
};

// What came, or why nothing is to be believed.
Result<TransferCounts> result_of(const Intake& intake, const std::optional<Error>& failure,
                                 const net::Endpoint& primary) {
  if (intake.distrust()) return intake.distrust()->within(net::to_string(primary));
  if (failure) return *failure;
  if (intake.decoder().state() == TransferDecoder::State::refused)
    return intake.decoder().error().within(net::to_string(primary));
  if (const auto vouched = intake.vouched_for(); !vouched)
    return vouched.error().within(net::to_string(primary));
  return intake.decoder().counts();
}

asio::awaitable<Reception> receive_once(TransferOrder order, std::shared_ptr<RecordTarget> target, Pool& pool,
                                        bool fresh) {
  const asio::any_io_executor executor = co_await asio::this_coro::executor;
  order.rules.id = net::random_id();
  auto intake = std::make_shared<Intake>(executor, order, std::move(target), pool);
  auto beginning = begin(intake, order, fresh);
  std::optional<Error> failure = co_await std::move(beginning);
  if (!failure) {
    auto receiving = receive(intake, order);
    failure = co_await std::move(receiving);
  }
  co_await intake->idle();
  Reception reception{result_of(*intake, failure, order.primary)};
  reception.lost = intake->lost(failure);
  if (order.connections == nullptr) co_return reception;
  Connections::Route route = route_of(order);
  if (reception.lost) order.connections->failed(route, *intake->idle_since);
  if (!reception.lost && intake->idle_since) order.connections->served(route);
  if (reception.counts && intake->ended_clean())
    order.connections->keep(std::move(route), std::move(intake->stream));
  co_return reception;
}

// Receives into one of `make`'s, which is left in `target`.
template <class Target>
asio::awaitable<Result<TransferCounts>> receive_into(TransferOrder order,
                                                     std::function<std::shared_ptr<Target>()> make,
                                                     Pool& pool, std::shared_ptr<Target>& target) {
  target = make();
  auto receiving = receive_once(order, target, pool, false);
  Reception reception = co_await std::move(receiving);
  if (reception.lost) {
    target = make();
    auto again = receive_once(order, target, pool, true);
    reception = co_await std::move(again);
  }
  co_return std::move(reception.counts);
}

}  // namespace

asio::awaitable<Result<TransferCounts>> receive_zone(TransferOrder order,
                                                     std::shared_ptr<RecordTarget> target, Pool& pool) {
  order.connections = nullptr;
  auto receiving = receive_once(std::move(order), std::move(target), pool, true);
  Reception reception = co_await std::move(receiving);
  co_return std::move(reception.counts);
}

asio::awaitable<Result<Transferred>> transfer_whole(TransferOrder order,
                                                    std::function<std::shared_ptr<ZoneBuild>()> make,
                                                    Pool& pool, BulkGate& gate) {
  std::shared_ptr<ZoneBuild> build;
  auto receiving = receive_into(order, std::move(make), pool, build);
  const Result<TransferCounts> received = co_await std::move(receiving);
  if (!received) co_return received.error();
  auto finishing = finish_build(build, pool, gate);
  const Result<std::shared_ptr<BuiltZone>> built = co_await std::move(finishing);
  if (!built) co_return built.error().within(net::to_string(order.primary));
  co_return Transferred{*built, *received};
}

asio::awaitable<Result<Transferred>> transfer_changes(TransferOrder order,
                                                      std::function<std::shared_ptr<Increment>()> make,
                                                      Pool& pool, BulkGate& gate) {
  std::shared_ptr<Increment> increment;
  auto receiving = receive_into(order, std::move(make), pool, increment);
  const Result<TransferCounts> received = co_await std::move(receiving);
  if (!received) co_return received.error();
  if (received->kind == TransferKind::current) co_return Transferred{nullptr, *received};
  std::shared_ptr<BuiltZone> version;
  if (received->kind == TransferKind::ixfr) {
    auto editing = finish_increment(increment, pool);
    const Result<std::shared_ptr<BuiltZone>> edited = co_await std::move(editing);
    if (!edited) co_return edited.error().within(net::to_string(order.primary));
    version = *edited;
    // What a whole transfer of that version would be refused for.
    if (version && version->summary.records > order.rules.max_records) {
      co_return Error{reason::limit_records, "the version that the differences lead to has more than the " +
                                                 std::to_string(order.rules.max_records) +
                                                 " records that are allowed"};
    }
  }
  if (!version) {
    auto finishing = finish_build(increment->whole(), pool, gate);
    const Result<std::shared_ptr<BuiltZone>> built = co_await std::move(finishing);
    if (!built) co_return built.error().within(net::to_string(order.primary));
    version = *built;
  }
  co_return Transferred{version, *received};
}

}  // namespace understudy::sync
