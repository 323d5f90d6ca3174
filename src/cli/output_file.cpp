#include "output_file.h"

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <iostream>
#include <system_error>

#include "nodevigil/base/file.h"

namespace nodevigil::cli {

Result<void> OutputFile::open(const std::string& path) {
  path_ = path;
  if (path.empty()) return {};
  std::error_code ignored;
  const auto status = std::filesystem::status(path, ignored);
  std::string opened = path;
  if (!std::filesystem::exists(status) || std::filesystem::is_regular_file(status)) {
    // A link stays one: the file it leads to is replaced.
    const auto whole = std::filesystem::weakly_canonical(path, ignored);
    target_ = whole.empty() ? path : whole.string();
    opened = target_ + ".part";
  }
  errno = 0;
  file_.open(opened, std::ios::trunc);
  if (!file_) return errno_error(errno, "open for writing", path);
  if (!target_.empty()) part_ = opened;
  return {};
}

OutputFile::~OutputFile() {
  if (!part_.empty()) std::remove(part_.c_str());
}

std::ostream& OutputFile::stream() { return path_.empty() ? std::cout : file_; }

Result<void> OutputFile::finish() {
  stream().flush();
  if (!path_.empty()) file_.close();
  if (!stream()) {
    return Error{ErrorCode::kIo, "cannot write (disk full?)",
                 path_.empty() ? "standard output" : path_};
  }
  if (part_.empty()) return {};
  if (std::rename(part_.c_str(), target_.c_str()) != 0) {
    return errno_error(errno, "replace", path_);
  }
  part_.clear();
  return {};
}

}  // namespace nodevigil::cli
