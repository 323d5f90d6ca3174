#pragma once

#include <fstream>
#include <string>
#include <vector>

#include "nodevigil/base/part_file.h"
#include "nodevigil/base/result.h"

namespace nodevigil::cli {

/// Where a command writes its result: `-o FILE`, written as PartFile says, or standard output.
class OutputFile {
 public:
  /// `path` empty or -: standard output. Errors: kIo, kPermission, ..., with the path.
  [[nodiscard]] Result<void> open(const std::string& path);

  [[nodiscard]] std::ostream& stream();
  /// Writes what is buffered. Error kIo: not all of it could be written.
  [[nodiscard]] Result<void> flush();
  /// Writes what is buffered and gives the file its name. Errors as for open().
  [[nodiscard]] Result<void> finish();

 private:
  [[nodiscard]] Result<void> check();

  std::string path_;
  PartFile part_;
  std::ofstream file_;
};

/// Error kInvalid where one of `written` is there twice or is a file of `read`, whose content would
/// be lost. Empty names and - are no files.
[[nodiscard]] Result<void> check_outputs(const std::vector<std::string>& read,
                                         const std::vector<std::string>& written);

}  // namespace nodevigil::cli
