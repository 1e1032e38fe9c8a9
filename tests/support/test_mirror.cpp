#include "support/test_mirror.h"

#include <cstdlib>
#include <filesystem>
#include <stdexcept>

namespace understudy::test {

namespace {

dns::Name product_name(const Labels& labels) {
  Bytes wire;
  append_name(wire, labels);
  const auto view = dns::NameView::parse(wire);
  if (!view) throw std::runtime_error("no domain name: " + text_of(labels));
  return dns::Name(*view);
}

template <class T>
T checked(Result<T> result, const char* what) {
  if (!result)
    throw std::runtime_error(std::string(what) + ": " + std::string(result.error().reason) + ": " +
                             result.error().message);
  if constexpr (!std::is_void_v<T>) return std::move(*result);
}

}  // namespace

TestMirror::TestMirror(const std::vector<ZoneText>& zones, const server::PipelineOptions& options) {
  come_from("127.0.0.1");
  backend::MirrorOptions where;
  where.directory = directory_.path();
  where.map_octets = 1ull << 30;
  mirror_ = checked(backend::open_mirror(where), "open_mirror");
  pipeline_ = std::make_unique<server::QueryPipeline>(tables_, checked(mirror_->reader(), "reader"), 0,
                                                      nullptr, &notify_, options, &clock_);
  if (!zones.empty()) serve(zones);
}

void TestMirror::come_from(std::string_view address) {
  client_.address = boost::asio::ip::make_address(address);
}

TestMirror::~TestMirror() = default;

std::vector<backend::StoredNode> TestMirror::nodes_of(const ZoneText& text, backend::BuildSummary* summary) {
  backend::BuildOptions options;
  options.apex = product_name(text.apex);
  options.spool_directory = directory_.path();
  backend::ZoneBuilder builder(options);
  for (const Rr& record : text.records) {
    const dns::Name owner = product_name(record.owner);
    checked(builder.add({owner, dns::RRType{record.type}, record.ttl, record.rdata}), "add");
  }
  std::vector<backend::StoredNode> all;
  const auto sink = [&](std::vector<backend::StoredNode> nodes) {
    std::move(nodes.begin(), nodes.end(), std::back_inserter(all));
    return Result<>();
  };
  const backend::BuildSummary built = checked(builder.finish(sink), "finish");
  if (summary != nullptr) *summary = built;
  return all;
}

backend::ZoneRow TestMirror::publish(const ZoneText& text, backend::MergeBounds bounds) {
  backend::Writer& writer = mirror_->writer();
  std::vector<backend::NewVersion> next(1);
  next[0].apex = product_name(text.apex);
  backend::ZoneRow& row = next[0].row;
  row = checked(writer.ensure_zone(next[0].apex), "ensure_zone");
  backend::BuildSummary summary;
  std::vector<backend::StoredNode> nodes = nodes_of(text, &summary);
  next[0].content = backend::Content::nodes;
  if (row.generation == 0) {
    next[0].nodes = std::move(nodes);
  } else {
    const auto reader = checked(mirror_->reader(), "reader");
    const auto sink = [&](std::vector<backend::StoredNode> some) {
      std::move(some.begin(), some.end(), std::back_inserter(next[0].nodes));
      return Result<>();
    };
    backend::ZoneMerge merge(*reader, row, sink, bounds);
    for (backend::StoredNode& node : nodes) checked(merge.add({std::move(node)}), "merge");
    backend::MergedZone merged = checked(merge.finish(), "merge");
    if (merged.content == backend::Content::patch) {
      next[0].content = backend::Content::patch;
      next[0].nodes = std::move(merged.nodes);
    }
    next[0].change = std::move(merged.change);
  }
  row.version += 1;
  row.serial = summary.serial;
  row.records = summary.records;
  row.nodes = summary.nodes;
  row.digest = summary.digest;
  next[0].timers = text.timers;
  checked(writer.publish(next), "publish");
  return row;
}

std::shared_ptr<backend::ZoneEntry> TestMirror::store(const ZoneText& text) {
  const dns::Name apex = product_name(text.apex);
  const bool data = text.service != backend::Service::no_data;
  const backend::ZoneRow row =
      data ? publish(text) : checked(mirror_->writer().ensure_zone(apex), "ensure_zone");
  auto entry = std::make_shared<backend::ZoneEntry>(apex, row.id,
                                                    std::make_shared<const backend::ZonePolicy>(text.policy));
  entry->set_service(text.service);
  // No reader knows the entry yet, and each is renewed before it reads: any commit will do.
  if (data) entry->publish({row.generation, row.version}, 1);
  return entry;
}

void TestMirror::serve(const std::vector<ZoneText>& zones) {
  std::vector<std::shared_ptr<backend::ZoneEntry>> entries;
  for (const ZoneText& text : zones) entries.push_back(store(text));
  tables_.swap(std::make_unique<const backend::ZoneTable>(std::move(entries)));
  while (checked(mirror_->writer().collect(), "collect")) {
  }
}

std::optional<Bytes> TestMirror::exchange(const Bytes& query, metrics::Proto proto) {
  // No larger than promised, so that a sanitizer sees a write past it.
  Bytes out(proto == metrics::Proto::udp ? limits::udp_octets : limits::message_octets);
  client_.proto = proto;
  pipeline_->begin_batch();
  const server::Response response = pipeline_->answer(query, client_, out);
  pipeline_->end_batch();
  if (response.kind != server::Response::Kind::send) return std::nullopt;
  out.resize(response.size);
  return out;
}

Message TestMirror::ask(const Query& query, metrics::Proto proto) {
  const auto response = exchange(encode(query), proto);
  if (!response) throw std::runtime_error("no response to " + text_of(query.name));
  return decode(*response);
}

Message TestMirror::ask(std::string_view qname, std::string_view qtype) {
  Query query;
  query.name = name(qname);
  query.type = type_of(qtype);
  return ask(query);
}

Message TestMirror::ask_tcp(std::string_view qname, std::string_view qtype) {
  Query query;
  query.name = name(qname);
  query.type = type_of(qtype);
  return ask(query, metrics::Proto::tcp);
}

}  // namespace understudy::test
