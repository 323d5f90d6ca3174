#pragma once

#include <string>
#include <string_view>

#include "nodevigil/base/result.h"

namespace nodevigil {

/// A file of mode 0600 for a secret that belongs to something else, such as a login: it is there in
/// the end if that is, and not otherwise. write(), then publish(), then keep(); what has not come
/// to keep() leaves nothing behind. Not thread-safe.
class NewSecretFile {
 public:
  explicit NewSecretFile(std::string path);
  ~NewSecretFile();
  NewSecretFile(const NewSecretFile&) = delete;
  NewSecretFile& operator=(const NewSecretFile&) = delete;

  /// Brings all of `text` to the disk, under another name in the same directory. Errors: kIo,
  /// kPermission, kFull, kNotFound (no such directory).
  [[nodiscard]] Result<void> write(std::string_view text);
  /// Gives the file its name. What has that name already stays as it is. Errors: kInvalid (there is
  /// such a file), kIo, kPermission, ....
  [[nodiscard]] Result<void> publish();
  /// From now on the file outlasts this object.
  void keep() { published_ = false; }

 private:
  std::string path_;
  std::string part_;  ///< what write() has made; empty: nothing
  bool published_ = false;
};

}  // namespace nodevigil
