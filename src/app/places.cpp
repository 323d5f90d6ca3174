#include "nodevigil/app/places.h"

#include <unistd.h>

#include <array>
#include <cstdlib>
#include <filesystem>
#include <system_error>

#include "nodevigil/base/file.h"

namespace nodevigil {

std::string state_dir_path(const std::string& given) {
  if (!given.empty()) return given;
  // NOLINTBEGIN(concurrency-mt-unsafe): nothing here ever changes the environment
  if (const char* const state = std::getenv("XDG_STATE_HOME"); state != nullptr && *state != 0) {
    return std::string{state} + "/nodevigil";
  }
  if (const char* const home = std::getenv("HOME"); home != nullptr && *home != 0) {
    return std::string{home} + "/.local/state/nodevigil";
  }
  // NOLINTEND(concurrency-mt-unsafe)
  return "/var/lib/nodevigil";
}

Result<std::string> make_state_dir(const std::string& given) {
  const std::string path = state_dir_path(given);
  std::error_code error;
  std::filesystem::create_directories(path, error);
  if (!error) return path;
  Error failure = errno_error(error.value(), "make the state directory", path);
  failure.context += "; choose another with --state-dir";
  return failure;
}

std::string journal_file(const std::string& state_dir) { return state_dir + "/journal.db"; }

std::string node_name(const std::string& given) {
  if (!given.empty()) return given;
  std::array<char, 256> name{};
  if (::gethostname(name.data(), name.size() - 1) != 0) return "localhost";
  return name.data();
}

}  // namespace nodevigil
