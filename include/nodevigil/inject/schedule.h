#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "nodevigil/base/result.h"
#include "nodevigil/inject/scenario.h"
#include "nodevigil/inject/workload.h"

namespace nodevigil {

/// The longest fault, and the longest wait.
inline constexpr std::chrono::hours kLongestFault{24};
/// The most faults of one schedule.
inline constexpr int kMostSteps = 100'000;

/// One fault of a schedule, after a wait; or, without parts, ordinary work alone.
struct ScheduledFault {
  std::chrono::milliseconds wait{};
  std::vector<Part> parts;
  std::chrono::milliseconds duration{};
  std::chrono::milliseconds ramp{};
  std::uint64_t seed = 0;
  const Workload* workload = nullptr;  ///< goes on during the wait and the fault; nullptr: none
};

/// What is to be done, settled before anything is done.
struct Schedule {
  std::uint64_t seed = 0;
  std::string node;     ///< empty: whatever the caller says
  bool normal = false;  ///< a window of type kNormalType goes over all of it
  std::vector<ScheduledFault> faults;
  std::chrono::milliseconds rest{};  ///< wait after the last one
};

/// What the command line says of one scenario.
struct FaultRequest {
  std::string scenario;                  ///< "cpu", "cpu+disk-write"
  std::string intensity;                 ///< "80", "80+20"; empty: the table's
  std::chrono::milliseconds duration{};  ///< 0: the table's
  std::chrono::milliseconds ramp{};
  std::int64_t repeat = 1;
  std::chrono::milliseconds gap_min{};
  std::chrono::milliseconds gap_max{};
  std::uint64_t seed = 0;
};

/// Errors name what is wrong and what was expected.
[[nodiscard]] Result<Schedule> schedule_of(const FaultRequest& request);
/// A campaign file, docs/inject.md says how it looks. `path` is for messages.
[[nodiscard]] Result<Schedule> parse_campaign(std::string_view text, const std::string& path);

/// How long all of it takes.
[[nodiscard]] std::chrono::milliseconds length_of(const Schedule& schedule);
/// Error: it has no fault number `step`, from 1 on.
[[nodiscard]] Result<void> check_step(const Schedule& schedule, std::size_t step);
/// One line for each fault from number `from_step` on, with its number from 1 and its time from the
/// start of the whole.
[[nodiscard]] std::string schedule_as_text(const Schedule& schedule, std::size_t from_step = 1);
/// The intensities as they are given: "80", "80+20".
[[nodiscard]] std::string intensity_text(std::span<const Part> parts);

}  // namespace nodevigil
