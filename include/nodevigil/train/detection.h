#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace nodevigil {

/// Types of rows that are no attack's, in JudgedRow::type.
inline constexpr std::int32_t kNotLabelled = -1;
inline constexpr std::int32_t kNoAttack = -2;
/// An attack that is not asked about; an alarm for it is no false one.
inline constexpr std::int32_t kLeftOut = -3;

/// What is known of a row, and what the agent makes of it.
struct JudgedRow {
  std::uint32_t node = 0;            ///< rows of a node stand together, in order of time
  double interval_s = 0;             ///< between the rows of the node
  std::int32_t type = kNotLabelled;  ///< index in a list of types of attacks
  bool ready = true;                 ///< the agent judged it: it was past its warm-up
  bool over = false;                 ///< Scored::over
  bool anomalous = false;            ///< Scored::anomalous
  std::int32_t verdict = 0;          ///< Scored::verdict

  /// Also one that is not asked about.
  [[nodiscard]] bool is_attack() const { return type >= 0 || type == kLeftOut; }
};

/// A run of neighbouring rows of one node and one type of attack.
struct Incident {
  std::uint32_t node = 0;
  std::int32_t type = 0;
  std::size_t first_row = 0;
  std::size_t rows = 0;
  /// Samples from the first one of the incident to the first one over a threshold, both of the
  /// incident: 0 where it was seen in its first sample; nullopt: it was not seen.
  std::optional<std::size_t> delay;
  /// What most of its rows under alarm were given, a class or kClassUnknown; of as many the class.
  /// Nothing where it was not seen.
  std::optional<std::int32_t> verdict;
  /// No alarm was raised when it began: that it was seen is no earlier alarm's merit.
  bool from_calm = false;
  bool in_warmup = false;  ///< it began when the agent did not judge yet
};

/// Which rows count, by their place; none: all of them. Where several trees have each judged all
/// rows, those that one has not learned from.
using Counts = std::function<bool(std::size_t row)>;

/// The incidents of `rows` whose first row counts. A row that was not judged belongs to none.
[[nodiscard]] std::vector<Incident> find_incidents(std::span<const JudgedRow> rows,
                                                   const Counts& counts = {});

/// Alarms where nothing was wrong.
struct FalseAlarms {
  std::size_t alarms = 0;       ///< runs of rows under alarm that touch no attack
  std::size_t normal_rows = 0;  ///< rows past warm-up that are labelled as no attack
  std::size_t raised_rows = 0;  ///< of these, those under an alarm, of whatever cause
  double days = 0;              ///< time of the normal rows past warm-up
  /// Nothing without normal rows.
  [[nodiscard]] std::optional<double> a_day() const {
    return days > 0 ? std::optional{static_cast<double>(alarms) / days} : std::nullopt;
  }
  FalseAlarms& operator+=(const FalseAlarms& more);
};

/// An alarm that begins with the row after an attack is no false one: when an attack ended is known
/// to within a sample. Of those rows that count, and of the alarms whose first row does.
[[nodiscard]] FalseAlarms find_false_alarms(std::span<const JudgedRow> rows,
                                            const Counts& counts = {});

/// What some incidents came to.
struct IncidentFigures {
  std::size_t incidents = 0;
  std::size_t seen = 0;
  std::size_t named = 0;               ///< of those seen, with a class that stands for its type
  std::optional<double> median_delay;  ///< of those seen, if any
  std::optional<std::size_t> longest_delay;  ///< likewise

  [[nodiscard]] std::optional<double> recall() const;         ///< nothing without incidents
  [[nodiscard]] std::optional<double> right_of_seen() const;  ///< nothing where none was seen
};

/// What the incidents of one type, or all, came to.
struct IncidentSummary {
  std::string type;  ///< empty: all
  IncidentFigures all;
  IncidentFigures from_calm;  ///< of those that began without an alarm
  std::size_t in_warmup = 0;  ///< more of them, that are in no other figure
};

/// How well an agent detects.
struct Detection {
  std::vector<IncidentSummary> incidents;  ///< as summarise() gives them
  FalseAlarms false_alarms;
};

/// By type in the order of `types`, those without incidents left out; the last one is of all.
/// `classes_of`: for each type the classes that stand for it.
[[nodiscard]] std::vector<IncidentSummary> summarise(
    std::span<const Incident> incidents, std::span<const std::string> types,
    std::span<const std::vector<std::uint16_t>> classes_of);

}  // namespace nodevigil
