#pragma once

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace nodevigil::testing {

/// Reads an array of one dimension as Postgres does ("Array Input and Output Syntax" in its
/// manual): elements between commas; those in double quotes may hold anything, with a backslash
/// before each quote and backslash; NULL without quotes is none.
class PostgresArray {
 public:
  using Elements = std::vector<std::optional<std::string>>;

  static Elements parse(std::string_view text) {
    PostgresArray array{text};
    array.expect('{');
    do array.element();
    while (array.accept(','));
    array.expect('}');
    EXPECT_EQ(array.at_, text.size()) << "more after the array: " << text;
    return array.elements_;
  }

 private:
  explicit PostgresArray(std::string_view text) : text_(text) {}

  [[nodiscard]] bool done() const { return at_ >= text_.size(); }
  bool accept(char c) {
    const bool there = !done() && text_[at_] == c;
    at_ += there ? 1 : 0;
    return there;
  }
  void expect(char c) { EXPECT_TRUE(accept(c)) << "'" << c << "' at " << at_ << " of " << text_; }

  void element() {
    if (accept('"')) {
      quoted();
    } else {
      bare();
    }
  }
  void quoted() {
    std::string value;
    while (!done() && text_[at_] != '"') {
      (void)accept('\\');
      if (!done()) value += text_[at_++];
    }
    expect('"');
    elements_.emplace_back(std::move(value));
  }
  void bare() {
    std::string value;
    while (!done() && text_[at_] != ',' && text_[at_] != '}') value += text_[at_++];
    EXPECT_EQ(value.find_first_of("\"\\{ \t\n"), std::string::npos) << value << " needs quotes";
    EXPECT_FALSE(value.empty()) << "an empty element in " << text_;
    elements_.emplace_back(value == "NULL" ? std::nullopt : std::optional{std::move(value)});
  }

  std::string_view text_;
  std::size_t at_ = 0;
  Elements elements_;
};

}  // namespace nodevigil::testing
