#include "nodevigil/base/new_secret_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "nodevigil/base/file.h"
#include "support/temp_dir.h"

namespace nodevigil::testing {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

class NewSecretFileTest : public ::testing::Test {
 protected:
  [[nodiscard]] std::ptrdiff_t files() const {
    return std::distance(fs::directory_iterator{dir_.path()}, fs::directory_iterator{});
  }

  TempDir dir_;
  std::string path_ = dir_.file("secret");
};

TEST_F(NewSecretFileTest, IsForItsOwnerAloneAndOutlastsTheObjectOnceKept) {
  {
    NewSecretFile file{path_};
    ASSERT_TRUE(file.write("abc\n").ok());
    EXPECT_FALSE(fs::exists(path_));
    ASSERT_TRUE(file.publish().ok());
    file.keep();
  }
  EXPECT_EQ(*read_file(path_), "abc\n");
  EXPECT_EQ(fs::status(path_).permissions(), fs::perms::owner_read | fs::perms::owner_write);
  EXPECT_EQ(files(), 1);
}

TEST_F(NewSecretFileTest, LeavesNothingWhereItIsNotKept) {
  {
    NewSecretFile file{path_};
    ASSERT_TRUE(file.write("abc\n").ok());
  }
  EXPECT_EQ(files(), 0);
  {
    NewSecretFile file{path_};
    ASSERT_TRUE(file.write("abc\n").ok());
    ASSERT_TRUE(file.publish().ok());
  }
  EXPECT_EQ(files(), 0);
}

TEST_F(NewSecretFileTest, LeavesWhatIsThereAsItIs) {
  std::ofstream{path_} << "older";
  {
    NewSecretFile file{path_};
    ASSERT_TRUE(file.write("abc\n").ok());
    const auto published = file.publish();
    ASSERT_FALSE(published.ok());
    EXPECT_THAT(published.error().message(), HasSubstr(path_ + ": exists already"));
  }
  EXPECT_EQ(*read_file(path_), "older");
  EXPECT_EQ(files(), 1);
}

TEST_F(NewSecretFileTest, DoesNotFollowALinkToNothing) {
  fs::create_symlink(dir_.file("elsewhere"), path_);
  NewSecretFile file{path_};
  ASSERT_TRUE(file.write("abc\n").ok());
  EXPECT_FALSE(file.publish().ok());
  EXPECT_FALSE(fs::exists(dir_.file("elsewhere")));
}

TEST_F(NewSecretFileTest, SaysThatThereIsNoSuchDirectory) {
  NewSecretFile file{dir_.file("none/secret")};
  const auto written = file.write("abc\n");
  ASSERT_FALSE(written.ok());
  EXPECT_EQ(written.error().code, ErrorCode::kNotFound);
}

}  // namespace
}  // namespace nodevigil::testing
