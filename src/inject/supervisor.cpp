#include "supervisor.h"

#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <span>
#include <utility>

#include "nodevigil/base/log.h"
#include "nodevigil/base/units.h"
#include "nodevigil/inject/load.h"
#include "report.h"
#include "scratch_file.h"

namespace nodevigil {
namespace {

using Json = nlohmann::ordered_json;
using std::chrono::milliseconds;

constexpr std::int64_t kNsPerMs = 1'000'000;
// Of the campaign's window, among labels; those of faults have their numbers, from 1.
constexpr std::size_t kCampaignKey = 0;
// Address space that a worker may take beside what its fault takes.
constexpr std::int64_t kWorkingMemory = std::int64_t{256} << 20;
constexpr const char* kTimeLimit = "time limit";
constexpr const char* kPeerEnded = "the network peer ended";
// For the file of a fault that reads one, on a slow disk.
constexpr std::chrono::minutes kFilePatience{2};

WorkerLimits limits_of(const Scenario& scenario, std::int64_t room, bool grouped,
                       milliseconds duration) {
  WorkerLimits limits;
  // A group limits what is used, so that the address space need not be limited as tightly.
  limits.more_memory = scenario.grows_memory && !grouped ? room : room + kWorkingMemory;
  if (!scenario.grows_memory) limits.file_size = room;
  limits.cpu_seconds = duration.count() / 1000 + 60;
  return limits;
}

bool faults_need_peer(const ScheduledFault& plan) {
  return std::ranges::any_of(plan.parts,
                             [](const Part& part) { return part.scenario->needs_peer; });
}

bool needs_peer(const ScheduledFault& plan) {
  return faults_need_peer(plan) || (plan.workload != nullptr && plan.workload->needs_peer);
}

// Why a worker is dead, in the words of labels. `group`: the one of its own, if it has one.
std::string why_dead(const Member& member, const std::optional<MemoryGroup>& group) {
  if (!member.failure.empty()) return "failed";
  if (member.bound_reached) return "killed at its bound";
  if (!WIFSIGNALED(member.status)) return kTimeLimit;  // it ends by itself when its time is over
  return group && group->killed() > 0
             ? "killed by the kernel (OOM)"
             : "killed by signal " + std::to_string(WTERMSIG(member.status));
}

}  // namespace

Supervisor::Supervisor(const Schedule& schedule, const InjectOptions& options, Guardian& guardian,
                       Crew& crew, WindowStore& store)
    : schedule_(schedule),
      options_(options),
      guardian_(guardian),
      crew_(crew),
      labels_(guardian, store) {}

std::vector<std::size_t> Supervisor::Fault::places() const {
  std::vector<std::size_t> all;
  for (const RunningPart& part : parts) {
    all.insert(all.end(), part.places.begin(), part.places.end());
  }
  return all;
}

Result<InjectSummary> Supervisor::run() {
  const std::size_t first = options_.from_step - 1;
  // At once: a device that comes in the middle would be seen by whoever watches the node.
  if (std::ranges::any_of(std::span{schedule_.faults}.subspan(first), needs_peer)) {
    if (const auto provided = provide_peer(); !provided) return provided.error();
  }
  begin_campaign();
  std::optional<Error> first_error;
  for (std::size_t i = first; i < schedule_.faults.size() && crew_.stop_reason().empty(); ++i) {
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
  labels_.try_again();
  end_campaign();
  labels_.say_what_is_lost();
  summary_.lost = labels_.waiting();
  if (peer_) end_link(guardian_, peer_->peer);
  summary_.stopped = !crew_.stop_reason().empty();
  if (summary_.done == 0 && first_error) return *first_error;
  return summary_;
}

bool Supervisor::has_peer() const { return peer_ && crew_.member(peer_->place).alive; }

// One for all faults; another one only where that has ended.
Result<void> Supervisor::provide_peer() {
  if (has_peer()) return {};
  if (peer_) {
    log_warn(std::string{kPeerEnded} + "; another one is started");
    end_link(guardian_, peer_->peer);
    peer_.reset();
    // It talks to the one that is gone.
    if (workload_place_ && workload_->needs_peer) crew_.end({*workload_place_});
  }
  auto peer = start_peer(crew_, guardian_, why_loopback_);
  if (!peer) return peer.error();
  peer_ = std::move(*peer);
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
  labels_.open(kCampaignKey, *campaign_);
}

void Supervisor::end_campaign() {
  if (!campaign_) return;
  // Whoever reads the rows as normal shall know what the other labels lack.
  if (summary_.refused > 0) campaign_->set("refused", summary_.refused);
  if (labels_.waiting() > 0) campaign_->set("lost", labels_.waiting());
  campaign_->end(clock_.now().wall_us,
                 crew_.stop_reason().empty() ? kTimeLimit : crew_.stop_reason());
  labels_.close(kCampaignKey, *campaign_);
}

void Supervisor::change_workload(const Workload* workload, std::uint64_t seed) {
  look_at_workload();
  // One that has ended is started again.
  if (workload == workload_ && workload_trouble_.empty()) return;
  if (workload_place_) crew_.end({*workload_place_});
  workload_place_.reset();
  workload_trouble_.clear();
  workload_ = workload;
  if (workload == nullptr) return;
  if (auto started = start_workload(*workload, seed); !started) {
    workload_trouble_ = "not started: " + started.error().message();
    log_warn("the workload " + std::string{workload->name} + " is " + workload_trouble_);
  }
}

Result<void> Supervisor::start_workload(const Workload& workload, std::uint64_t seed) {
  if (workload.room > 0) {
    const auto machine = read_machine(options_.work_dir);
    if (!machine) return machine.error();
    if (!machine->on_disk || spare_disk(*machine) < workload.room) {
      return Error{ErrorCode::kFull, "no disk with room for its file", options_.work_dir};
    }
  }
  LoadOrder order;
  order.intensity = 1;
  order.duration = kLongestFault * 365;
  order.seed = seed;
  order.room = workload.room;
  order.work_dir = options_.work_dir;
  if (peer_) order.peer = peer_->peer;
  WorkerLimits limits;
  limits.file_size = workload.room;
  const auto place =
      crew_.start("nv-" + std::string{workload.name}, limits, [&](const WorkerEnds& ends) {
        Load load{order, ends.report_fd};
        workload.run(load);
      });
  if (!place) return place.error();
  workload_place_ = *place;
  return {};
}

void Supervisor::look_at_workload() {
  if (!workload_place_ || !workload_trouble_.empty()) return;
  const Member& member = crew_.member(*workload_place_);
  if (member.alive) return;
  workload_trouble_ =
      "ended: " + (member.failure.empty() ? why_dead(member, std::nullopt) : member.failure);
  log_warn("the workload " + std::string{workload_->name} + " has " + workload_trouble_);
}

// In the fault's label, with why it does not go on where it does not.
void Supervisor::name_workload(Fault& fault) {
  if (workload_ == nullptr) return;
  look_at_workload();
  fault.record.set("workload", std::string{workload_->name} +
                                   (workload_trouble_.empty() ? "" : ", " + workload_trouble_));
}

Supervisor::Fault Supervisor::fault_of(std::size_t number) const {
  const ScheduledFault& plan = schedule_.faults[number];
  Json scenarios = Json::array();
  for (const Part& part : plan.parts) {
    scenarios.push_back(Json{{"scenario", part.scenario->name},
                             {"intensity", part.intensity},
                             {"unit", part.scenario->unit}});
  }
  const std::string type = type_of(plan.parts);
  Record record{options_.node, type,
                Json{{"scenario", type},
                     {"intensity", plan.parts.size() == 1 ? Json(plan.parts[0].intensity)
                                                          : Json(intensity_text(plan.parts))},
                     {"parts", scenarios},
                     {"duration", format_duration(plan.duration)},
                     {"ramp", format_duration(plan.ramp)},
                     {"seed", schedule_.seed},
                     {"repetition", number + 1},
                     {"pid", ::getpid()}}};
  if (peer_) record.set("network", peer_->peer.device.empty() ? "loopback" : peer_->peer.device);
  return {&plan, number + 1, type, std::move(record), {}, false};
}

Result<void> Supervisor::run_fault(std::size_t number) {
  const ScheduledFault& plan = schedule_.faults[number];
  if (needs_peer(plan)) {
    if (auto provided = provide_peer(); !provided) return provided;
  }
  change_workload(plan.workload, plan.seed);
  if (plan.parts.empty()) return do_work(number);
  Fault fault = fault_of(number);
  change_phase(fault, "waiting", clock_.now().wall_us,
               plan.wait.count() > 0 ? "for " + format_duration(plan.wait) : "");
  crew_.wait_or_stop(clock_.now().steady_ns + plan.wait.count() * kNsPerMs);
  if (!crew_.stop_reason().empty()) return {};
  labels_.try_again();
  change_phase(fault, "starting", clock_.now().wall_us);
  if (const auto room = check_room(fault); !room) return room.error();
  const auto started = start_workers(fault);
  if (!started || !crew_.stop_reason().empty()) {
    crew_.end(fault.places());
    return crew_.stop_reason().empty() ? started : Result<void>{};
  }
  watch(fault);
  ++summary_.done;
  for (const std::size_t place : fault.places()) {
    const Member& member = crew_.member(place);
    if (!member.failure.empty()) return Error{ErrorCode::kIo, member.failure, fault.type};
  }
  if (fault.lost_peer) return Error{ErrorCode::kIo, kPeerEnded, fault.type};
  return {};
}

// Ordinary work is no fault: it has no window of its own.
Result<void> Supervisor::do_work(std::size_t number) {
  const ScheduledFault& plan = schedule_.faults[number];
  const std::string name{plan.workload->name};
  if (options_.progress) {
    options_.progress({number + 1, schedule_.faults.size(), name, "ordinary work",
                       clock_.now().wall_us, "for " + format_duration(plan.duration)});
  }
  crew_.wait_or_stop(clock_.now().steady_ns + plan.duration.count() * kNsPerMs);
  ++summary_.done;
  look_at_workload();
  if (!workload_trouble_.empty()) return Error{ErrorCode::kIo, workload_trouble_, name};
  return {};
}

Result<void> Supervisor::check_room(Fault& fault) const {
  const auto machine = read_machine(options_.work_dir);
  if (!machine) return machine.error();
  Machine left = *machine;
  for (const Part& plan : fault.plan->parts) {
    const auto room = plan.scenario->room(plan.intensity, left);
    if (!room)
      return Error{room.error().code, room.error().context, std::string{plan.scenario->name}};
    // What one part takes is not there for the next one.
    if (plan.scenario->grows_memory) {
      left.memory_available -= *room;
      left.memory_allowed -= *room;
    } else {
      left.disk_available -= *room;
    }
    RunningPart& part = fault.parts.emplace_back();
    part.plan = &plan;
    part.room = *room;
  }
  return {};
}

Result<void> Supervisor::start_workers(Fault& fault) {
  (void)crew_.take_phases();
  const auto machine = read_machine(options_.work_dir);
  const int cores = machine ? machine->cores : 1;
  for (std::size_t i = 0; i < fault.parts.size(); ++i) {
    RunningPart& part = fault.parts[i];
    const Scenario& scenario = *part.plan->scenario;
    if (scenario.grows_memory) {
      part.group = MemoryGroup::make(part.room, i, guardian_);
      fault.record.set("memory_limit", part.room);
      fault.record.set("memory_limit_by", part.group ? "cgroup" : "address space");
    }
    LoadOrder order;
    order.intensity = part.plan->intensity;
    order.room = part.room;
    order.duration = fault.plan->duration;
    order.ramp = fault.plan->ramp;
    order.work_dir = options_.work_dir;
    if (peer_) order.peer = peer_->peer;
    order.workers = scenario.on_every_core ? cores : 1;
    const auto limits =
        limits_of(scenario, part.room, part.group.has_value(), fault.plan->duration);
    for (order.worker = 0; order.worker < order.workers; ++order.worker) {
      order.seed = fault.plan->seed + static_cast<std::uint64_t>(order.worker);
      const auto place =
          crew_.start("nv-" + std::string{scenario.name}, limits, [&](const WorkerEnds& ends) {
            Descriptor file;
            if (scenario.reads_file) {
              file = cold_file_for(Load{order, ends.report_fd});
              order.file = file.get();
              send_report(ends.report_fd, kReadyReport, "");
            }
            ends.wait_for_go();
            Load load{order, ends.report_fd};
            scenario.run(load);
          });
      if (!place) return place.error();
      part.places.push_back(*place);
      if (part.group && !part.group->add(crew_.member(*place).worker.pid)) {
        return Error{ErrorCode::kPermission, "cannot move a process into it", part.group->path()};
      }
    }
  }
  // What they write before is not what the fault is about, and shall be over when its window
  // begins.
  for (const RunningPart& part : fault.parts) {
    if (!part.plan->scenario->reads_file) continue;
    for (const std::size_t place : part.places) {
      if (auto ready = crew_.wait_until_ready(place, kFilePatience); !ready) return ready.error();
    }
  }
  return {};
}

void Supervisor::watch(Fault& fault) {
  const std::int64_t length_us = fault.plan->duration.count() * 1000;
  const std::vector<std::size_t> places = fault.places();
  // The store comes first: while it is asked, which may take long, nobody would see how a fault
  // goes on and when it ends.
  const std::int64_t asked_us = clock_.now().wall_us;
  name_workload(fault);
  fault.record.begin(asked_us, asked_us + length_us);
  labels_.open(fault.number, fault.record);
  // Now it begins.
  const ClockReading now = clock_.now();
  const std::int64_t end_ns = now.steady_ns + fault.plan->duration.count() * kNsPerMs;
  const std::int64_t ramp_ns = now.steady_ns + fault.plan->ramp.count() * kNsPerMs;
  fault.record.begin(now.wall_us, now.wall_us + length_us);
  for (const std::size_t place : places) crew_.member(place).worker.let_go();
  bool ramping = fault.plan->ramp.count() > 0;
  change_phase(fault, ramping ? "ramp" : "running", now.wall_us,
               "intensity " + intensity_text(fault.plan->parts) + ", for " +
                   format_duration(fault.plan->duration));
  const auto is_over = [](const RunningPart& part) { return !part.why_over.empty(); };
  std::string why;
  std::int64_t end_us = 0;
  while (why.empty()) {
    crew_.wait(ramping ? std::min(ramp_ns, end_ns) : end_ns);
    look_at_workload();
    for (const PhaseReport& report : crew_.take_phases()) {
      change_phase(fault, report.phase, report.at_us);
    }
    if (ramping && clock_.now().steady_ns >= ramp_ns) {
      ramping = false;
      change_phase(fault, "running", clock_.now().wall_us);
    }
    note_ends_of_parts(fault);
    if (!crew_.stop_reason().empty()) {
      why = crew_.stop_reason();
    } else if (faults_need_peer(*fault.plan) && !has_peer()) {
      fault.lost_peer = true;
      why = kPeerEnded;
      end_us = crew_.member(peer_->place).end_us;
    } else if (clock_.now().steady_ns >= end_ns) {
      why = kTimeLimit;
    } else if (std::ranges::all_of(fault.parts, is_over)) {
      const RunningPart& last = *std::ranges::max_element(fault.parts, {}, &RunningPart::end_us);
      why = last.why_over;
      end_us = last.end_us;
    }
  }
  crew_.end(places);
  finish(fault, end_us == 0 ? clock_.now().wall_us : end_us, why);
}

// Where there are several parts, one that ends before its time is over is told in a phase: the
// window goes on.
void Supervisor::note_ends_of_parts(Fault& fault) {
  for (RunningPart& part : fault.parts) {
    const auto alive = [&](std::size_t place) { return crew_.member(place).alive; };
    if (!part.why_over.empty() || std::ranges::any_of(part.places, alive)) continue;
    part.why_over = kTimeLimit;
    std::string failure;
    for (const std::size_t place : part.places) {
      const Member& member = crew_.member(place);
      part.end_us = std::max(part.end_us, member.end_us);
      const std::string why = why_dead(member, part.group);
      if (why == kTimeLimit) continue;
      part.why_over = why;
      failure = member.failure;
    }
    if (fault.parts.size() == 1 || part.why_over == kTimeLimit) continue;
    change_phase(fault,
                 std::string{part.plan->scenario->name} + " ended: " + part.why_over +
                     (failure.empty() ? "" : ", " + failure),
                 part.end_us);
  }
}

void Supervisor::finish(Fault& fault, std::int64_t end_us, const std::string& why) {
  for (const std::size_t place : fault.places()) {
    const std::string& failure = crew_.member(place).failure;
    if (!failure.empty()) fault.record.set("error", failure);
  }
  name_workload(fault);
  fault.record.end(end_us, why);
  labels_.close(fault.number, fault.record);
  change_phase(fault, "ended", end_us, why);
}

void Supervisor::change_phase(Fault& fault, const std::string& phase, std::int64_t at_us,
                              const std::string& note) {
  if (phase != "ended") {  // that one is written by the record itself
    fault.record.add_phase(phase, at_us);
    if (fault.record.is_open()) labels_.change(fault.number, fault.record);
  }
  if (options_.progress) {
    options_.progress({fault.number, schedule_.faults.size(), fault.type, phase, at_us, note});
  }
}

Result<InjectSummary> run_schedule(const Schedule& schedule, const InjectOptions& options) {
  if (auto there = check_step(schedule, options.from_step); !there) return there.error();
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
