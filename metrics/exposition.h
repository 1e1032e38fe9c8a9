// One scrape: samples in, the text that Prometheus reads out.
//
// Made, filled and thrown away by the thread that answers the scrape; what it costs depends on the number of
// series, not on traffic. Families of which each zone has series are written as text at once: prometheus-cpp's
// structures take some microseconds a sample, which ten thousand zones make a second of. A test holds both ways
// to the same text.
#pragma once

#include <initializer_list>
#include <memory>
#include <string>

#include "metrics/cells.h"
#include "metrics/families.h"

namespace understudy::metrics {

class Exposition {
 public:
  Exposition();
  ~Exposition();

  // A counter or gauge. `labels`: a value for each label of the family's row, in its order.
  void add(FamilyId family, std::initializer_list<std::string_view> labels, double value);
  void add_summary(FamilyId family, double sum, std::uint64_t count);
  // The workers' durations added up.
  void add_durations(FamilyId family, std::span<const WorkerCounters* const> workers);

  // Ends the scrape: exposition format 0.0.4. Families without a sample are left out.
  std::string take_text();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace understudy::metrics
