#include "nodevigil/base/hash.h"

#include <gtest/gtest.h>

namespace nodevigil {
namespace {

TEST(Fnv1aTest, GivesThePublishedValues) {  // test vectors of the FNV reference code
  EXPECT_EQ(fnv1a_hex(""), "cbf29ce484222325");
  EXPECT_EQ(fnv1a_hex("a"), "af63dc4c8601ec8c");
  EXPECT_EQ(fnv1a_hex("foobar"), "85944171f73967e8");
}

TEST(Fnv1aTest, PartsGiveTheHashOfTheWhole) {
  Fnv1a hash;
  hash.add("foo");
  hash.add("");
  hash.add("bar");
  EXPECT_EQ(hash.hex(), fnv1a_hex("foobar"));
}

}  // namespace
}  // namespace nodevigil
