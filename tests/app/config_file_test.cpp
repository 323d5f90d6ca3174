#include "nodevigil/app/config_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace nodevigil {
namespace {

using testing::HasSubstr;

TEST(ParseConfig, ReadsKeysValuesCommentsAndQuotes) {
  const auto entries = parse_config(
      "# heading\n"
      "\n"
      "interval=10s\r\n"
      "  node =  a b   # trailing\n"
      "url = http://x/#part\n"
      "quoted = \" # not a comment \"\n"
      "empty =\n"
      "last = 1",
      "f");
  ASSERT_TRUE(entries) << entries.error().message();
  ASSERT_EQ(entries->size(), 6U);
  const auto expect = [&](std::size_t i, const char* key, const char* value, int line) {
    EXPECT_EQ((*entries)[i].key, key);
    EXPECT_EQ((*entries)[i].value, value);
    EXPECT_EQ((*entries)[i].line, line);
  };
  expect(0, "interval", "10s", 3);
  expect(1, "node", "a b", 4);
  expect(2, "url", "http://x/#part", 5);
  expect(3, "quoted", " # not a comment ", 6);
  expect(4, "empty", "", 7);
  expect(5, "last", "1", 8);
}

TEST(ParseConfig, ErrorsNameTheLine) {
  for (const char* const text : {"a = 1\njust words\n", "a = 1\n= 2\n", "a = 1\nb = \"open\n"}) {
    const auto entries = parse_config(text, "file.conf");
    ASSERT_FALSE(entries) << text;
    EXPECT_EQ(entries.error().path, "file.conf:2");
    EXPECT_THAT(entries.error().context, HasSubstr("expected"));
  }
}

}  // namespace
}  // namespace nodevigil
