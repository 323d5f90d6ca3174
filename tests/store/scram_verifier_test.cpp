#include "src/store/scram_verifier.h"

#include <gtest/gtest.h>

#include <string>

namespace nodevigil::testing {
namespace {

// W22ZaJ0SNY7soEsUEjb6gQ==, the salt of the example in RFC 7677.
const std::string kSalt{"\x5b\x6d\x99\x68\x9d\x12\x35\x8e\xec\xa0\x4b\x14\x12\x36\xfa\x81", 16};

// The RFC prints the proof and the signature of the exchange, not the keys. These two are the ones
// that both come out of: HMAC(ServerKey, exchange) is its signature, and its proof is
// ClientKey ^ HMAC(StoredKey, exchange) of a ClientKey whose SHA-256 is StoredKey.
TEST(ScramVerifier, IsThatOfTheExampleInRfc7677) {
  const auto made = scram_verifier("pencil", kSalt, 4096);
  ASSERT_TRUE(made.ok());
  EXPECT_EQ(*made,
            "SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$"
            "WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:"
            "wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=");
}

TEST(ScramVerifier, TakesASingleRound) {
  const auto made = scram_verifier("pencil", kSalt, 1);
  ASSERT_TRUE(made.ok());
  EXPECT_EQ(*made,
            "SCRAM-SHA-256$1:W22ZaJ0SNY7soEsUEjb6gQ==$"
            "bzcn5wYzlcMpEXczzDM1iuyLhni5BVbqsm82vjMHWXI=:"
            "fg/vS0Y425LcbLGWSqdzrFlRn9451QblzgpwLQYoXCI=");
}

}  // namespace
}  // namespace nodevigil::testing
