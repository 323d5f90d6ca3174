#include "nodevigil/app/environment.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "nodevigil/app/options.h"

namespace nodevigil {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using Names = std::vector<std::string>;

TEST(UnknownVariables, NamesTheNearestSetting) {
  EXPECT_THAT(unknown_variables(Names{"NODEVIGIL_INTERVALL", "NODEVIGIL_POSTGRES_URI"}),
              ElementsAre("NODEVIGIL_INTERVALL is no setting; the nearest is NODEVIGIL_INTERVAL",
                          "NODEVIGIL_POSTGRES_URI is no setting; the nearest is "
                          "NODEVIGIL_POSTGRES_URL"));
}

TEST(UnknownVariables, NamesTheFlagWhereOnlyThatCounts) {
  EXPECT_THAT(unknown_variables(Names{"NODEVIGIL_CLASS", "NODEVIGIL_MATCH"}),
              ElementsAre("NODEVIGIL_CLASS is no setting; only the flag --class counts",
                          "NODEVIGIL_MATCH is no setting; only the flag --match counts"));
}

TEST(UnknownVariables, LeavesSettingsOfAnyCommandAndVariablesOfOthersAlone) {
  EXPECT_THAT(unknown_variables(Names{"NODEVIGIL_INTERVAL", "NODEVIGIL_FORMAT", "HOME", "",
                                      "NODEVIGILANTE", "MY_NODEVIGIL_X"}),
              IsEmpty());
}

// What Kubernetes sets for Services called nodevigil and nodevigil-metrics.
TEST(UnknownVariables, LeavesThoseOfServicesAlone) {
  EXPECT_THAT(
      unknown_variables(Names{
          "NODEVIGIL_SERVICE_HOST", "NODEVIGIL_SERVICE_PORT", "NODEVIGIL_SERVICE_PORT_METRICS",
          "NODEVIGIL_PORT", "NODEVIGIL_PORT_9910_TCP", "NODEVIGIL_PORT_9910_TCP_PROTO",
          "NODEVIGIL_PORT_9910_TCP_PORT", "NODEVIGIL_PORT_9910_TCP_ADDR",
          "NODEVIGIL_PORT_53_UDP_ADDR", "NODEVIGIL_PORT_7_SCTP", "NODEVIGIL_METRICS_SERVICE_HOST",
          "NODEVIGIL_METRICS_PORT_9910_TCP_ADDR"}),
      IsEmpty());
  EXPECT_THAT(unknown_variables(
                  Names{"NODEVIGIL_PORT_NUMBER", "NODEVIGIL_PORT_9910_HTTP", "NODEVIGIL_SERVICE"}),
              testing::SizeIs(3));
}

// Else a Service would change a setting.
TEST(UnknownVariables, NoOptionHasTheNameOfAServiceVariable) {
  for (const OptionSpec& spec : option_table()) {
    EXPECT_FALSE(is_service_variable(environment_name(spec.name))) << spec.name;
  }
}

}  // namespace
}  // namespace nodevigil
