#include "nodevigil/base/result.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>

namespace nodevigil {
namespace {

Result<int> half(int value) {
  if (value % 2 != 0) return Error{ErrorCode::kInvalid, "odd", "number"};
  return value / 2;
}

Result<void> demand(bool met) {
  if (!met) return Error{ErrorCode::kFull, "not met", ""};
  return {};
}

TEST(ResultTest, HoldsAValue) {
  auto result = half(8);
  ASSERT_TRUE(result.ok());
  EXPECT_TRUE(static_cast<bool>(result));
  EXPECT_EQ(result.value(), 4);
  *result = 5;
  EXPECT_EQ(std::as_const(result).value(), 5);
}

TEST(ResultTest, HoldsAnError) {
  const auto result = half(7);
  ASSERT_FALSE(result.ok());
  EXPECT_FALSE(static_cast<bool>(result));
  EXPECT_EQ(result.error().code, ErrorCode::kInvalid);
  EXPECT_EQ(result.error().message(), "number: odd");
}

TEST(ResultTest, MovesAValueThatCannotBeCopied) {
  Result<std::unique_ptr<std::string>> result{std::make_unique<std::string>("text")};
  EXPECT_EQ((*result)->size(), 4U);
  const std::unique_ptr<std::string> taken = std::move(result).value();
  EXPECT_EQ(*taken, "text");
}

TEST(ResultTest, ReachesMembers) {
  Result<std::string> result{std::string{"text"}};
  EXPECT_EQ(result->size(), 4U);
}

TEST(ResultTest, OfVoidTellsSuccessAndError) {
  EXPECT_TRUE(demand(true).ok());
  const auto failed = demand(false);
  ASSERT_FALSE(failed.ok());
  EXPECT_FALSE(static_cast<bool>(failed));
  EXPECT_EQ(failed.error().code, ErrorCode::kFull);
}

TEST(ErrorTest, MessageOmitsAnEmptyPath) {
  EXPECT_EQ((Error{ErrorCode::kIo, "cannot read", "/proc/stat"}.message()),
            "/proc/stat: cannot read");
  EXPECT_EQ((Error{ErrorCode::kIo, "cannot read", ""}.message()), "cannot read");
}

}  // namespace
}  // namespace nodevigil
