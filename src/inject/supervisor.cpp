#include "supervisor.h"

#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <utility>

#include "nodevigil/base/log.h"
#include "nodevigil/base/units.h"
#include "nodevigil/inject/load.h"
#include "peer_process.h"

namespace nodevigil {
namespace {

using Json = nlohmann::ordered_json;
using std::chrono::milliseconds;

constexpr std::int64_t kNsPerMs = 1'000'000;
// Of windows, for the guardian: the campaign's, and the one of the fault under way.
constexpr int kCampaignWindow = 0;
constexpr int kFaultWindow = 1;
// Address space that a worker may take beside what its fault takes.
constexpr std::int64_t kWorkingMemory = std::int64_t{256} << 20;

WorkerLimits limits_of(const Scenario& scenario, std::int64_t room, bool grouped,
                       milliseconds duration) {
  WorkerLimits limits;
  // A group limits what is used, so that the address space need not be limited as tightly.
  limits.more_memory = scenario.grows_memory && !grouped ? room : room + kWorkingMemory;
  if (!scenario.grows_memory) limits.file_size = room;
  limits.cpu_seconds = duration.count() / 1000 + 60;
  return limits;
}

bool wants_peer(const Schedule& schedule, std::size_t from) {
  return std::any_of(schedule.faults.begin() + static_cast<std::ptrdiff_t>(from),
                     schedule.faults.end(), [](const ScheduledFault& fault) {
                       return (fault.workload != nullptr && fault.workload->needs_peer) ||
                              std::ranges::any_of(fault.parts, [](const Part& part) {
                                return part.scenario->needs_peer;
                              });
                     });
}

}  // namespace

Supervisor::Supervisor(const Schedule& schedule, const InjectOptions& options, Guardian& guardian,
                       Crew& crew, WindowStore& store)
    : schedule_(schedule), options_(options), guardian_(guardian), crew_(crew), store_(store) {}

Result<InjectSummary> Supervisor::run() {
  if (const auto prepared = prepare(); !prepared) return prepared.error();
  begin_campaign();
  std::optional<Error> first_error;
  for (std::size_t i = options_.from_step - 1;
       i < schedule_.faults.size() && crew_.stop_reason().empty(); ++i) {
    const auto ran = run_fault(i);
    if (ran) continue;
    ++summary_.refused;
    // Where nothing was done, this is the answer of the whole call.
    if (schedule_.faults.size() > 1 || summary_.done > 0) {
      log_warn("fault " + std::to_string(i + 1) +
               " was not done to its end: " + ran.error().message());
    }
    if (!first_error) first_error = ran.error();
  }
  if (schedule_.rest.count() > 0) {
    crew_.wait_or_stop(clock_.now().steady_ns + schedule_.rest.count() * kNsPerMs);
  }
  change_workload(nullptr, 0);
  end_campaign();
  end_link(guardian_, peer_);
  summary_.stopped = !crew_.stop_reason().empty();
  if (summary_.done == 0 && first_error) return *first_error;
  return summary_;
}

Result<void> Supervisor::prepare() {
  // One link for all of it: devices that come and go would be seen by whoever watches the node.
  if (!wants_peer(schedule_, options_.from_step - 1)) return {};
  auto peer = start_peer(crew_, guardian_, why_loopback_);
  if (!peer) return peer.error();
  peer_ = std::move(*peer);
  has_peer_ = true;
  if (!why_loopback_.empty()) {
    log_warn(
        "network faults stay within loopback and cannot move packets and bytes of the node's "
        "devices: " +
        why_loopback_);
  }
  return {};
}

milliseconds Supervisor::time_left(std::size_t from) const {
  milliseconds left = schedule_.rest;
  for (std::size_t i = from; i < schedule_.faults.size(); ++i) {
    left += schedule_.faults[i].wait + schedule_.faults[i].duration;
  }
  return left;
}

void Supervisor::begin_campaign() {
  if (!schedule_.normal) return;
  const std::int64_t now = clock_.now().wall_us;
  campaign_.emplace(options_.node, std::string{kNormalType},
                    Json{{"campaign", true}, {"seed", schedule_.seed}, {"pid", ::getpid()}});
  campaign_->begin(now, now + time_left(options_.from_step - 1).count() * 1000);
  guardian_.watch_window(kCampaignWindow, *campaign_);
  const auto id = store_.add(campaign_->window());
  if (!id) {
    log_error("the campaign is not recorded: " + id.error().message());
    return;
  }
  campaign_->set_id(*id);
  guardian_.watch_window(kCampaignWindow, *campaign_);
}

void Supervisor::end_campaign() {
  if (!campaign_) return;
  campaign_->end(clock_.now().wall_us,
                 crew_.stop_reason().empty() ? "time limit" : crew_.stop_reason());
  const AnomalyWindow window = campaign_->window();
  if (window.id != 0) {
    if (const auto kept = store_.update(window); !kept) {
      log_error("the campaign's window stays open: " + kept.error().message());
    }
  }
  guardian_.forget_window(kCampaignWindow);
}

void Supervisor::change_workload(const Workload* workload, std::uint64_t seed) {
  if (workload == workload_) return;
  crew_.end(workload_places_);
  workload_places_.clear();
  workload_ = workload;
  if (workload == nullptr) return;
  LoadOrder order;
  order.intensity = 1;
  order.duration = kLongestFault * 365;
  order.seed = seed;
  order.work_dir = options_.work_dir;
  order.peer = peer_;
  const auto place =
      crew_.start("nv-" + std::string{workload->name}, WorkerLimits{}, [&](const WorkerEnds& ends) {
        Load load{order, ends.report_fd};
        workload->run(load);
      });
  if (!place) {
    log_warn("no workload: " + place.error().message());
    return;
  }
  workload_places_ = {*place};
}

Result<void> Supervisor::run_fault(std::size_t number) {
  const ScheduledFault& plan = schedule_.faults[number];
  change_workload(plan.workload, plan.seed);
  if (plan.parts.empty()) {
    do_work(number);
    return {};
  }
  Json scenarios = Json::array();
  for (const Part& part : plan.parts) {
    scenarios.push_back(Json{{"scenario", part.scenario->name},
                             {"intensity", part.intensity},
                             {"unit", part.scenario->unit}});
  }
  const std::string type = type_of(plan.parts);
  Fault fault{&plan,
              number + 1,
              type,
              Record{options_.node, type,
                     Json{{"scenario", type},
                          {"intensity", plan.parts.size() == 1 ? Json(plan.parts[0].intensity)
                                                               : Json(intensity_text(plan.parts))},
                          {"parts", scenarios},
                          {"duration", format_duration(plan.duration)},
                          {"ramp", format_duration(plan.ramp)},
                          {"seed", schedule_.seed},
                          {"repetition", number + 1},
                          {"pid", ::getpid()}}},
              {},
              {},
              {},
              {}};
  if (plan.workload != nullptr) fault.record.set("workload", plan.workload->name);
  if (has_peer_) fault.record.set("network", peer_.device.empty() ? "loopback" : peer_.device);
  change_phase(fault, "waiting", clock_.now().wall_us,
               plan.wait.count() > 0 ? "for " + format_duration(plan.wait) : "");
  crew_.wait_or_stop(clock_.now().steady_ns + plan.wait.count() * kNsPerMs);
  if (!crew_.stop_reason().empty()) return {};
  change_phase(fault, "starting", clock_.now().wall_us);
  if (const auto room = check_room(fault); !room) return room.error();
  if (const auto started = start_workers(fault); !started) {
    crew_.end(fault.places);
    return started.error();
  }
  watch(fault);
  ++summary_.done;
  if (fault.store_error) return *fault.store_error;
  for (const std::size_t place : fault.places) {
    const Member& member = crew_.member(place);
    if (!member.failure.empty()) return Error{ErrorCode::kIo, member.failure, fault.type};
  }
  return {};
}

// Ordinary work is no fault: it has no window of its own.
void Supervisor::do_work(std::size_t number) {
  const ScheduledFault& plan = schedule_.faults[number];
  if (options_.progress) {
    options_.progress({number + 1, schedule_.faults.size(), std::string{plan.workload->name},
                       "ordinary work", clock_.now().wall_us,
                       "for " + format_duration(plan.duration)});
  }
  crew_.wait_or_stop(clock_.now().steady_ns + plan.duration.count() * kNsPerMs);
  ++summary_.done;
}

Result<void> Supervisor::check_room(Fault& fault) const {
  const auto machine = read_machine(options_.work_dir);
  if (!machine) return machine.error();
  Machine left = *machine;
  for (const Part& part : fault.plan->parts) {
    const auto room = part.scenario->room(part.intensity, left);
    if (!room)
      return Error{room.error().code, room.error().context, std::string{part.scenario->name}};
    // What one part takes is not there for the next one.
    if (part.scenario->grows_memory) {
      left.memory_available -= *room;
      left.memory_allowed -= *room;
    } else {
      left.disk_available -= *room;
    }
    fault.room.push_back(*room);
  }
  return {};
}

Result<void> Supervisor::start_workers(Fault& fault) {
  (void)crew_.take_phases();
  const auto machine = read_machine(options_.work_dir);
  const int cores = machine ? machine->cores : 1;
  for (std::size_t i = 0; i < fault.plan->parts.size(); ++i) {
    const Part& part = fault.plan->parts[i];
    std::optional<MemoryGroup> group;
    if (part.scenario->grows_memory) {
      group = MemoryGroup::make(fault.room[i], i, guardian_);
      fault.record.set("memory_limit", fault.room[i]);
      fault.record.set("memory_limit_by", group ? "cgroup" : "address space");
    }
    LoadOrder order;
    order.intensity = part.intensity;
    order.room = fault.room[i];
    order.duration = fault.plan->duration;
    order.ramp = fault.plan->ramp;
    order.work_dir = options_.work_dir;
    order.peer = peer_;
    order.workers = part.scenario->on_every_core ? cores : 1;
    const auto limits =
        limits_of(*part.scenario, fault.room[i], group.has_value(), fault.plan->duration);
    for (order.worker = 0; order.worker < order.workers; ++order.worker) {
      order.seed = fault.plan->seed + static_cast<std::uint64_t>(order.worker);
      const auto place = crew_.start("nv-" + std::string{part.scenario->name}, limits,
                                     [&](const WorkerEnds& ends) {
                                       ends.wait_for_go();
                                       Load load{order, ends.report_fd};
                                       part.scenario->run(load);
                                     });
      if (!place) return place.error();
      fault.places.push_back(*place);
      if (group && !group->add(crew_.member(*place).worker.pid)) {
        return Error{ErrorCode::kPermission, "cannot move a process into it", group->path()};
      }
    }
    if (group) fault.groups.push_back(std::move(*group));
  }
  return {};
}

void Supervisor::watch(Fault& fault) {
  const ClockReading now = clock_.now();
  const std::int64_t end_ns = now.steady_ns + fault.plan->duration.count() * kNsPerMs;
  const std::int64_t ramp_ns = now.steady_ns + fault.plan->ramp.count() * kNsPerMs;
  fault.record.begin(now.wall_us, now.wall_us + fault.plan->duration.count() * 1000);
  bool ramping = fault.plan->ramp.count() > 0;
  change_phase(fault, ramping ? "ramp" : "running", now.wall_us,
               "intensity " + intensity_text(fault.plan->parts) + ", for " +
                   format_duration(fault.plan->duration));
  for (const std::size_t place : fault.places) crew_.member(place).worker.let_go();
  keep(fault);
  std::string why;
  while (why.empty()) {
    crew_.wait(ramping ? std::min(ramp_ns, end_ns) : end_ns);
    for (const PhaseReport& report : crew_.take_phases()) {
      change_phase(fault, report.phase, report.at_us);
    }
    if (ramping && clock_.now().steady_ns >= ramp_ns) {
      ramping = false;
      change_phase(fault, "running", clock_.now().wall_us);
    }
    if (!crew_.stop_reason().empty()) {
      why = crew_.stop_reason();
    } else if (clock_.now().steady_ns >= end_ns) {
      why = "time limit";
    } else {
      why = why_over(fault);
    }
  }
  const bool by_itself = why != crew_.stop_reason() && why != "time limit";
  crew_.end(fault.places);
  std::int64_t end_us = clock_.now().wall_us;
  if (by_itself) {
    end_us = 0;
    for (const std::size_t place : fault.places) {
      end_us = std::max(end_us, crew_.member(place).end_us);
    }
  }
  finish(fault, end_us, why);
}

std::string Supervisor::why_over(const Fault& fault) const {
  std::string why = "time limit";  // a worker ends by itself when its time is over
  for (const std::size_t place : fault.places) {
    const Member& member = crew_.member(place);
    if (member.alive) return "";
    if (!member.failure.empty()) {
      why = "failed";
    } else if (member.bound_reached) {
      why = "killed at its bound";
    } else if (WIFSIGNALED(member.status)) {
      const bool by_kernel = std::ranges::any_of(
          fault.groups, [](const MemoryGroup& group) { return group.killed() > 0; });
      why = by_kernel ? "killed by the kernel (OOM)"
                      : "killed by signal " + std::to_string(WTERMSIG(member.status));
    }
  }
  return why;
}

void Supervisor::finish(Fault& fault, std::int64_t end_us, const std::string& why) {
  for (const std::size_t place : fault.places) {
    const std::string& failure = crew_.member(place).failure;
    if (!failure.empty()) fault.record.set("error", failure);
  }
  fault.record.end(end_us, why);
  guardian_.watch_window(kFaultWindow, fault.record);
  fault.groups.clear();
  keep(fault);
  if (!fault.store_error) guardian_.forget_window(kFaultWindow);
  change_phase(fault, "ended", end_us, why);
}

void Supervisor::keep(Fault& fault) {
  const AnomalyWindow window = fault.record.window();
  Result<void> kept;
  if (window.id != 0) {
    kept = store_.update(window);
  } else if (const auto id = store_.add(window); id) {
    fault.record.set_id(*id);
    guardian_.watch_window(kFaultWindow, fault.record);
  } else {
    kept = id.error();
  }
  fault.store_error.reset();
  if (!kept) {
    fault.store_error = kept.error();
    log_error("the label is not kept: " + kept.error().message());
  }
}

void Supervisor::change_phase(Fault& fault, const std::string& phase, std::int64_t at_us,
                              const std::string& note) {
  if (phase != "ended") {  // that one is written by the record itself
    fault.record.add_phase(phase, at_us);
    if (fault.record.begun()) guardian_.watch_window(kFaultWindow, fault.record);
  }
  if (options_.progress) {
    options_.progress({fault.number, schedule_.faults.size(), fault.type, phase, at_us, note});
  }
}

Result<InjectSummary> run_schedule(const Schedule& schedule, const InjectOptions& options) {
  if (options.from_step < 1 || options.from_step > schedule.faults.size()) {
    return Error{ErrorCode::kInvalid,
                 "expected a step from 1 to " + std::to_string(schedule.faults.size()),
                 "--from-step"};
  }
  auto guardian = Guardian::start(options.open);
  if (!guardian) return guardian.error();
  auto crew = Crew::make(*guardian, options.stop_with_parent);
  if (!crew) {
    guardian->finish();
    return crew.error();
  }
  auto store = options.open();
  if (!store) {
    guardian->finish();
    return store.error();
  }
  auto summary = Supervisor{schedule, options, *guardian, *crew, **store}.run();
  crew->end_all();
  guardian->finish();
  return summary;
}

}  // namespace nodevigil
