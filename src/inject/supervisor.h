#pragma once

#include <optional>
#include <string>
#include <vector>

#include "crew.h"
#include "memory_group.h"
#include "nodevigil/inject/machine.h"
#include "nodevigil/inject/peer.h"
#include "nodevigil/inject/run.h"

namespace nodevigil {

/// Does a schedule, fault by fault.
class Supervisor {
 public:
  Supervisor(const Schedule& schedule, const InjectOptions& options, Guardian& guardian, Crew& crew,
             WindowStore& store);

  [[nodiscard]] Result<InjectSummary> run();

 private:
  // A fault that is under way.
  struct Fault {
    const ScheduledFault* plan = nullptr;
    std::size_t number = 0;
    std::string type;
    Record record;
    std::vector<std::size_t> places;  ///< of its workers in the crew
    std::vector<std::int64_t> room;   ///< of each part
    std::vector<MemoryGroup> groups;
    std::optional<Error> store_error;
  };

  [[nodiscard]] Result<void> prepare();
  [[nodiscard]] Result<void> run_fault(std::size_t number);
  void do_work(std::size_t number);
  [[nodiscard]] Result<void> check_room(Fault& fault) const;
  [[nodiscard]] Result<void> start_workers(Fault& fault);
  void watch(Fault& fault);
  [[nodiscard]] std::string why_over(const Fault& fault) const;
  void finish(Fault& fault, std::int64_t end_us, const std::string& why);
  void change_phase(Fault& fault, const std::string& phase, std::int64_t at_us,
                    const std::string& note = "");
  void keep(Fault& fault);
  void begin_campaign();
  void end_campaign();
  void change_workload(const Workload* workload, std::uint64_t seed);
  [[nodiscard]] std::chrono::milliseconds time_left(std::size_t from) const;

  const Schedule& schedule_;
  const InjectOptions& options_;
  Guardian& guardian_;
  Crew& crew_;
  WindowStore& store_;
  SystemClock clock_;
  Peer peer_;
  bool has_peer_ = false;
  std::string why_loopback_;
  const Workload* workload_ = nullptr;
  std::vector<std::size_t> workload_places_;
  std::optional<Record> campaign_;
  InjectSummary summary_;
};

}  // namespace nodevigil
