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

TemporaryDirectory::TemporaryDirectory() {
  std::string pattern = (std::filesystem::temp_directory_path() / "understudy-test-XXXXXX").string();
  if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("no temporary directory could be made");
  path_ = pattern;
}

TemporaryDirectory::~TemporaryDirectory() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

TestMirror::TestMirror() {
  backend::MirrorOptions options;
  options.directory = directory_.path();
  options.map_octets = 1ull << 30;
  mirror_ = checked(backend::open_mirror(options), "open_mirror");
  pipeline_ = std::make_unique<server::QueryPipeline>(tables_, checked(mirror_->reader(), "reader"), 0,
                                                      nullptr, nullptr);
}

TestMirror::~TestMirror() = default;

std::shared_ptr<backend::ZoneEntry> TestMirror::store(const ZoneText& text) {
  backend::Writer& writer = mirror_->writer();
  const dns::Name apex = product_name(text.apex);
  backend::ZoneRow row = checked(writer.ensure_zone(apex), "ensure_zone");
  auto entry = std::make_shared<backend::ZoneEntry>(apex, row.id, text.policy);
  entry->set_service(text.service);
  if (text.service == backend::Service::no_data) return entry;
  row.generation = checked(writer.begin(row.id), "begin");
  backend::BuildOptions options;
  options.apex = apex;
  options.spool_directory = directory_.path();
  backend::ZoneBuilder builder(options);
  for (const Rr& record : text.records) {
    const dns::Name owner = product_name(record.owner);
    checked(builder.add({owner, dns::RRType{record.type}, record.ttl, record.rdata}), "add");
  }
  const auto sink = [&](std::vector<backend::StoredNode> nodes) { return writer.put(row.generation, nodes); };
  const backend::BuildSummary summary = checked(builder.finish(sink), "finish");
  row.version += 1;
  row.serial = summary.serial;
  row.records = summary.records;
  row.nodes = summary.nodes;
  row.digest = summary.digest;
  const std::uint64_t commit = checked(writer.publish(apex, row, {}), "publish");
  entry->publish({row.generation, row.version}, commit);
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
  server::Client client;
  client.address = boost::asio::ip::address_v4::loopback();
  client.proto = proto;
  pipeline_->begin_batch();
  const server::Response response = pipeline_->answer(query, client, out);
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
