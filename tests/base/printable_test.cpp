#include "nodevigil/base/printable.h"

#include <gtest/gtest.h>

namespace nodevigil {
namespace {

TEST(Printable, LeavesPlainTextAlone) { EXPECT_EQ(printable("a 'b' ~ 1.5"), "a 'b' ~ 1.5"); }

TEST(Printable, ShowsOtherBytesAsHex) {
  EXPECT_EQ(printable(std::string_view{"\x1b[2J\n\0\xff", 7}), "\\x1b[2J\\x0a\\x00\\xff");
}

TEST(Printable, CutsLongText) {
  EXPECT_EQ(printable("abcdef", 6), "abcdef");
  EXPECT_EQ(printable("abcdefg", 6), "abcdef...");
}

}  // namespace
}  // namespace nodevigil
