#include "nodevigil/metrics/table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sqlite3.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <vector>

namespace nodevigil {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::Pair;

std::vector<std::string> names() {
  std::vector<std::string> found;
  for (const MetricSpec& metric : metric_table()) found.emplace_back(metric.name);
  return found;
}

std::vector<std::string> split(const std::string& text, char separator) {
  std::vector<std::string> parts;
  std::istringstream in{text};
  for (std::string part; std::getline(in, part, separator);) parts.push_back(part);
  return parts;
}

std::string kind_name(Kind kind) { return kind == Kind::kCounter ? "counter" : "gauge"; }

// The order is that of the columns of every store and file: rows may only be added, and then
// table_hash() and stored models change with them.
TEST(TableTest, RowsAndTheirOrder) {
  EXPECT_THAT(names(),
              ElementsAre("cpu_sec_idle", "disk_av_per", "disk_read", "disk_write", "net_receive",
                          "mem_pressure", "mem_av_per", "forks_total", "intr", "load1", "load5",
                          "load15", "receive_drop", "receive_errs", "transmit_packets",
                          "tcp_sock_alloc", "tcp_sock_inuse", "tcp_sock_mem", "udp_sock_inuse",
                          "udp_sock_mem", "ipv4_sock_inuse", "est_conn", "lis_conn", "open_fds"));
  EXPECT_EQ(metric_table().size(), kMetricCount);
}

TEST(TableTest, FeaturesWithALargestValue) {
  std::map<std::string, double> ceilings;
  for (const SeriesSpec& series : node_series()) {
    if (series.ceiling != kNoCeiling) ceilings[series.name] = series.ceiling;
  }
  // Idle seconds per second, and percents.
  EXPECT_THAT(ceilings, ElementsAre(Pair("cpu_sec_idle", 1), Pair("disk_av_per", 100),
                                    Pair("mem_av_per", 100)));
}

TEST(TableTest, SeriesThatSayLaterWhatAnotherSays) {
  std::vector<std::string> late;
  for (const SeriesSpec& series : node_series()) {
    if (series.late) late.push_back(series.name);
  }
  EXPECT_THAT(late, ElementsAre("load5", "load15"));
}

// Rows and states of before there were ceilings are still those of this table.
TEST(TableTest, ACeilingChangesNoHash) {
  auto series = node_series();
  const std::string hash = table_hash(series);
  for (SeriesSpec& one : series) one.ceiling = 1;
  EXPECT_EQ(table_hash(series), hash);
}

TEST(TableTest, NamesAreUnique) {
  std::set<std::string_view> columns;
  std::set<std::string_view> series;
  for (const MetricSpec& metric : metric_table()) {
    EXPECT_TRUE(columns.insert(metric.name).second) << metric.name;
    EXPECT_TRUE(series.insert(metric.prometheus).second) << metric.prometheus;
  }
}

TEST(TableTest, NamesAreValidForSql) {
  // Words of SQL that a column in this domain might be called.
  const std::set<std::string> reserved{"all",   "analyze", "check", "column", "default", "desc",
                                       "end",   "from",    "group", "limit",  "offset",  "order",
                                       "table", "to",      "user",  "using",  "when",    "window"};
  for (const std::string& name : names()) {
    // Lower case needs no quotes in Postgres; 63 bytes is its limit.
    EXPECT_TRUE(std::regex_match(name, std::regex{"[a-z_][a-z0-9_]{0,62}"})) << name;
    EXPECT_FALSE(reserved.contains(name)) << name;
    for (const char* taken : {"node", "ts", "attack", "attack_type", "score", "verdict", "class"}) {
      EXPECT_NE(name, taken);
    }
  }
}

// https://prometheus.io/docs/practices/naming/
TEST(TableTest, NamesAreValidForPrometheus) {
  for (const MetricSpec& metric : metric_table()) {
    const std::string name{metric.prometheus};
    EXPECT_TRUE(std::regex_match("nodevigil_node_" + name, std::regex{"[a-zA-Z_][a-zA-Z0-9_]*"}))
        << name;
    EXPECT_EQ(name.ends_with("_total"), metric.kind == Kind::kCounter) << name;
    // Suffixes that Prometheus gives to the parts of histograms and summaries.
    for (const char* suffix : {"_bucket", "_count", "_sum", "_info"}) {
      EXPECT_FALSE(name.ends_with(suffix)) << name;
    }
    EXPECT_FALSE(name.empty());
  }
}

TEST(TableTest, EveryRowIsFilledIn) {
  for (const MetricSpec& metric : metric_table()) {
    EXPECT_FALSE(metric.unit.empty()) << metric.name;
    EXPECT_TRUE(metric.help.ends_with(".")) << metric.name;
    EXPECT_NE(metric.read, nullptr) << metric.name;
    EXPECT_TRUE(std::isfinite(metric.floor.absolute) && metric.floor.absolute > 0) << metric.name;
    EXPECT_TRUE(metric.floor.relative >= 0 && metric.floor.relative < 1) << metric.name;
    // A level does not jump when a device comes and goes.
    EXPECT_TRUE(metric.kind == Kind::kCounter || metric.sums_over == SumsOver::kNothing)
        << metric.name;
  }
}

TEST(TableTest, NothingReadIsNothing) {
  const Readings nothing;
  for (const MetricSpec& metric : metric_table()) {
    EXPECT_EQ(metric.read(nothing), std::nullopt) << metric.name;
  }
  Readings hollow;  // the files are there and hold none of what is looked for
  hollow.stat.emplace();
  hollow.meminfo.emplace();
  hollow.sockstat.emplace();
  for (const MetricSpec& metric : metric_table()) {
    if (metric.source == Source::kStat || metric.source == Source::kMeminfo ||
        metric.source == Source::kSockstat) {
      EXPECT_EQ(metric.read(hollow), std::nullopt) << metric.name;
    }
  }
  hollow.meminfo->available_bytes = 1;
  hollow.meminfo->total_bytes = 0;
  EXPECT_EQ(metric_table()[6].read(hollow), std::nullopt) << "a division by no memory";
}

TEST(TableTest, SourcesHaveDistinctStableNames) {
  std::vector<std::string> sources;
  for (std::size_t i = 0; i < kSourceCount; ++i) {
    sources.emplace_back(source_name(static_cast<Source>(i)));
  }
  EXPECT_THAT(sources,
              ElementsAre("stat", "meminfo", "vmstat", "loadavg", "diskstats", "net/dev",
                          "net/sockstat", "net/snmp", "net/tcp", "sys/fs/file-nr", "statvfs"));
  for (std::size_t i = 0; i < kSourceCount; ++i) {
    EXPECT_TRUE(std::ranges::any_of(
        metric_table(),
        [i](const MetricSpec& metric) { return metric.source == static_cast<Source>(i); }))
        << sources[i] << " is read for nothing";
  }
}

TEST(TableTest, SeriesAreTheTable) {
  const std::vector<SeriesSpec> series = node_series();
  ASSERT_EQ(series.size(), kMetricCount);
  for (std::size_t i = 0; i < kMetricCount; ++i) {
    const MetricSpec& metric = metric_table()[i];
    EXPECT_EQ(series[i].name, metric.name);
    EXPECT_EQ(series[i].kind, metric.kind);
    EXPECT_EQ(series[i].floor.absolute, metric.floor.absolute);
    EXPECT_EQ(series[i].floor.relative, metric.floor.relative);
  }
}

// Computed apart from this program: FNV-1a over each name and a byte 1 (counter) or 2 (gauge).
// A change makes every stored row and every model foreign; that must not happen by accident.
TEST(TableTest, HashIsTheGoldenOne) { EXPECT_EQ(table_hash(node_series()), "c896da356ed16ba0"); }

TEST(TableTest, HashTellsNamesKindsAndOrderApart) {
  const std::vector<SeriesSpec> series = node_series();
  std::vector<SeriesSpec> other = series;
  other[3].floor.absolute += 1;
  EXPECT_EQ(table_hash(other), table_hash(series)) << "a floor does not change what a row means";
  std::set<std::string> hashes{table_hash(series)};
  other = series;
  other[0].name += "x";
  EXPECT_TRUE(hashes.insert(table_hash(other)).second);
  other = series;
  other[0].kind = Kind::kGauge;
  EXPECT_TRUE(hashes.insert(table_hash(other)).second);
  other = series;
  std::swap(other[9], other[10]);
  EXPECT_TRUE(hashes.insert(table_hash(other)).second);
  other.pop_back();
  EXPECT_TRUE(hashes.insert(table_hash(other)).second);
  EXPECT_TRUE(hashes.insert(table_hash({})).second);
}

TEST(TableTextTest, MarkdownAgrees) {
  const std::vector<std::string> lines = split(table_as_markdown(), '\n');
  ASSERT_EQ(lines.size(), kMetricCount + 2);
  EXPECT_EQ(lines[0], "| name | kind | unit | source | in Prometheus | meaning |");
  EXPECT_EQ(lines[1], "|---|---|---|---|---|---|");
  for (std::size_t i = 0; i < kMetricCount; ++i) {
    const MetricSpec& metric = metric_table()[i];
    const std::vector<std::string> cells = split(lines[i + 2], '|');
    EXPECT_THAT(
        cells, ElementsAre("", " " + std::string{metric.name} + " ",
                           " " + kind_name(metric.kind) + " ", " " + std::string{metric.unit} + " ",
                           " " + std::string{source_name(metric.source)} + " ",
                           " nodevigil_node_" + std::string{metric.prometheus} + " ",
                           " " + std::string{metric.help} + " "));
  }
}

TEST(TableTextTest, JsonAgrees) {
  const auto rows = nlohmann::json::parse(table_as_json());
  ASSERT_TRUE(rows.is_array());
  ASSERT_EQ(rows.size(), kMetricCount);
  for (std::size_t i = 0; i < kMetricCount; ++i) {
    const MetricSpec& metric = metric_table()[i];
    EXPECT_EQ(rows[i],
              nlohmann::json({{"name", metric.name},
                              {"kind", kind_name(metric.kind)},
                              {"unit", metric.unit},
                              {"source", source_name(metric.source)},
                              {"prometheus", "nodevigil_node_" + std::string{metric.prometheus}},
                              {"floor_absolute", metric.floor.absolute},
                              {"floor_relative", metric.floor.relative},
                              {"help", metric.help}}));
  }
}

// SQLite takes the types of Postgres as they are, so that it can tell whether the text is SQL.
TEST(TableTextTest, SqlAgrees) {
  sqlite3* opened = nullptr;
  ASSERT_EQ(sqlite3_open(":memory:", &opened), SQLITE_OK);
  const std::unique_ptr<sqlite3, decltype(&sqlite3_close)> database{opened, &sqlite3_close};
  char* error = nullptr;
  ASSERT_EQ(sqlite3_exec(opened, table_as_sql().c_str(), nullptr, nullptr, &error), SQLITE_OK)
      << error;
  std::vector<std::string> columns;
  sqlite3_exec(
      opened, "PRAGMA table_info(samples)",
      [](void* found, int, char** values, char**) {
        static_cast<std::vector<std::string>*>(found)->push_back(std::string{values[1]} + " " +
                                                                 values[2]);
        return 0;
      },
      &columns, nullptr);
  std::vector<std::string> expected{"node TEXT", "ts timestamptz"};
  for (const std::string& name : names()) expected.push_back(name + " double precision");
  expected.insert(expected.end(), {"attack boolean", "attack_type TEXT"});
  const auto lower = [](std::vector<std::string> texts) {
    for (std::string& text : texts) {
      std::ranges::transform(text, text.begin(),
                             [](char c) { return c >= 'A' && c <= 'Z' ? char(c + 32) : c; });
    }
    return texts;
  };
  EXPECT_EQ(lower(columns), lower(expected));
}

TEST(TableTextTest, CsvHeaderAgrees) {
  std::string expected = "ts,node";
  for (const std::string& name : names()) expected += "," + name;
  EXPECT_EQ(table_as_csv_header(), expected + ",attack,attack_type\n");
  EXPECT_THAT(names(), Each(Not(HasSubstr(","))));
}

}  // namespace
}  // namespace nodevigil
