#pragma once

#include <gtest/gtest.h>

#include <string>

namespace nodevigil {

/// Names the tests of a parametrised suite after their cases.
struct CaseName {
  template <typename Case>
  std::string operator()(const testing::TestParamInfo<Case>& info) const {
    return std::string{info.param.name};
  }
};

}  // namespace nodevigil
