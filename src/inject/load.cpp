#include "nodevigil/inject/load.h"

#include <unistd.h>

#include <algorithm>
#include <thread>
#include <utility>

#include "report.h"

namespace nodevigil {

Load::Load(LoadOrder order, int report_fd)
    : order_(std::move(order)), report_fd_(report_fd), start_(std::chrono::steady_clock::now()) {}

double Load::elapsed_s() const {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
}

bool Load::going() const { return std::chrono::steady_clock::now() - start_ < order_.duration; }

double Load::level() const {
  const double ramp = std::chrono::duration<double>(order_.ramp).count();
  return ramp <= 0 ? order_.intensity : order_.intensity * std::min(1.0, elapsed_s() / ramp);
}

void Load::report_phase(std::string_view phase) const {
  send_report(report_fd_, kPhaseReport, phase);
}

void Load::give_up(const std::string& what) const {
  send_report(report_fd_, kFailureReport, what);
  ::_exit(1);
}

std::int64_t Pacer::due(double factor) {
  const double now = load_.elapsed_s();
  const double rate = load_.level() * factor;
  debt_ = std::min(debt_ + (now - last_s_) * rate, rate);
  last_s_ = now;
  const auto units = static_cast<std::int64_t>(debt_);
  debt_ -= static_cast<double>(units);
  return units;
}

void Pacer::rest() { std::this_thread::sleep_for(std::chrono::milliseconds{5}); }

}  // namespace nodevigil
