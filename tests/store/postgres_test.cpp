#include "nodevigil/store/postgres.h"

#include <gtest/gtest.h>

namespace nodevigil {
namespace {

TEST(HidePassword, WhereverItStands) {
  EXPECT_EQ(hide_password("postgresql://me:s3c/ret@db:5432/x"), "postgresql://me:***@db:5432/x");
  EXPECT_EQ(hide_password("postgresql://me:p%40ss@db/x?sslmode=require"),
            "postgresql://me:***@db/x?sslmode=require");
  EXPECT_EQ(hide_password("postgresql://db/x?user=me&password=abc&sslmode=require"),
            "postgresql://db/x?user=me&password=***&sslmode=require");
  EXPECT_EQ(hide_password("host=db password='a \\' b' dbname=x"), "host=db password=*** dbname=x");
  EXPECT_EQ(hide_password("host=db password = abc dbname=x"), "host=db password = *** dbname=x");
}

TEST(HidePassword, LeavesAddressesWithoutOneAlone) {
  for (const char* const url : {"postgresql://me@db:5432/x", "postgresql://db:5432", "host=db",
                                "postgresql://[::1]:5432/x?sslmode=verify-full"}) {
    EXPECT_EQ(hide_password(url), url);
  }
}

TEST(CheckPostgresUrl, SaysWhatIsExpectedAndQuotesNothing) {
  EXPECT_TRUE(check_postgres_url("postgresql://me@db/x"));
  EXPECT_TRUE(check_postgres_url("host=db user=me"));
  for (const char* const url :
       {"postgresql://me:se%zzcret@db", "host", "secret=1", "postgresql://[::1"}) {
    const auto checked = check_postgres_url(url);
    ASSERT_FALSE(checked) << url;
    EXPECT_EQ(checked.error().code, ErrorCode::kInvalid);
    EXPECT_EQ(checked.error().message().find("cret"), std::string::npos);
    EXPECT_NE(checked.error().message().find("postgresql://USER@HOST"), std::string::npos);
  }
}

}  // namespace
}  // namespace nodevigil
