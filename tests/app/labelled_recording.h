#pragma once

#include <cstdint>
#include <fstream>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "nodevigil/base/units.h"
#include "nodevigil/dataset/csv_text.h"
#include "nodevigil/metrics/table.h"
#include "scoring/simulated_node.h"

namespace nodevigil::testing {

/// A machine that is being flooded: it moves other metrics than busy_cpu().
inline const std::vector<Change>& flooded_net() {
  static const std::vector<Change> changes{{"net_receive", 4e7},     {"transmit_packets", 3e4},
                                           {"receive_drop", 50},     {"tcp_sock_alloc", 900},
                                           {"tcp_sock_inuse", 900},  {"est_conn", 800},
                                           {"ipv4_sock_inuse", 900}, {"tcp_sock_mem", 700}};
  return changes;
}

/// What a simulated node did and what is known of it, as `nodevigil export` writes it: a row every
/// 10 s.
class LabelledRecording {
 public:
  struct Row {
    Sample sample;
    std::string attack;  ///< "0", "1" or nothing
    std::string type;
  };

  explicit LabelledRecording(std::uint64_t seed, std::string node = "n1")
      : simulated_(seed), node_(std::move(node)) {}

  void normal(int rows) { add(rows, "0", ""); }
  void unlabelled(int rows) { add(rows, "", ""); }
  void attack(const std::string& type, const std::vector<Change>& changes, int rows) {
    simulated_.change(changes);
    add(rows, "1", type);
    simulated_.restore();
  }
  /// So many attacks of both kinds, one after the other, with that many normal rows between.
  void attacks(int of_each, int between) {
    for (int i = 0; i < of_each; ++i) {
      attack("cpu", busy_cpu(), 10 + i % 3);
      normal(between);
      attack("net-flood", flooded_net(), 10 + i % 4);
      normal(between);
    }
  }

  [[nodiscard]] std::vector<Row>& rows() { return rows_; }
  [[nodiscard]] const std::vector<Row>& rows() const { return rows_; }
  [[nodiscard]] const std::string& node() const { return node_; }

 private:
  void add(int rows, const std::string& attack, const std::string& type) {
    for (int i = 0; i < rows; ++i) rows_.push_back({simulated_.next(), attack, type});
  }

  SimulatedNode simulated_;
  std::string node_;
  std::vector<Row> rows_;
};

inline std::string csv_header(bool with_node = true) {
  std::string line = with_node ? "ts,node" : "ts";
  for (const MetricSpec& metric : metric_table()) line += ',' + std::string{metric.name};
  return line + ",attack,attack_type\n";
}

inline std::string csv_line(const LabelledRecording::Row& row,
                            const std::optional<std::string>& node) {
  std::string line = format_timestamp(row.sample.ts_us);
  if (node) {
    line += ',';
    append_csv(line, *node);
  }
  for (const std::optional<double>& value : row.sample.values) {
    line += ',';
    append_csv(line, value);
  }
  line += ',' + row.attack + ',';
  append_csv(line, row.type);
  return line + '\n';
}

/// Writes every `step`-th row of recordings, one node after the other.
inline void write_csv(const std::string& path, const std::vector<LabelledRecording>& nodes,
                      std::size_t step = 1) {
  std::ofstream out{path, std::ios::binary};
  out << csv_header();
  for (const LabelledRecording& one : nodes) {
    for (std::size_t i = 0; i < one.rows().size(); i += step) {
      out << csv_line(one.rows()[i], one.node());
    }
  }
}

}  // namespace nodevigil::testing
