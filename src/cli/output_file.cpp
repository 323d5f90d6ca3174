#include "output_file.h"

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <iostream>

#include "nodevigil/base/file.h"

namespace nodevigil::cli {
namespace {

// Whether both are one file that has content to lose, or will have: /dev/null has none.
bool are_one_file(const std::filesystem::path& one, const std::filesystem::path& other) {
  std::error_code failed;
  if (std::filesystem::exists(one, failed)) {
    return std::filesystem::is_regular_file(one, failed) &&
           std::filesystem::equivalent(one, other, failed);
  }
  return one.lexically_normal() == other.lexically_normal();
}

}  // namespace

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

Result<void> check_outputs(const std::vector<std::string>& read,
                           const std::vector<std::string>& written) {
  for (std::size_t i = 0; i < written.size(); ++i) {
    const std::string& path = written[i];
    if (path.empty() || path == "-") continue;
    if (std::ranges::any_of(read, [&](const auto& one) { return are_one_file(one, path); })) {
      return Error{ErrorCode::kInvalid, "is read as well; expected another file for the result",
                   path};
    }
    if (std::any_of(written.begin(), written.begin() + static_cast<std::ptrdiff_t>(i),
                    [&](const auto& one) { return are_one_file(one, path); })) {
      return Error{ErrorCode::kInvalid, "is to be written twice; expected a file for each result",
                   path};
    }
  }
  return {};
}

}  // namespace nodevigil::cli
