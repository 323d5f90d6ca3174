#pragma once

#include <sys/types.h>

#include <string>

#include "nodevigil/base/descriptor.h"
#include "nodevigil/base/result.h"

namespace nodevigil {

/// A file that gets its name only once it is whole. open(), then write name() and close it, then
/// publish(). What a failure leaves behind:
///
/// - Until publish() it has no name, so that nothing is left even of a process that was killed; on
///   a filesystem without such files it is FILE.<process>.part beside FILE, a name that nobody had,
///   and goes with this object. A failure leaves what was there before; the new file has the mode
///   of the old one and, where that can be given, its owner. A link stays one, also one to nothing
///   yet: the file that it leads to is written so.
/// - Where nothing can be made in its directory, but the file can be written, it is written in
///   place: what was there is gone at once, and a failure leaves what was written until then.
/// - Where another file cannot take its name (it is a mount of its own, or another user's in a
///   sticky directory), the whole result is copied into it: only a failure of the copy, a full
///   disk say, costs what was there.
/// - What is no regular file (/dev/null, a pipe) is written as it is.
///
/// Not thread-safe.
class PartFile {
 public:
  PartFile() = default;
  ~PartFile();
  PartFile(const PartFile&) = delete;
  PartFile& operator=(const PartFile&) = delete;

  /// Errors: kIo, kPermission, ..., with the path.
  [[nodiscard]] Result<void> open(const std::string& path);
  /// What is to be opened and written: it is there.
  [[nodiscard]] const std::string& name() const { return part_.empty() ? path_ : part_; }
  /// Brings it to the disk and gives it its name. Errors as for open().
  [[nodiscard]] Result<void> publish();

 private:
  [[nodiscard]] int make_part(bool replaces);
  [[nodiscard]] bool make_nameless(mode_t mode);
  template <typename Take>
  [[nodiscard]] int take_name(const Take& take);
  [[nodiscard]] int give_part_a_name();
  void keep_mode() const;
  [[nodiscard]] Result<void> copy_part() const;

  std::string path_;     ///< as given, for messages
  std::string part_;     ///< what takes the place of target_; empty: nothing
  std::string target_;   ///< what path_ leads to
  Descriptor nameless_;  ///< of a part that has no name: part_ is a way to it then
};

}  // namespace nodevigil
