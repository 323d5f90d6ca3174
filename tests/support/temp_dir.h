#pragma once

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <system_error>

namespace nodevigil::testing {

/// A directory of a test's own, gone with it.
class TempDir {
 public:
  TempDir() {
    // mkdtemp puts other letters in place of the six at the end.
    std::string name = std::filesystem::temp_directory_path() / "nodevigil-test-";
    name.append(6, 'X');
    if (::mkdtemp(name.data()) == nullptr) std::perror("mkdtemp");
    path_ = name;
  }
  ~TempDir() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }
  [[nodiscard]] std::string file(const std::string& name) const { return path_ / name; }

 private:
  std::filesystem::path path_;
};

}  // namespace nodevigil::testing
