#include "output_file.h"

#include <cerrno>
#include <iostream>

#include "nodevigil/base/file.h"

namespace nodevigil::cli {

Result<void> OutputFile::open(const std::string& path) {
  path_ = path;
  if (path.empty()) return {};
  if (auto opened = part_.open(path); !opened) return opened;
  errno = 0;
  file_.open(part_.name(), std::ios::trunc);
  if (!file_) return errno_error(errno, "open for writing", path);
  return {};
}

std::ostream& OutputFile::stream() { return path_.empty() ? std::cout : file_; }

Result<void> OutputFile::finish() {
  stream().flush();
  if (!path_.empty()) file_.close();
  if (!stream()) {
    return Error{ErrorCode::kIo, "cannot write (disk full?)",
                 path_.empty() ? "standard output" : path_};
  }
  return path_.empty() ? Result<void>{} : part_.publish();
}

}  // namespace nodevigil::cli
