#pragma once

#include <cstdint>

#include "nodevigil/inject/load.h"

namespace nodevigil {

// Intensities that say MB mean this many bytes.
inline constexpr std::int64_t kMegabyte = 1'000'000;

// What the rows of the table of faults run, each in a process of its own until its time is over.
void load_memory(Load& load);
void load_memory_leak(Load& load);
void load_cpu(Load& load);
void load_miner(Load& load);
void load_forks(Load& load);
void load_disk_write(Load& load);
void load_disk_fill(Load& load);
void load_disk_read(Load& load);
void load_page_faults(Load& load);
void load_net_flood(Load& load);
void load_connections(Load& load);
void load_port_scan(Load& load);
void load_udp_flood(Load& load);
void load_socket_leak(Load& load);
void load_fd_leak(Load& load);
void load_exfiltration(Load& load);

}  // namespace nodevigil
