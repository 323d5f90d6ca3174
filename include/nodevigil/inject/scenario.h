#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "nodevigil/base/result.h"

namespace nodevigil {

class Load;
struct Machine;

enum class Direction : std::uint8_t { kUp, kDown };

/// One metric that a fault moves.
struct Effect {
  std::string_view metric;  ///< a name of metric_table(); empty: none
  Direction direction = Direction::kUp;
  bool needs_link = false;  ///< only with a network link of its own, which takes privileges
};

/// One row of THE TABLE of faults. The command line, its checks, the list and the labels derive
/// from it.
struct Scenario {
  std::string_view name;  ///< on the command line, and the type of its windows
  std::string_view help;
  std::string_view unit;  ///< of the intensity
  double fallback = 0;    ///< intensity where none is given
  double least = 1;
  double most = 0;
  std::chrono::seconds duration;  ///< where none is given
  bool on_every_core = false;     ///< intensity is a share of all cores, a worker for each of them
  bool needs_peer = false;        ///< it talks to a network peer
  bool reads_file = false;        ///< a file of its room is written before it begins
  bool grows_memory = false;      ///< it gets a memory cgroup of its own where one can be made
  std::array<Effect, 8> effects{};
  /// How many bytes of memory or disk it may take, or an error that says what is missing.
  Result<std::int64_t> (*room)(double intensity, const Machine& machine) = nullptr;
  void (*run)(Load& load) = nullptr;  ///< in a process of its own, which may be killed at any time
};

[[nodiscard]] std::span<const Scenario> scenario_table();
/// The metrics that it moves, without the empty places.
[[nodiscard]] std::vector<Effect> effects_of(const Scenario& scenario);

/// A scenario with its intensity.
struct Part {
  const Scenario* scenario = nullptr;
  double intensity = 0;
};

/// "cpu", or "cpu+disk-write" for faults that go on together; `intensities` likewise ("80",
/// "80+20"), empty: the table's. Errors name what is wrong and what there is.
[[nodiscard]] Result<std::vector<Part>> parse_parts(std::string_view names,
                                                    std::string_view intensities);
/// The names with '+' between them: the type of the window.
[[nodiscard]] std::string type_of(std::span<const Part> parts);

/// An intensity without an exponent, which the shortest text may have: "100000".
[[nodiscard]] std::string plain_number(double value);

/// The table for people, and for machines.
[[nodiscard]] std::string scenarios_as_text();
[[nodiscard]] std::string scenarios_as_json();

}  // namespace nodevigil
