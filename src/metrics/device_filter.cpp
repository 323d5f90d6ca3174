#include "nodevigil/metrics/device_filter.h"

#include <regex>
#include <utility>

namespace nodevigil {
namespace {

// Pods come and go with devices of ever new names; what is remembered of them stays bounded.
constexpr std::size_t kMaxKnown = 1024;
// The kernel's names are at most 31 bytes long. std::regex recurses for every character: a file of
// garbage with an endless name would overflow the stack.
constexpr std::size_t kMaxName = 255;

Result<std::optional<std::regex>> compile(const std::string& pattern) {
  if (pattern.empty()) return std::optional<std::regex>{};
  try {
    return std::optional{std::regex{pattern, std::regex::ECMAScript | std::regex::optimize}};
  } catch (const std::regex_error& error) {
    return Error{ErrorCode::kInvalid,
                 "'" + pattern + "' is not a regular expression: " + error.what(), ""};
  }
}

bool matches(const std::regex& pattern, std::string_view name) {
  return std::regex_match(name.begin(), name.end(), pattern);
}

}  // namespace

struct DeviceFilter::Patterns {
  std::optional<std::regex> include;
  std::optional<std::regex> exclude;
};

Result<DeviceFilter> DeviceFilter::make(const std::string& include, const std::string& exclude,
                                        Accept accept) {
  auto patterns = std::make_unique<Patterns>();
  auto compiled = compile(include);
  if (!compiled) return compiled.error();
  patterns->include = std::move(*compiled);
  compiled = compile(exclude);
  if (!compiled) return compiled.error();
  patterns->exclude = std::move(*compiled);
  return DeviceFilter{std::move(patterns), std::move(accept)};
}

DeviceFilter::DeviceFilter(std::unique_ptr<Patterns> patterns, Accept accept)
    : patterns_(std::move(patterns)), accept_(std::move(accept)) {}
DeviceFilter::DeviceFilter(DeviceFilter&&) noexcept = default;
DeviceFilter& DeviceFilter::operator=(DeviceFilter&&) noexcept = default;
DeviceFilter::~DeviceFilter() = default;

bool DeviceFilter::accepts(std::string_view name) {
  if (name.size() > kMaxName) return false;
  if (const auto found = known_.find(name); found != known_.end()) return found->second;
  const bool accepted = (!patterns_->include || matches(*patterns_->include, name)) &&
                        (!patterns_->exclude || !matches(*patterns_->exclude, name)) &&
                        accept_(name);
  if (known_.size() >= kMaxKnown) known_.clear();
  known_.emplace(name, accepted);
  return accepted;
}

}  // namespace nodevigil
