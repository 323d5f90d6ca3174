#include "nodevigil/base/log.h"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <memory>

namespace nodevigil {
namespace {

constexpr const char* kPattern = "%Y-%m-%dT%H:%M:%S.%eZ %l %v";

spdlog::logger& logger() {
  // spdlog's own default logger writes to standard output, which belongs to results.
  static const std::shared_ptr<spdlog::logger> instance = [] {
    auto made = std::make_shared<spdlog::logger>("nodevigil",
                                                 std::make_shared<spdlog::sinks::stderr_sink_mt>());
    made->set_pattern(kPattern, spdlog::pattern_time_type::utc);
    made->flush_on(spdlog::level::debug);
    return made;
  }();
  return *instance;
}

}  // namespace

void log_debug(std::string_view line) { logger().debug(line); }
void log_info(std::string_view line) { logger().info(line); }
void log_warn(std::string_view line) { logger().warn(line); }
void log_error(std::string_view line) { logger().error(line); }

void log_over_status_line() {
  logger().set_pattern(std::string{"\r\x1b[K"} + kPattern, spdlog::pattern_time_type::utc);
}

Result<void> set_log_level(std::string_view level) {
  if (level == "debug") {
    logger().set_level(spdlog::level::debug);
  } else if (level == "info") {
    logger().set_level(spdlog::level::info);
  } else if (level == "warn") {
    logger().set_level(spdlog::level::warn);
  } else if (level == "error") {
    logger().set_level(spdlog::level::err);
  } else {
    return Error{ErrorCode::kInvalid,
                 "log level '" + std::string{level} + "' is not one of debug, info, warn, error",
                 ""};
  }
  return {};
}

}  // namespace nodevigil
