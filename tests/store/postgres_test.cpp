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

TEST(HidePassword, RatherTooMuchWhereItWasNotEscaped) {
  EXPECT_EQ(hide_password("postgresql://me:p@ss@db/x"), "postgresql://me:***@db/x");
  EXPECT_EQ(hide_password("postgresql://me:p?a@ss@db/x"), "postgresql://me:***@db/x");
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
  EXPECT_TRUE(check_postgres_url("postgresql://me:s%40cr%2Fet@db/x?application_name=a@b/c"));
  EXPECT_TRUE(check_postgres_url("host=db password='postgresql://a@b@c'"));
  for (const char* const url :
       {"postgresql://me:se%zzcret@db", "host", "secret=1", "postgresql://[::1",
        // libpq would take these for a host, a port or a database, and tell them to everyone.
        "postgresql://me:se@cret@db/x", "postgres://me:1/secret@db/x"}) {
    const auto checked = check_postgres_url(url);
    ASSERT_FALSE(checked) << url;
    EXPECT_EQ(checked.error().code, ErrorCode::kInvalid);
    EXPECT_EQ(checked.error().message().find("cret"), std::string::npos);
    EXPECT_NE(checked.error().message().find("postgresql://USER@HOST"), std::string::npos);
  }
}

}  // namespace
}  // namespace nodevigil
