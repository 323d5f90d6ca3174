#pragma once

#include <fstream>
#include <string>

#include "nodevigil/base/result.h"

namespace nodevigil::cli {

/// Where a command writes its result: `-o FILE`, or standard output. What a failure leaves behind:
///
/// - A file gets its name only once it is whole: until then it is FILE.<process>.part beside it,
///   which goes with this object. A failure leaves what was there before; the new file has the
///   mode of the old one and, where that can be given, its owner. A link stays one, also one to
///   nothing yet: the file that it leads to is written so.
/// - Where nothing can be made in its directory, but the file can be written, it is written in
///   place: what was there is gone at once, and a failure leaves what was written until then.
/// - Where another file cannot take its name (it is a mount of its own, or another user's in a
///   sticky directory), the whole result is copied into it: only a failure of the copy, a full
///   disk say, costs what was there.
/// - What is no regular file (/dev/null, a pipe) is written as it is.
class OutputFile {
 public:
  /// `path` empty: standard output. Errors: kIo, kPermission, ..., with the path.
  [[nodiscard]] Result<void> open(const std::string& path);
  OutputFile() = default;
  ~OutputFile();
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;

  [[nodiscard]] std::ostream& stream();
  /// Writes what is buffered and gives the file its name. Errors as for open().
  [[nodiscard]] Result<void> finish();

 private:
  [[nodiscard]] int make_part(bool replaces);
  void keep_mode() const;
  [[nodiscard]] Result<void> copy_part();

  std::string path_;    ///< as given, for messages
  std::string part_;    ///< what is to be renamed; empty: nothing
  std::string target_;  ///< what path_ leads to
  std::ofstream file_;
};

}  // namespace nodevigil::cli
