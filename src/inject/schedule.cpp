#include "nodevigil/inject/schedule.h"

#include <iomanip>
#include <sstream>

#include "nodevigil/base/units.h"
#include "nodevigil/inject/random.h"

namespace nodevigil {

using std::chrono::milliseconds;

Result<Schedule> schedule_of(const FaultRequest& request) {
  const auto parts = parse_parts(request.scenario, request.intensity);
  if (!parts) return parts.error();
  milliseconds duration = request.duration;
  if (duration.count() == 0) {
    for (const Part& part : *parts) {
      duration = std::max(duration, milliseconds{part.scenario->duration});
    }
  }
  if (request.ramp > duration) {
    return Error{ErrorCode::kInvalid, "expected at most the duration, " + format_duration(duration),
                 "--ramp"};
  }
  if (request.gap_min > request.gap_max) {
    return Error{ErrorCode::kInvalid,
                 "expected at most --gap-max, " + format_duration(request.gap_max), "--gap-min"};
  }
  Random random{request.seed};
  Schedule schedule;
  schedule.seed = request.seed;
  for (std::int64_t i = 0; i < request.repeat; ++i) {
    ScheduledFault fault;
    const double gap = random.between(static_cast<double>(request.gap_min.count()),
                                      static_cast<double>(request.gap_max.count()));
    if (i > 0) fault.wait = milliseconds{static_cast<std::int64_t>(gap)};
    fault.parts = *parts;
    fault.duration = duration;
    fault.ramp = request.ramp;
    fault.seed = random.next();
    schedule.faults.push_back(std::move(fault));
  }
  return schedule;
}

milliseconds length_of(const Schedule& schedule) {
  milliseconds length = schedule.rest;
  for (const ScheduledFault& fault : schedule.faults) length += fault.wait + fault.duration;
  return length;
}

std::string intensity_text(std::span<const Part> parts) {
  std::string text;
  for (const Part& part : parts) text += (text.empty() ? "" : "+") + plain_number(part.intensity);
  return text;
}

Result<void> check_step(const Schedule& schedule, std::size_t step) {
  if (step >= 1 && step <= schedule.faults.size()) return {};
  return Error{ErrorCode::kInvalid,
               "expected a step from 1 to " + std::to_string(schedule.faults.size()),
               "--from-step"};
}

std::string schedule_as_text(const Schedule& schedule, std::size_t from_step) {
  std::ostringstream text;
  milliseconds at{};
  std::size_t number = 0;
  for (const ScheduledFault& fault : schedule.faults) {
    at += fault.wait;
    if (++number < from_step) {
      at += fault.duration;
      continue;
    }
    text << std::right << std::setw(5) << number << "  after " << std::left << std::setw(14)
         << format_duration(at) << "  ";
    if (fault.parts.empty()) {
      text << std::setw(41) << "ordinary work";
    } else {
      text << std::setw(20) << type_of(fault.parts) << " intensity " << std::setw(9)
           << intensity_text(fault.parts) << ' ';
    }
    text << "for " << format_duration(fault.duration);
    if (fault.ramp.count() > 0) text << ", ramp " << format_duration(fault.ramp);
    if (fault.workload != nullptr) text << ", with " << fault.workload->name;
    text << '\n';
    at += fault.duration;
  }
  text << "seed " << schedule.seed << ", " << format_duration(length_of(schedule)) << " in all\n";
  return text.str();
}

}  // namespace nodevigil
