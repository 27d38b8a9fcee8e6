// Distributed under the terms and conditions of the BSD 3-Clause License; see
// the file LICENSE.

#pragma once

#include <cstddef>
#include <iosfwd>
#include <optional>
#include <string>
#include <vector>

/// The benchmark program. A case is a function `void(report&, const settings&)`
/// in a file of its own, and one entry in main.cpp.
namespace troupe::bench {

/// How the cases are to be run.
struct settings {
  /// Sizes that take a second instead of minutes. What comes out shows that the
  /// benchmark works, and no more than that.
  bool quick = false;
};

/// What a row has to reach.
struct target {
  enum class of { value, ratio };
  enum class kind { at_most, at_least };

  of what;
  kind which;
  double limit;
};

[[nodiscard]] constexpr target value_at_most(double limit) {
  return {target::of::value, target::kind::at_most, limit};
}

[[nodiscard]] constexpr target value_at_least(double limit) {
  return {target::of::value, target::kind::at_least, limit};
}

[[nodiscard]] constexpr target ratio_at_most(double limit) {
  return {target::of::ratio, target::kind::at_most, limit};
}

[[nodiscard]] constexpr target ratio_at_least(double limit) {
  return {target::of::ratio, target::kind::at_least, limit};
}

/// What somebody else's code takes for the same, measured in the same run.
struct peer {
  std::string name;
  double value = 0;
};

/// One thing that was measured.
struct row {
  std::string name;

  /// Of both values: "ns", "bytes", "messages/s" ...
  std::string unit;

  double troupe = 0;

  std::optional<troupe::bench::peer> peer = {};

  /// Why there is no peer, if there should be one.
  std::string missing_peer = {};

  std::optional<troupe::bench::target> target = {};

  /// @returns troupe's value divided by the peer's, if there is a peer: below 1
  ///          is good for times, above 1 for rates.
  [[nodiscard]] std::optional<double> ratio() const;

  /// @returns Whether the target is met, if there is one.
  [[nodiscard]] std::optional<bool> met() const;
};

/// Prints rows as they come, as a table.
class report {
public:
  /// @param json Gets the rows too, if not null: one JSON object a line.
  report(std::ostream& out, std::ostream* json);

  void add(const row& what);

  /// @returns Whether no row has missed its target so far.
  [[nodiscard]] bool all_met() const noexcept {
    return all_met_;
  }

private:
  std::ostream& out_;
  std::ostream* json_;
  bool empty_ = true;
  bool all_met_ = true;
};

/// @param share From 0 (the smallest) to 1 (the largest).
/// @pre `values` is not empty.
[[nodiscard]] double percentile(std::vector<double> values, double share);

/// @pre `values` is not empty.
[[nodiscard]] double median(std::vector<double> values);

/// @returns The number for JSON, in four digits that count; null if it is not
///          finite, which JSON does not know.
[[nodiscard]] std::string json_number(double x);

/// @returns The number with thousands set apart: "1,000,000".
[[nodiscard]] std::string grouped(std::size_t number);

} // namespace troupe::bench
