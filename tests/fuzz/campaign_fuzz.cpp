#include "check.h"
#include "nodevigil/inject/schedule.h"

namespace {

using namespace nodevigil;
using std::chrono::milliseconds;

// What is put on a machine has bounds, whatever a file says.
void check_fault(const ScheduledFault& fault) {
  fuzz::check(fault.wait.count() >= 0 && fault.wait <= milliseconds{kLongestFault});
  fuzz::check(fault.duration.count() >= 1 && fault.duration <= milliseconds{kLongestFault});
  fuzz::check(fault.ramp.count() >= 0 && fault.ramp <= fault.duration);
  fuzz::check(!fault.parts.empty() || fault.workload != nullptr);
  for (const Part& part : fault.parts) {
    fuzz::check(part.scenario != nullptr);
    fuzz::check(part.intensity >= part.scenario->least && part.intensity <= part.scenario->most);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = fuzz::as_text(data, size);
  const auto schedule = parse_campaign(text, "fuzz");
  if (!schedule) {
    fuzz::check_refusal(schedule.error());
    fuzz::check(schedule.error().path == "fuzz");
    return 0;
  }
  fuzz::check(schedule->normal && schedule->node.size() <= 253);
  fuzz::check(!schedule->faults.empty());
  fuzz::check(schedule->faults.size() <= static_cast<std::size_t>(kMostSteps));
  for (const ScheduledFault& fault : schedule->faults) check_fault(fault);
  fuzz::check(length_of(*schedule) > milliseconds{0});
  // Long ones are what one says many times; their text tells nothing new and takes its time.
  constexpr std::size_t kLong = 200;
  if (schedule->faults.size() > kLong) return 0;
  const auto again = parse_campaign(text, "fuzz");
  fuzz::check(again.ok() && schedule_as_text(*again) == schedule_as_text(*schedule));
  for (std::size_t i = 0; i < again->faults.size(); ++i) {
    fuzz::check(again->faults[i].seed == schedule->faults[i].seed);
  }
  return 0;
}
