#include "nodevigil/app/windows.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "store/journal_fixture.h"
#include "support/temp_dir.h"

namespace nodevigil::testing {
namespace {

using ::testing::HasSubstr;

// A path that was mistyped is told and not made.
class OpenWindowsTest : public ::testing::TestWithParam<WindowUse> {
 protected:
  void expect_missing(const std::string& path, const std::string& reason) const {
    const auto opened = open_windows(options_, GetParam());
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().code, ErrorCode::kNotFound);
    EXPECT_EQ(opened.error().path, path);
    EXPECT_THAT(opened.error().context, HasSubstr(reason));
    EXPECT_FALSE(std::filesystem::exists(path));
  }

  TempDir dir_;
  Options options_;
};

TEST_P(OpenWindowsTest, NeedsAStateDirectoryThatIsThere) {
  options_.state_dir = dir_.file("mistyped");
  expect_missing(options_.state_dir, "is no directory; expected the one where an agent writes");
  options_.state_dir = dir_.path();
  EXPECT_TRUE(succeeded(open_windows(options_, GetParam())));
}

TEST_P(OpenWindowsTest, NeedsAFileThatIsThereUnlessToAdd) {
  options_.labels = dir_.file("mistyped.csv");
  options_.state_dir = dir_.file("mistyped");  // not asked for
  if (GetParam() == WindowUse::kAdd) {
    EXPECT_TRUE(succeeded(open_windows(options_, GetParam())));
  } else {
    expect_missing(options_.labels, "cannot open");
  }
}

INSTANTIATE_TEST_SUITE_P(Uses, OpenWindowsTest,
                         ::testing::Values(WindowUse::kRead, WindowUse::kAdd, WindowUse::kRemove));

}  // namespace
}  // namespace nodevigil::testing
