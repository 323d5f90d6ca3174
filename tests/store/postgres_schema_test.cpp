// The SQL as text; tests/system has it run by a server.

#include "src/store/postgres_schema.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cctype>
#include <regex>
#include <string>
#include <string_view>
#include <vector>

#include "nodevigil/metrics/table.h"
#include "nodevigil/store/postgres_admin.h"
#include "src/store/postgres_batch.h"
#include "src/store/sql_identifier.h"

namespace nodevigil {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

/// A node's own table; its name needs quotes.
constexpr const char* kTable = R"(sam"ples_1)";

std::vector<SeriesSpec> odd_series() {
  return {{"load1", Kind::kGauge, {}}, {R"(we"ird, Name)", Kind::kCounter, {}}};
}

/// The parts between commas outside of quotes and brackets.
std::vector<std::string> split(std::string_view list) {
  std::vector<std::string> parts{""};
  bool quoted = false;
  int depth = 0;
  for (const char c : list) {
    if (c == '"') quoted = !quoted;
    if (!quoted && c == '(') ++depth;
    if (!quoted && c == ')') --depth;
    if (c == ',' && !quoted && depth == 0) {
      parts.emplace_back();
    } else if (c != ' ' || !parts.back().empty()) {
      parts.back() += c;
    }
  }
  return parts;
}

/// The pieces of an INSERT ... SELECT ... FROM unnest(...).
struct Insert {
  std::vector<std::string> names, values, arrays, aliases;
};

Insert parse_insert(const std::string& sql) {
  static const std::regex form{
      R"(INSERT INTO nodevigil\."sam""ples_1" \((.*)\) SELECT (.*) FROM unnest\((.*)\) AS t\((.*)\))"
      R"( ON CONFLICT \(node, ts\) DO NOTHING)"};
  std::smatch part;
  EXPECT_TRUE(std::regex_match(sql, part, form)) << sql;
  if (part.empty()) return {};
  return {split(part.str(1)), split(part.str(2)), split(part.str(3)), split(part.str(4))};
}

TEST(PostgresSchemaTest, AppendNamesColumnsInTheOrderOfABatch) {
  const auto series = odd_series();
  const Insert insert = parse_insert(append_sql(series, kTable));
  std::vector<std::string> names{"node", "context"};
  std::vector<std::string> types;
  for (const PostgresColumn& column : postgres_columns()) {
    names.emplace_back(column.name);
    types.emplace_back(column.parameter);
  }
  names.insert(names.end(), {R"("load1")", R"("we""ird, Name")"});
  types.insert(types.end(), {"double precision", "double precision"});
  names.insert(names.end(), {R"("z_load1")", R"("z_we""ird, Name")"});
  types.insert(types.end(), {"real", "real"});
  EXPECT_EQ(insert.names, names);

  ASSERT_EQ(insert.arrays.size(), types.size());
  ASSERT_EQ(insert.aliases.size(), types.size());
  ASSERT_EQ(insert.values.size(), types.size() + 2);
  EXPECT_EQ(insert.values[0], "$1");
  EXPECT_EQ(insert.values[1], "$2");
  for (std::size_t i = 0; i < types.size(); ++i) {
    EXPECT_EQ(insert.arrays[i], "$" + std::to_string(i + 3) + "::" + types[i] + "[]");
    // What is stored in a column is made of the array of the same place.
    const std::string value = insert.values[i + 2];
    const std::string alias = "t." + insert.aliases[i];
    const auto at = value.find(alias);
    ASSERT_NE(at, std::string::npos) << value;
    EXPECT_FALSE(std::isdigit(static_cast<unsigned char>(value[at + alias.size()]))) << value;
  }
}

TEST(PostgresSchemaTest, AppendTakesAsManyParametersAsABatchHas) {
  for (const auto& series : {odd_series(), node_series(), std::vector<SeriesSpec>{}}) {
    const std::string sql = append_sql(series, kTable);
    const auto parameters = PostgresBatch{series}.parameters("node", 1).size();
    EXPECT_THAT(sql, HasSubstr("$" + std::to_string(parameters) + "::"));
    EXPECT_EQ(sql.find("$" + std::to_string(parameters + 1)), std::string::npos);
    EXPECT_EQ(sql.find('%'), std::string::npos) << "a place that nothing was put into";
  }
}

TEST(PostgresSchemaTest, EveryFixedColumnIsMadeByOneMigration) {
  const std::string first = migrations().front().sql;
  const auto begin = first.find("CREATE TABLE nodevigil.samples (");
  ASSERT_NE(begin, std::string::npos);
  const std::string table = first.substr(begin, first.find("PARTITION BY", begin) - begin);
  std::string later;
  for (const Migration& migration : migrations().subspan(1)) later += migration.sql;
  for (const PostgresColumn& column : postgres_columns()) {
    const std::string name{column.name};
    const bool at_first = table.find("\n  " + name + " ") != std::string::npos;
    const bool added = later.find("ADD COLUMN " + name + " ") != std::string::npos;
    EXPECT_NE(at_first, added) << name;
  }
}

TEST(PostgresSchemaTest, MetricColumnsAreAddedWithTheirZScores) {
  EXPECT_EQ(metric_columns_sql(odd_series()),
            "ALTER TABLE nodevigil.samples"
            R"( ADD COLUMN IF NOT EXISTS "load1" double precision,)"
            R"( ADD COLUMN IF NOT EXISTS "we""ird, Name" double precision,)"
            R"( ADD COLUMN IF NOT EXISTS "z_load1" real,)"
            R"( ADD COLUMN IF NOT EXISTS "z_we""ird, Name" real)");
}

TEST(PostgresSchemaTest, HistoryReadsTheValuesInTheOrderOfTheSeries) {
  const std::string sql = history_sql(odd_series(), kTable, 321);
  const auto from = sql.find(R"( FROM nodevigil."sam""ples_1" WHERE node = $1 )");
  ASSERT_TRUE(sql.starts_with("SELECT ") && from != std::string::npos) << sql;
  EXPECT_THAT(split(std::string_view{sql}.substr(7, from - 7)),
              ElementsAre("(extract(epoch FROM ts) * 1000000)::bigint", "seq", "elapsed_ns",
                          "breaks", R"("load1")", R"("we""ird, Name")"));
  EXPECT_THAT(sql, HasSubstr("ORDER BY ts LIMIT 321"));
}

TEST(PostgresSchemaTest, MigrationsCountUpByOneAndEndAtTheVersionOfTheProgram) {
  int version = 0;
  for (const Migration& migration : migrations()) {
    EXPECT_EQ(migration.version, ++version);
    EXPECT_LE(migration.compatible_from, migration.version);
    EXPECT_GE(migration.compatible_from, 1);
  }
  EXPECT_EQ(schema_version(), version);
}

TEST(PostgresSchemaTest, ThePrintedSchemaIsOneTransactionThatHoldsEveryStep) {
  const std::string sql = schema_sql(odd_series());
  EXPECT_TRUE(sql.starts_with("BEGIN;\n"));
  EXPECT_TRUE(sql.ends_with("COMMIT;\n"));
  // Each step needs what the one before has made; the lock comes before all.
  std::vector<std::string> steps{kLockSchemaSql, base_sql()};
  for (const Migration& migration : migrations()) steps.emplace_back(migration.sql);
  steps.push_back(metric_columns_sql(odd_series()) + ";\n");
  steps.emplace_back(views_sql());
  std::size_t at = 0;
  for (const std::string& step : steps) {
    const auto found = sql.find(step, at);
    ASSERT_NE(found, std::string::npos) << step.substr(0, 80);
    at = found + step.size();
  }
}

TEST(SqlIdentifierTest, IsOneQuotedNameWhateverItHolds) {
  EXPECT_EQ(sql_identifier("load1"), R"("load1")");
  EXPECT_EQ(sql_identifier(""), R"("")");
  EXPECT_EQ(sql_identifier("select"), R"("select")");
  EXPECT_EQ(sql_identifier(R"(")"), R"("""")");
  EXPECT_EQ(sql_identifier(R"(a" int; DROP TABLE x; --)"), R"("a"" int; DROP TABLE x; --")");
  EXPECT_EQ(sql_identifier(R"(back\slash 'q' ö)"), R"("back\slash 'q' ö")");
}

}  // namespace
}  // namespace nodevigil
