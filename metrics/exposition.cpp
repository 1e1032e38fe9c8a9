#include "metrics/exposition.h"

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include <cassert>
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

}  // namespace

struct Exposition::Impl {
  std::vector<prometheus::MetricFamily> families;

  prometheus::MetricFamily& family(FamilyId id) { return families[static_cast<std::size_t>(id)]; }
};

Exposition::Exposition() : impl_(std::make_unique<Impl>()) {
  for (const FamilyRow& row : families()) {
    impl_->families.push_back({std::string(row.name), std::string(row.help), prometheus_type(row.type), {}});
  }
}

Exposition::~Exposition() = default;

void Exposition::add(FamilyId family, std::initializer_list<std::string_view> labels, double value) {
  const FamilyRow& row = families()[static_cast<std::size_t>(family)];
  assert(labels.size() == row.labels.size());
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
  std::erase_if(impl_->families,
                [](const prometheus::MetricFamily& family) { return family.metric.empty(); });
  std::ostringstream out;
  prometheus::TextSerializer().Serialize(out, impl_->families);
  return out.str();
}

}  // namespace understudy::metrics
