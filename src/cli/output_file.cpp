#include "output_file.h"

#include <cerrno>
#include <iostream>

#include "nodevigil/base/file.h"

namespace nodevigil::cli {

Result<void> OutputFile::open(const std::string& path) {
  path_ = path == "-" ? "" : path;
  if (path_.empty()) return {};
  if (auto opened = part_.open(path); !opened) return opened;
  errno = 0;
  file_.open(part_.name(), std::ios::trunc);
  if (!file_) return errno_error(errno, "open for writing", path);
  return {};
}

std::ostream& OutputFile::stream() { return path_.empty() ? std::cout : file_; }

Result<void> OutputFile::flush() {
  stream().flush();
  return check();
}

Result<void> OutputFile::check() {
  if (stream()) return {};
  return Error{ErrorCode::kIo, "cannot write (disk full?)",
               path_.empty() ? "standard output" : path_};
}

Result<void> OutputFile::finish() {
  auto written = flush();
  if (path_.empty() || !written) return written;
  file_.close();  // some filesystems tell only now
  written = check();
  return written ? part_.publish() : written;
}

}  // namespace nodevigil::cli
