#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace nodevigil {

/// What kind of failure happened; decides exit codes and counters, not wording.
enum class ErrorCode {
  kNotFound,         ///< a file, table or name does not exist
  kPermission,       ///< the kernel or a server refused access
  kInvalid,          ///< input does not have the form it must have
  kIo,               ///< reading or writing failed
  kFull,             ///< a disk, queue or other bound is used up
  kUnavailable,      ///< a peer cannot be reached or is busy
  kUnauthenticated,  ///< a peer does not believe who we are, or we do not believe it
  kTimeout,          ///< a peer took too long
};

/// Names of the codes, in their order: values of the label "kind" of counters.
inline constexpr auto kErrorCodeNames =
    std::to_array<std::string_view>({"not_found", "permission", "invalid", "io", "full",
                                     "unavailable", "unauthenticated", "timeout"});
static_assert(kErrorCodeNames.size() == static_cast<std::size_t>(ErrorCode::kTimeout) + 1,
              "counters of failures are as many, and indexed by the code");

/// A failure a person can act on: what was wrong and expected, and where.
struct Error {
  ErrorCode code = ErrorCode::kInvalid;
  std::string context;  ///< what is wrong and what was expected, in words
  std::string path;     ///< file (and line), URL or table it concerns; may be empty

  /// "path: context", or only the context where there is no path.
  [[nodiscard]] std::string message() const {
    return path.empty() ? context : path + ": " + context;
  }
};

/// Either a value or an Error. Reading the side that is not there is a bug of the caller.
template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}      // NOLINT: implicit
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}  // NOLINT: implicit

  [[nodiscard]] bool ok() const { return state_.index() == 0; }
  explicit operator bool() const { return ok(); }

  [[nodiscard]] T& value() & { return *std::get_if<0>(&state_); }
  [[nodiscard]] const T& value() const& { return *std::get_if<0>(&state_); }
  [[nodiscard]] T&& value() && { return std::move(*std::get_if<0>(&state_)); }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }

  [[nodiscard]] const Error& error() const { return *std::get_if<1>(&state_); }

 private:
  std::variant<T, Error> state_;
};

/// Success without a value, or an Error.
template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;
  Result(Error error) : error_(std::move(error)) {}  // NOLINT: implicit

  [[nodiscard]] bool ok() const { return !error_.has_value(); }
  explicit operator bool() const { return ok(); }
  [[nodiscard]] const Error& error() const { return *error_; }

 private:
  std::optional<Error> error_;
};

}  // namespace nodevigil
