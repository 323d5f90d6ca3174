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
  [[nodiscard]] std::string take() { return std::move(bytes_); }

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
    if (values.size_bytes() > bytes_.size()) {
      ok_ = false;
      bytes_ = {};
      return;
    }
    std::memcpy(values.data(), bytes_.data(), values.size_bytes());
    bytes_.remove_prefix(values.size_bytes());
  }
  [[nodiscard]] bool ok() const { return ok_; }
  [[nodiscard]] bool at_end() const { return bytes_.empty(); }

 private:
  std::string_view bytes_;
  bool ok_ = true;
};

}  // namespace nodevigil
