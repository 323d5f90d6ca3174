// Many processes that end at once.
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

#include "loads.h"

namespace nodevigil {

void load_forks(Load& load) {
  constexpr int kMostAlive = 64;
  Pacer pacer{load};
  int alive = 0;
  while (load.going()) {
    for (std::int64_t due = pacer.due(); due > 0; --due) {
      while (alive > 0 && ::waitpid(-1, nullptr, alive < kMostAlive ? WNOHANG : 0) > 0) --alive;
      const pid_t child = ::fork();
      if (child == 0) ::_exit(0);
      // A limit of processes is a part of a storm; the next round tries again.
      if (child < 0) break;
      ++alive;
    }
    Pacer::rest();
  }
  // Those that are left would be in the care of whoever is the parent of orphans.
  while (alive > 0 && ::waitpid(-1, nullptr, 0) > 0) --alive;
}

}  // namespace nodevigil
