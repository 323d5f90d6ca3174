#include "nodevigil/dataset/node_queries.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "nodevigil/metrics/table.h"

namespace nodevigil {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

std::string query_of(const std::vector<ImportSource>& sources, std::string_view name) {
  for (const ImportSource& source : sources) {
    if (source.name == name) return source.expression;
  }
  return "";
}

TEST(NodeQueriesTest, AreTheMetricsOfTheTableInItsOrder) {
  const auto sources = node_queries("instance=\"a:9100\"", {});
  ASSERT_EQ(sources.size(), kMetricCount);
  for (std::size_t i = 0; i < kMetricCount; ++i) {
    EXPECT_EQ(sources[i].name, metric_table()[i].name);
    EXPECT_THAT(sources[i].expression, HasSubstr("instance=\"a:9100\""));
    EXPECT_THAT(sources[i].expression, Not(HasSubstr("$")));
  }
}

TEST(NodeQueriesTest, ChooseDevicesAsTheAgentDoes) {
  SamplerOptions options;
  options.net_exclude = R"(^(lo|br-.*|.*\.\d+)$)";
  options.disk_include = "sda";
  options.filesystems = {"/", "/var/lib/x.y"};
  const auto sources = node_queries("i=\"a\"", options);
  EXPECT_EQ(query_of(sources, "net_receive"),
            R"q(sum(max by (device) (node_network_receive_bytes_total{i="a",device!~)q"
            R"q("^(lo|br-.*|.*\\.\\d+)$"})))q");
  EXPECT_THAT(query_of(sources, "disk_read"), HasSubstr(R"(|nvme\\d+n\\d+",device=~"sda"})"));
  EXPECT_THAT(query_of(sources, "disk_av_per"), HasSubstr(R"(mountpoint=~"/|/var/lib/x\\.y"})"));
}

TEST(NodeQueriesTest, StringsAreQuoted) {
  EXPECT_EQ(promql_string("a\"b\\c\nd"), R"("a\"b\\c\nd")");
}

}  // namespace
}  // namespace nodevigil
