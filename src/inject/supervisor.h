#pragma once

#include <optional>
#include <string>
#include <vector>

#include "crew.h"
#include "labels.h"
#include "memory_group.h"
#include "nodevigil/inject/machine.h"
#include "nodevigil/inject/run.h"
#include "peer_process.h"

namespace nodevigil {

/// Does a schedule, fault by fault.
class Supervisor {
 public:
  Supervisor(const Schedule& schedule, const InjectOptions& options, Guardian& guardian, Crew& crew,
             WindowStore& store);

  [[nodiscard]] Result<InjectSummary> run();

 private:
  // One of the scenarios of a fault that is under way.
  struct RunningPart {
    const Part* plan = nullptr;
    std::int64_t room = 0;            ///< bytes that it may take
    std::vector<std::size_t> places;  ///< of its workers in the crew
    std::optional<MemoryGroup> group;
    std::string why_over;     ///< empty: it goes on
    std::int64_t end_us = 0;  ///< where it is over
  };
  struct Fault {
    const ScheduledFault* plan = nullptr;
    std::size_t number = 0;
    std::string type;
    Record record;
    std::vector<RunningPart> parts;
    bool lost_peer = false;  ///< it needed the network peer, which ended

    [[nodiscard]] std::vector<std::size_t> places() const;
  };

  [[nodiscard]] Result<void> provide_peer();
  [[nodiscard]] bool has_peer() const;
  [[nodiscard]] Result<void> run_fault(std::size_t number);
  [[nodiscard]] Result<void> do_work(std::size_t number);
  [[nodiscard]] Fault fault_of(std::size_t number) const;
  [[nodiscard]] Result<void> check_room(Fault& fault) const;
  [[nodiscard]] Result<void> start_workers(Fault& fault);
  void watch(Fault& fault);
  void note_ends_of_parts(Fault& fault);
  void finish(Fault& fault, std::int64_t end_us, const std::string& why);
  void change_phase(Fault& fault, const std::string& phase, std::int64_t at_us,
                    const std::string& note = "");
  void begin_campaign();
  void end_campaign();
  void change_workload(const Workload* workload, std::uint64_t seed);
  [[nodiscard]] Result<void> start_workload(const Workload& workload, std::uint64_t seed);
  void look_at_workload();
  void name_workload(Fault& fault);
  [[nodiscard]] std::chrono::milliseconds time_left(std::size_t from) const;

  const Schedule& schedule_;
  const InjectOptions& options_;
  Guardian& guardian_;
  Crew& crew_;
  Labels labels_;
  SystemClock clock_;
  std::optional<PeerProcess> peer_;
  std::string why_loopback_;
  const Workload* workload_ = nullptr;
  std::optional<std::size_t> workload_place_;
  std::string workload_trouble_;  ///< why it does not go on; empty: it does
  std::optional<Record> campaign_;
  InjectSummary summary_;
};

}  // namespace nodevigil
