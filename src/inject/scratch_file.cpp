#include "scratch_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <string>
#include <vector>

#include "nodevigil/base/file.h"
#include "nodevigil/inject/load.h"
#include "nodevigil/inject/random.h"

namespace nodevigil {

Descriptor scratch_file_for(const Load& load) {
  const std::string& dir = load.order().work_dir;
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-vararg)
  Descriptor file{::open(dir.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600)};
  if (file.get() >= 0) return file;
  // mkostemp puts other letters in place of the six at the end.
  std::string path = dir + "/nodevigil-inject-";
  path.append(6, 'X');
  Descriptor named{::mkostemp(path.data(), O_CLOEXEC)};
  if (named.get() < 0) load.give_up(errno_error(errno, "make a file", dir).message());
  ::unlink(path.c_str());
  return named;
}

Descriptor cold_file_for(const Load& load) {
  Descriptor file = scratch_file_for(load);
  if (!fill_file(file.get(), load.order().room, load.order().seed)) {
    load.give_up(errno_error(errno, "write a file", load.order().work_dir).message());
  }
  ::posix_fadvise(file.get(), 0, 0, POSIX_FADV_DONTNEED);
  return file;
}

bool fill_file(int fd, std::int64_t size, std::uint64_t seed) {
  Random random{seed};
  std::vector<std::uint64_t> block(std::size_t{1} << 17U);
  for (std::uint64_t& word : block) word = random.next();
  const auto bytes = static_cast<std::int64_t>(block.size() * sizeof(block[0]));
  for (std::int64_t done = 0; done < size;) {
    const auto part = static_cast<std::size_t>(std::min(bytes, size - done));
    const ssize_t written = ::pwrite(fd, block.data(), part, done);
    if (written < 0 && errno != EINTR) return false;
    done += std::max<ssize_t>(0, written);
  }
  return ::fdatasync(fd) == 0;
}

}  // namespace nodevigil
