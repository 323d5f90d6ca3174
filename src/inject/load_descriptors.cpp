// Descriptors that are opened and never closed.
#include <fcntl.h>

#include "loads.h"

namespace nodevigil {

void load_fd_leak(Load& load) {
  constexpr std::int64_t kMostOpen = 50'000;
  Pacer pacer{load};
  std::int64_t open = 0;
  while (load.going()) {
    for (std::int64_t due = pacer.due(); due > 0 && open < kMostOpen; --due) {
      // At the limit of the process it stays where it is, as a program that leaks does.
      if (::open("/dev/null", O_RDONLY | O_CLOEXEC) < 0) break;  // NOLINT: vararg
      ++open;
    }
    Pacer::rest();
  }
}

}  // namespace nodevigil
