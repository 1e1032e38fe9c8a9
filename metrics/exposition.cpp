#include "metrics/exposition.h"

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include <cassert>
#include <charconv>
#include <cmath>
#include <limits>
#include <sstream>
#include <vector>

namespace understudy::metrics {
namespace {

prometheus::MetricType prometheus_type(FamilyType type) {
  switch (type) {
    case FamilyType::counter:
      return prometheus::MetricType::Counter;
    case FamilyType::gauge:
      return prometheus::MetricType::Gauge;
    case FamilyType::histogram:
      return prometheus::MetricType::Histogram;
    case FamilyType::summary:
      return prometheus::MetricType::Summary;
  }
  return prometheus::MetricType::Untyped;
}

bool has_series_a_zone(const FamilyRow& row) { return !row.labels.empty() && row.labels.front() == "zone"; }

// Backslash, quote and end of line, or a name could forge a sample.
void append_escaped(std::string& out, std::string_view text) {
  for (std::size_t special; (special = text.find_first_of("\\\"\n")) != std::string_view::npos;) {
    out.append(text.substr(0, special));
    out += '\\';
    out += text[special] == '\n' ? 'n' : text[special];
    text.remove_prefix(special + 1);
  }
  out.append(text);
}

void append_number(std::string& out, double value) {
  constexpr double largest_whole = 9007199254740992.0;  // 2^53: up to here every whole number has a double
  char digits[32];
  std::to_chars_result end{};
  if (value == std::trunc(value) && std::abs(value) <= largest_whole) {
    end = std::to_chars(std::begin(digits), std::end(digits), static_cast<std::int64_t>(value));
  } else {
    end = std::to_chars(std::begin(digits), std::end(digits), value);
  }
  out.append(std::begin(digits), end.ptr);
}

// name{label="value",...} value
void append_sample(std::string& out, const FamilyRow& row, std::initializer_list<std::string_view> labels,
                   double value) {
  out.append(row.name);
  char before = '{';
  const std::string_view* text = labels.begin();
  for (const std::string_view name : row.labels) {
    out += before;
    out.append(name).append("=\"");
    append_escaped(out, *text++);
    out += '"';
    before = ',';
  }
  out.append("} ");
  append_number(out, value);
  out += '\n';
}

}  // namespace

struct Exposition::Impl {
  std::vector<prometheus::MetricFamily> families;
  std::vector<std::string> lines;  // of the families of which each zone has series; empty for the others

  prometheus::MetricFamily& family(FamilyId id) { return families[static_cast<std::size_t>(id)]; }
};

Exposition::Exposition() : impl_(std::make_unique<Impl>()) {
  for (const FamilyRow& row : families()) {
    impl_->families.push_back({std::string(row.name), std::string(row.help), prometheus_type(row.type), {}});
  }
  impl_->lines.resize(impl_->families.size());
}

Exposition::~Exposition() = default;

void Exposition::add(FamilyId family, std::initializer_list<std::string_view> labels, double value) {
  const FamilyRow& row = families()[static_cast<std::size_t>(family)];
  assert(labels.size() == row.labels.size());
  if (has_series_a_zone(row))
    return append_sample(impl_->lines[static_cast<std::size_t>(family)], row, labels, value);
  prometheus::ClientMetric sample;
  const std::string_view* text = labels.begin();
  for (const std::string_view name : row.labels) {
    sample.label.push_back({std::string(name), std::string(*text++)});
  }
  if (row.type == FamilyType::counter) {
    sample.counter.value = value;
  } else {
    sample.gauge.value = value;
  }
  impl_->family(family).metric.push_back(std::move(sample));
}

void Exposition::add_summary(FamilyId family, double sum, std::uint64_t count) {
  prometheus::ClientMetric sample;
  sample.summary.sample_sum = sum;
  sample.summary.sample_count = count;
  impl_->family(family).metric.push_back(std::move(sample));
}

void Exposition::add_durations(FamilyId family, std::span<const WorkerCounters* const> workers) {
  prometheus::ClientMetric sample;
  std::uint64_t nanoseconds = 0;
  for (const WorkerCounters* worker : workers) nanoseconds += worker->duration_nanoseconds.get();
  std::uint64_t cumulative = 0;
  for (std::size_t i = 0; i <= DurationBuckets::bounds.size(); ++i) {
    for (const WorkerCounters* worker : workers) cumulative += worker->duration_buckets[i].get();
    const double bound = i < DurationBuckets::bounds.size() ? DurationBuckets::bounds[i]
                                                            : std::numeric_limits<double>::infinity();
    sample.histogram.bucket.push_back({cumulative, bound});
  }
  sample.histogram.sample_count = cumulative;
  sample.histogram.sample_sum = static_cast<double>(nanoseconds) / 1e9;
  impl_->family(family).metric.push_back(std::move(sample));
}

std::string Exposition::take_text() {
  std::size_t octets = 0;
  for (const std::string& lines : impl_->lines) octets += lines.size() + 512;
  std::string text;
  text.reserve(octets + 65536);
  for (const FamilyRow& row : families()) {
    const auto place = static_cast<std::size_t>(row.id);
    if (!impl_->families[place].metric.empty()) {
      std::ostringstream out;
      prometheus::TextSerializer().Serialize(out, {std::move(impl_->families[place])});
      text.append(std::move(out).str());
    } else if (!impl_->lines[place].empty()) {
      text.append("# HELP ").append(row.name).append(" ").append(row.help).append("\n# TYPE ");
      text.append(row.name).append(row.type == FamilyType::counter ? " counter\n" : " gauge\n");
      text.append(impl_->lines[place]);
    }
  }
  return text;
}

}  // namespace understudy::metrics
