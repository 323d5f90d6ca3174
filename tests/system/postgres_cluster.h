#pragma once

#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <string>

namespace nodevigil::testing {

/// The throw-away Postgres of postgres_cluster.py, which goes when its input ends: with this
/// object, or with this process.
class PostgresCluster {
 public:
  PostgresCluster() {
    std::array<int, 2> to_script{};
    std::array<int, 2> from_script{};
    if (::pipe(to_script.data()) != 0 || ::pipe(from_script.data()) != 0) return;
    process_ = ::fork();
    if (process_ == 0) {
      ::dup2(to_script[0], STDIN_FILENO);
      ::dup2(from_script[1], STDOUT_FILENO);
      for (const int fd : {to_script[0], to_script[1], from_script[0], from_script[1]}) ::close(fd);
      ::execlp("python3", "python3", NODEVIGIL_POSTGRES_CLUSTER, nullptr);
      ::_exit(127);
    }
    ::close(to_script[0]);
    ::close(from_script[1]);
    input_ = to_script[1];
    char c = 0;
    while (::read(from_script[0], &c, 1) == 1 && c != '\n') url_ += c;
    ::close(from_script[0]);
  }
  ~PostgresCluster() {
    ::close(input_);
    if (process_ > 0) ::waitpid(process_, nullptr, 0);
  }
  PostgresCluster(const PostgresCluster&) = delete;
  PostgresCluster& operator=(const PostgresCluster&) = delete;

  /// As its owner, who may do everything; empty where it did not start.
  [[nodiscard]] const std::string& url() const { return url_; }

 private:
  pid_t process_ = -1;
  int input_ = -1;
  std::string url_;
};

}  // namespace nodevigil::testing
