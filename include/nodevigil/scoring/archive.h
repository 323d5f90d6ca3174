#pragma once

#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>

namespace nodevigil {

/// Writes numbers as bytes, in the machine's order: state is read back by the node that wrote it.
class ArchiveWriter {
 public:
  template <typename T>
  requires std::is_arithmetic_v<T>
  void put(T value) { put_all(std::span<const T>{&value, 1}); }
  template <typename T>
  void put_all(std::span<const T> values) {
    bytes_.append(reinterpret_cast<const char*>(values.data()), values.size_bytes());
  }
  [[nodiscard]] std::string_view bytes() const { return bytes_; }
  [[nodiscard]] std::string take() { return std::move(bytes_); }
  /// Begins anew in the memory that it has.
  void clear() { bytes_.clear(); }

 private:
  std::string bytes_;
};

/// Reads what an ArchiveWriter wrote. Reading past the end gives zeros and makes ok() false.
class ArchiveReader {
 public:
  explicit ArchiveReader(std::string_view bytes) : bytes_(bytes) {}

  template <typename T>
  requires std::is_arithmetic_v<T>
  [[nodiscard]] T get() {
    T value{};
    get_all(std::span<T>{&value, 1});
    return value;
  }
  template <typename T>
  void get_all(std::span<T> values) {
    const std::string_view taken = take(values.size_bytes());
    if (ok_) std::memcpy(values.data(), taken.data(), taken.size());
  }
  /// The next `size` bytes as they are; empty past the end.
  [[nodiscard]] std::string_view take(std::size_t size) {
    if (size > bytes_.size()) {
      ok_ = false;
      bytes_ = {};
      return {};
    }
    const std::string_view taken = bytes_.substr(0, size);
    bytes_.remove_prefix(size);
    return taken;
  }
  [[nodiscard]] bool ok() const { return ok_; }
  [[nodiscard]] bool at_end() const { return bytes_.empty(); }

 private:
  std::string_view bytes_;
  bool ok_ = true;
};

}  // namespace nodevigil
