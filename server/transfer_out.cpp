#include "server/transfer_out.h"

#include <boost/asio/post.hpp>

#include "base/log.h"
#include "server/edns_options.h"

namespace understudy::server {

namespace asio = boost::asio;

namespace {

// An OPT record without options (RFC 6891 6.1.2).
constexpr std::array<std::uint8_t, 11> opt{
    0, 0, 41, limits::udp_octets >> 8, limits::udp_octets & 255, 0, 0, 0, 0, 0, 0};

constexpr std::array<std::string_view, 2> type_names{"axfr", "ixfr"};  // by TransferType
constexpr std::array<std::string_view, 2> transport_names{"tcp", "tls"};
constexpr std::array<std::string_view, 3> result_names{"success", "failed", "aborted"};  // by TransferResult

}  // namespace

TransfersOut::TransfersOut(backend::Mirror& mirror, backend::ZoneTables& tables, std::string spool_directory)
    : mirror_(mirror), tables_(tables), spool_directory_(std::move(spool_directory)) {}

Result<> TransfersOut::start() {
  auto reader = mirror_.reader();
  if (!reader) return reader.error();
  reader_ = std::move(*reader);
  pin_ = std::make_unique<backend::ZoneTables::Pin>(tables_);
  return {};
}

void TransfersOut::stop() {
  stopping_ = true;
  thread_.join();
}

void TransfersOut::open(const dns::Name& apex, backend::ZoneId zone, std::optional<std::uint32_t> since,
                        Ready ready) {
  asio::post(thread_, [this, apex, zone, since, ready = std::move(ready)] {
    ready(find_or_render(apex, zone, since));
  });
}

// Which version is sent is decided here, by what is live now: the zone may have changed while others were
// rendered.
TransfersOut::Spooled TransfersOut::find_or_render(const dns::Name& apex, backend::ZoneId zone,
                                                   std::optional<std::uint32_t> since) {
  if (stopping_) return nullptr;
  forget_unused();
  struct Release {
    TransfersOut& transfers;
    ~Release() {
      transfers.reader_->reset();
      transfers.pin_->release();
    }
  } release{*this};
  const backend::ZoneEntry* entry = pin_->acquire().find_exact(apex);
  if (entry == nullptr || entry->id() != zone) return nullptr;
  Result<Spooled> spool = nullptr;
  if (const auto commit = reader_->renew(); !commit) {
    spool = commit.error();
  } else if (const auto live = reader_->zone(apex); live && live->id == zone && live->generation != 0) {
    spool = spool_for(apex, *live, since);
  }
  if (spool) return *spool;
  tell_failure(apex, spool.error());
  return nullptr;
}

void TransfersOut::tell_failure(const dns::Name& apex, const Error& error) const {
  if (stopping_) return;
  log::error("transfer-out-failed",
             {{"zone", dns::to_string(apex)}, {"reason", error.reason}, {"error", error.message}});
}

Result<TransfersOut::Spooled> TransfersOut::spool_for(const dns::Name& apex, const backend::ZoneRow& live,
                                                      std::optional<std::uint32_t> since) {
  const Rendering rendering{*reader_, apex, live.generation, spool_directory_, stopping_};
  if (const auto from = since ? backend::version_of_serial(*reader_, live, *since) : std::nullopt) {
    auto spool =
        shared({live.id, *from, live.version}, apex, [&] { return differences(rendering, live, *from); });
    if (spool && *spool) return spool;
    // A history that cannot be read keeps nobody from the zone.
    if (!spool) tell_failure(apex, spool.error());
  }
  return shared({live.id, 0, live.version}, apex, [&] { return render_zone(rendering); });
}

Result<TransfersOut::Spooled> TransfersOut::differences(const Rendering& rendering,
                                                        const backend::ZoneRow& live, backend::Version from) {
  const auto differences = backend::differences_since(*reader_, live, from, stopping_);
  if (!differences) return differences.error();
  if (!*differences) return Spooled();
  return render_differences(rendering, **differences);
}

Result<TransfersOut::Spooled> TransfersOut::shared(const SpoolKey& key, const dns::Name& apex,
                                                   const std::function<Result<Spooled>()>& render) {
  const auto known = spools_.find(key);
  if (known != spools_.end()) {
    if (Spooled spool = known->second.lock()) return spool;
  }
  const auto begin = std::chrono::steady_clock::now();
  Result<Spooled> spool = render();
  if (!spool || !*spool) return spool;
  spools_[key] = *spool;
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - begin;
  const SpoolContents& contents = (*spool)->contents();
  log::info("transfer-out-spooled", {{"zone", dns::to_string(apex)},
                                     {"type", type_names[static_cast<std::size_t>(contents.type)]},
                                     {"serial", contents.serial},
                                     {"records", contents.records},
                                     {"octets", (*spool)->size()},
                                     {"seconds", seconds.count()}});
  return spool;
}

void TransfersOut::forget_unused() {
  std::erase_if(spools_, [](const auto& item) { return item.second.expired(); });
}

void TransfersOut::ended(const TransferOut& transfer, const Client& client, TransferResult result) {
  const std::size_t transport = client.proto == metrics::Proto::tls ? 1 : 0;
  const SpoolContents contents = transfer.contents();
  const auto type = static_cast<std::size_t>(contents.type);
  results_[type][transport][static_cast<std::size_t>(result)].fetch_add(1);
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - transfer.asked();
  const std::string since = transfer.since() ? std::to_string(*transfer.since()) : "none";
  // Workers do not log.
  asio::post(thread_, [zone = transfer.apex(), address = client.address, transport, result, contents, since,
                       octets = transfer.octets(), seconds = seconds.count()] {
    log::info("transfer-out", {{"zone", dns::to_string(zone)},
                               {"client", address.to_string()},
                               {"transport", transport_names[transport]},
                               {"type", type_names[static_cast<std::size_t>(contents.type)]},
                               {"since", since},
                               {"serial", contents.serial},
                               {"records", contents.records},
                               {"octets", octets},
                               {"seconds", seconds},
                               {"result", result_names[static_cast<std::size_t>(result)]}});
  });
}

std::vector<Server::TransferOut> TransfersOut::counts() const {
  std::vector<Server::TransferOut> counts;
  for (std::size_t type = 0; type < results_.size(); ++type) {
    for (std::size_t t = 0; t < results_[type].size(); ++t) {
      for (std::size_t r = 0; r < results_[type][t].size(); ++r)
        counts.push_back(
            {type_names[type], transport_names[t], result_names[r], results_[type][t][r].load()});
    }
  }
  return counts;
}

TransferOut::TransferOut(dns::Octets query, const Response& response)
    : apex_(response.zone->apex()), zone_(response.zone->id()), expire_(response.expire) {
  if (response.signer != nullptr) signer_ = *response.signer;
  dns::Query parsed;
  dns::parse_query(query, parsed);  // it went well before, or there would be no transfer
  id_ = parsed.header.id;
  copied_flags_ = static_cast<std::uint16_t>(parsed.header.flags & (0x7800 | dns::flag::rd));
  edns_ = parsed.edns.has_value();
  if (parsed.question.type == dns::RRType::IXFR) since_ = parsed.serial;
  question_.assign(query.begin() + dns::header_octets,
                   query.begin() + static_cast<std::ptrdiff_t>(parsed.question_end));
}

void TransferOut::begin(std::shared_ptr<const Spool> spool) {
  spool_ = std::move(spool);
  begun_ = true;
  if (!spool_) result_ = TransferResult::failed;
}

SpoolContents TransferOut::contents() const {
  if (spool_) return spool_->contents();
  return {since_ ? TransferType::ixfr : TransferType::axfr, 0, 0};
}

std::optional<dns::Octets> TransferOut::next() {
  auto messages = next_plain();
  if (messages && (edns_ || signer_)) messages = completed(*messages);
  if (messages) octets_ += messages->size();
  return messages;
}

// An OPT record on every message, where the client speaks EDNS (RFC 9103 6.3.4; RFC 5936 2.2.5 had it on the
// first), and a TSIG record, each with the MAC before it (RFC 8945 5.3.1). On the first one stands EXPIRE,
// where it was asked for (RFC 7314 2). A record of nearly 64 KiB leaves no room: then there is no OPT, but
// without TSIG nothing is sent.
std::optional<dns::Octets> TransferOut::completed(dns::Octets messages) {
  completed_.clear();
  const std::size_t signature = signer_ ? signer_->octets() : 0;
  while (!messages.empty()) {
    std::size_t size = dns::load16(messages.data());
    ResponseOptions options;
    if (expire_ && spool_) options.add_expire(*expire_);
    const std::size_t opt_size = opt.size() + options.octets().size();
    const bool with_opt = edns_ && size + opt_size + signature <= limits::message_octets;
    const std::size_t most = size + (with_opt ? opt_size : 0) + signature;
    if (most > limits::message_octets) {
      result_ = TransferResult::failed;
      return std::nullopt;
    }
    const std::size_t at = completed_.size();
    completed_.resize(at + 2 + most);
    const std::span<std::uint8_t> room = std::span(completed_).subspan(at + 2);
    std::memcpy(room.data(), messages.data() + 2, size);
    messages = messages.subspan(2 + size);
    if (with_opt) {
      std::memcpy(room.data() + size, opt.data(), opt.size());
      dns::store16(room.data() + size + opt.size() - 2, static_cast<std::uint16_t>(options.octets().size()));
      std::ranges::copy(options.octets(), room.begin() + static_cast<std::ptrdiff_t>(size + opt.size()));
      dns::store16(room.data() + 10, 1);
      size += opt_size;
      expire_.reset();
    }
    if (signer_) size = signer_->sign(room, size);
    dns::store16(completed_.data() + at, static_cast<std::uint16_t>(size));
    completed_.resize(at + 2 + size);
  }
  return dns::Octets(completed_);
}

// As many whole messages as fit, each with the ID of the query.
std::optional<dns::Octets> TransferOut::next_plain() {
  if (!spool_) return std::exchange(failure_sent_, true) ? dns::Octets() : failure();
  if (offset_ >= spool_->size()) return dns::Octets();
  buffer_.resize(buffer_octets);
  const auto there =
      static_cast<std::size_t>(std::min<std::uint64_t>(buffer_octets, spool_->size() - offset_));
  std::size_t whole = 0;
  result_ = TransferResult::failed;
  if (!spool_->read(offset_, std::span(buffer_).first(there))) return std::nullopt;
  while (there - whole >= 2) {
    std::uint8_t* message = buffer_.data() + whole + 2;
    const std::size_t size = dns::load16(message - 2);
    if (there - whole - 2 < size) break;
    dns::store16(message, id_);
    dns::store16(message + 2, static_cast<std::uint16_t>(dns::flag::qr | dns::flag::aa | copied_flags_));
    whole += 2 + size;
  }
  if (whole == 0) return std::nullopt;  // a spool holds nothing but whole messages
  result_ = TransferResult::success;
  // The first message repeats the question that was asked (RFC 5936 2.2.1), its case and IXFR included.
  if (offset_ == 0) std::memcpy(buffer_.data() + 2 + dns::header_octets, question_.data(), question_.size());
  offset_ += whole;
  return dns::Octets(buffer_).first(whole);
}

dns::Octets TransferOut::failure() {
  const std::size_t end = 2 + dns::header_octets + question_.size();
  buffer_.assign(end, 0);
  dns::Header header;
  header.id = id_;
  header.flags =
      static_cast<std::uint16_t>(dns::flag::qr | copied_flags_ | static_cast<int>(dns::Rcode::servfail));
  header.questions = 1;
  dns::store16(buffer_.data(), static_cast<std::uint16_t>(buffer_.size() - 2));
  dns::store_header(buffer_.data() + 2, header);
  std::memcpy(buffer_.data() + 2 + dns::header_octets, question_.data(), question_.size());
  return buffer_;
}

}  // namespace understudy::server
