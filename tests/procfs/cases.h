#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ostream>
#include <string>

#include "nodevigil/base/result.h"

namespace nodevigil {

/// A text that a parser must refuse, and the essential parts of the error it must give.
struct BadText {
  std::string name;      ///< of the case; letters and digits
  std::string text;      ///< what is parsed
  std::string expected;  ///< what the error must say was expected
  std::string quoted;    ///< what it must quote, in quotes
};

inline void PrintTo(const BadText& bad, std::ostream* out) { *out << bad.name; }

/// Names the tests of a parametrised suite after their cases.
struct CaseName {
  template <typename Case>
  std::string operator()(const ::testing::TestParamInfo<Case>& info) const {
    return std::string{info.param.name};
  }
};

inline void expect_refused(const BadText& bad, const Error& error) {
  EXPECT_EQ(error.code, ErrorCode::kInvalid);
  EXPECT_THAT(error.context, ::testing::HasSubstr("expected " + bad.expected));
  EXPECT_THAT(error.context, ::testing::HasSubstr("got '" + bad.quoted + "'"));
}

}  // namespace nodevigil
