// The table of metrics in the forms people and programs read.
#include "nodevigil/base/hash.h"
#include "nodevigil/base/units.h"
#include "nodevigil/metrics/table.h"

namespace nodevigil {
namespace {

std::string_view kind_name(Kind kind) { return kind == Kind::kCounter ? "counter" : "gauge"; }

std::string joined(std::initializer_list<std::string_view> parts) {
  std::string text;
  for (const std::string_view part : parts) text += part;
  return text;
}

// The table holds no character that JSON or SQL would need escaped but the quotation mark.
std::string json_string(std::string_view text) {
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') quoted += '\\';
    quoted += c;
  }
  return quoted + '"';
}

}  // namespace

std::string table_hash(std::span<const SeriesSpec> series) {
  Fnv1a hash;
  for (const SeriesSpec& one : series) {
    hash.add(one.name);
    hash.add(one.kind == Kind::kCounter ? "\x01" : "\x02");
  }
  return hash.hex();
}

std::string table_as_markdown() {
  std::string text =
      "| name | kind | unit | source | in Prometheus | meaning |\n"
      "|---|---|---|---|---|---|\n";
  for (const MetricSpec& metric : metric_table()) {
    text += joined({"| ", metric.name, " | ", kind_name(metric.kind), " | ", metric.unit, " | ",
                    source_name(metric.source), " | nodevigil_node_", metric.prometheus, " | ",
                    metric.help, " |\n"});
  }
  return text;
}

std::string table_as_json() {
  std::string text = "[\n";
  for (const MetricSpec& metric : metric_table()) {
    text +=
        joined({"  {\"name\": ", json_string(metric.name), ", \"kind\": ",
                json_string(kind_name(metric.kind)), ", \"unit\": ", json_string(metric.unit),
                ", \"source\": ", json_string(source_name(metric.source)),
                ", \"prometheus\": ", json_string(joined({"nodevigil_node_", metric.prometheus})),
                ", \"floor_absolute\": ", format_double(metric.floor.absolute),
                ", \"floor_relative\": ", format_double(metric.floor.relative), ", \"help\": ",
                json_string(metric.help), "}", &metric == &metric_table().back() ? "\n" : ",\n"});
  }
  return text + "]\n";
}

std::string table_as_sql() {
  std::string text =
      "CREATE TABLE samples (\n"
      "  node text NOT NULL,\n"
      "  ts timestamptz NOT NULL,\n";
  for (const MetricSpec& metric : metric_table()) {
    text += joined({"  ", metric.name, " double precision,\n"});
  }
  return text +
         "  attack boolean,\n"
         "  attack_type text,\n"
         "  PRIMARY KEY (node, ts)\n"
         ");\n";
}

std::string table_as_csv_header() {
  std::string text = "ts,node";
  for (const MetricSpec& metric : metric_table()) text += joined({",", metric.name});
  return text + ",attack,attack_type\n";
}

}  // namespace nodevigil
