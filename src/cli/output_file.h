#pragma once

#include <fstream>
#include <string>

#include "nodevigil/base/result.h"

namespace nodevigil::cli {

/// Where a command writes its result: `-o FILE`, or standard output. A file gets its name only once
/// it is whole: until then it is FILE.part, which goes with this object. What is no regular file
/// (/dev/null, a pipe) is written as it is.
class OutputFile {
 public:
  /// `path` empty: standard output. Errors: kIo, with the path.
  [[nodiscard]] Result<void> open(const std::string& path);
  OutputFile() = default;
  ~OutputFile();
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;

  [[nodiscard]] std::ostream& stream();
  /// Writes what is buffered and gives the file its name. Errors: kIo, with the path.
  [[nodiscard]] Result<void> finish();

 private:
  std::string path_;  ///< as given, for messages
  std::string part_;  ///< what is to be renamed; empty: nothing
  std::string target_;
  std::ofstream file_;
};

}  // namespace nodevigil::cli
