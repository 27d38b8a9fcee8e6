// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include <caf/telemetry/counter.hpp>
#include <caf/telemetry/gauge.hpp>
#include <caf/telemetry/histogram.hpp>
#include <caf/telemetry/metric.hpp>
#include <caf/telemetry/metric_family.hpp>

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace troupe::observing {

/// Collects metrics of CAF in Prometheus' text format, whatever their names and
/// labels hold. CAF's own collector writes the time of each value, so that a
/// program that has crashed seems to be there for minutes, and text that
/// Prometheus does not read where a label holds a quote.
class exposition {
public:
  using family = caf::telemetry::metric_family;
  using metric = caf::telemetry::metric;

  /// All that was collected.
  [[nodiscard]] std::string text() const;

  // -- for caf::telemetry::metric_registry ------------------------------------

  void operator()(const family* of, const metric* who,
                  const caf::telemetry::int_counter* x) {
    add(*of, *who, "counter", to_text(x->value()));
  }

  void operator()(const family* of, const metric* who,
                  const caf::telemetry::dbl_counter* x) {
    add(*of, *who, "counter", to_text(x->value()));
  }

  void operator()(const family* of, const metric* who,
                  const caf::telemetry::int_gauge* x) {
    add(*of, *who, "gauge", to_text(x->value()));
  }

  void operator()(const family* of, const metric* who,
                  const caf::telemetry::dbl_gauge* x) {
    add(*of, *who, "gauge", to_text(x->value()));
  }

  void operator()(const family* of, const metric* who,
                  const caf::telemetry::int_histogram* x) {
    add_histogram(*of, *who, *x);
  }

  void operator()(const family* of, const metric* who,
                  const caf::telemetry::dbl_histogram* x) {
    add_histogram(*of, *who, *x);
  }

private:
  /// One name: its type, and what is said of it.
  struct section {
    std::string_view type;
    std::string text;
  };

  [[nodiscard]] static std::string to_text(std::int64_t x);

  [[nodiscard]] static std::string to_text(double x);

  /// Whether a metric of another type is written under that name.
  [[nodiscard]] bool clashes(const std::string& name,
                             std::string_view type) const;

  /// @returns null if another metric has that name, and is of another type.
  [[nodiscard]] std::string*
  section_of(const std::string& name, const family& of, std::string_view type);

  void add(const family& of, const metric& who, std::string_view type,
           const std::string& value);

  template <class Histogram>
  void add_histogram(const family& of, const metric& who, const Histogram& x);

  std::map<std::string, section> sections_;
};

/// A label's value, or a text of help, between the quotes of that format.
[[nodiscard]] std::string escaped(std::string_view text, bool is_label);

} // namespace troupe::observing
