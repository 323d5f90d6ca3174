#pragma once

#include <fcntl.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>

#include "support/temp_dir.h"

namespace nodevigil::testing {

/// What goes to standard error, where the log is written, while this object lives.
class CapturedLog {
 public:
  CapturedLog() : saved_(::dup(STDERR_FILENO)) {
    std::fflush(stderr);
    const int file = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    ::dup2(file, STDERR_FILENO);
    ::close(file);
  }
  ~CapturedLog() {
    std::fflush(stderr);
    ::dup2(saved_, STDERR_FILENO);
    ::close(saved_);
  }
  CapturedLog(const CapturedLog&) = delete;
  CapturedLog& operator=(const CapturedLog&) = delete;

  /// Everything so far.
  [[nodiscard]] std::string text() const {
    std::ifstream in{path_, std::ios::binary};
    return {std::istreambuf_iterator<char>{in}, {}};
  }
  /// How often `what` is there.
  [[nodiscard]] int count(std::string_view what) const {
    const std::string all = text();
    int found = 0;
    for (std::size_t at = 0; (at = all.find(what, at)) != std::string::npos; at += what.size()) {
      ++found;
    }
    return found;
  }

 private:
  TempDir directory_;
  std::string path_ = directory_.file("log");
  int saved_;
};

}  // namespace nodevigil::testing
