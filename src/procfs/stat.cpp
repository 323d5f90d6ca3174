#include "nodevigil/procfs/stat.h"

#include "text.h"

namespace nodevigil {
namespace {

// One step of FNV-1a over whole numbers. CPU 0 must leave a trace, hence the 1.
std::uint64_t add_to_set(std::uint64_t set, std::uint64_t cpu) {
  constexpr std::uint64_t kPrime = 1'099'511'628'211;
  return (set ^ (cpu + 1)) * kPrime;
}

// "cpu0", but neither the sum in "cpu" nor a key yet unknown such as "cpufreq".
bool is_cpu_key(std::string_view key) {
  return key.size() > 3 && key.starts_with("cpu") && key[3] >= '0' && key[3] <= '9';
}

// The fourth of user, nice, system, idle.
std::optional<std::uint64_t> take_idle(std::string_view& values) {
  for (int skipped = 0; skipped < 3; ++skipped) {
    if (!text::take_number<std::uint64_t>(values)) return std::nullopt;
  }
  return text::take_number<std::uint64_t>(values);
}

}  // namespace

Result<Stat> parse_stat(std::string_view text, long ticks_per_second) {
  Stat stat;
  double idle_ticks = 0;  // exact up to 2^53 ticks, and cannot wrap
  while (!text.empty()) {
    const std::string_view line = text::take_line(text);
    std::string_view values = line;
    std::string_view key = text::take_field(values);
    if (is_cpu_key(key)) {
      key.remove_prefix(3);
      const auto cpu = text::take_number<std::uint64_t>(key);
      const auto idle = take_idle(values);
      if (!cpu || !idle) return text::bad_line("cpu<number> and at least 4 numbers", line);
      stat.cpu_set = add_to_set(stat.cpu_set, *cpu);
      idle_ticks += static_cast<double>(*idle);
      ++stat.cpus;
    } else if (key == "intr") {
      stat.interrupts = text::take_number<std::uint64_t>(values);
      if (!stat.interrupts) return text::bad_line("a number after intr", line);
    } else if (key == "processes") {
      stat.forks = text::take_number<std::uint64_t>(values);
      if (!stat.forks) return text::bad_line("a number after processes", line);
    }
  }
  if (stat.cpus > 0) {
    stat.idle_seconds = idle_ticks / stat.cpus / static_cast<double>(ticks_per_second);
  }
  return stat;
}

}  // namespace nodevigil
