#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace nodevigil {

/// FNV-1a of 64 bits (Fowler, Noll, Vo): tells versions of small texts apart; not for security.
class Fnv1a {
 public:
  void add(std::string_view text) {
    for (const char c : text) {
      state_ = (state_ ^ static_cast<unsigned char>(c)) * 1099511628211ULL;
    }
  }
  [[nodiscard]] std::uint64_t value() const { return state_; }
  /// 16 hex digits.
  [[nodiscard]] std::string hex() const {
    std::string text(16, '0');
    for (std::size_t i = 0; i < text.size(); ++i) {
      text[i] = "0123456789abcdef"[(state_ >> (60 - 4 * i)) & 15];
    }
    return text;
  }

 private:
  std::uint64_t state_ = 14695981039346656037ULL;
};

[[nodiscard]] inline std::string fnv1a_hex(std::string_view text) {
  Fnv1a hash;
  hash.add(text);
  return hash.hex();
}

}  // namespace nodevigil
