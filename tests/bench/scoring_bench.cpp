// What scoring costs: per row of the 24 node metrics, per walk of a tree, per update of moments.

#include <benchmark/benchmark.h>

#include <cstddef>
#include <memory>
#include <vector>

#include "nodevigil/metrics/table.h"
#include "nodevigil/scoring/classifier.h"
#include "nodevigil/scoring/moments.h"
#include "nodevigil/scoring/scorer.h"
#include "scoring/random.h"
#include "scoring/simulated_node.h"

namespace nodevigil {
namespace {

// Rows that are scored over and over: two days of a node's life, every tenth hour of it under load.
std::vector<Sample> recorded_days() {
  SimulatedNode node{1};
  std::vector<Sample> rows;
  for (int i = 0; i < 2 * SimulatedNode::kPerDay; ++i) {
    if (i % (10 * SimulatedNode::kPerHour) == 0) node.change(busy_cpu());
    if (i % (10 * SimulatedNode::kPerHour) == SimulatedNode::kPerHour) node.restore();
    rows.push_back(node.next());
  }
  return rows;
}

void score_row(benchmark::State& state) {
  const auto rows = recorded_days();
  Scorer scorer{node_series(), {}};
  scorer.set_classifier(*compiled_classifier(default_model(), node_series()));
  Scored scored;
  for (const Sample& row : rows) scorer.score(row, scored);
  std::size_t at = 0;
  for (auto _ : state) {
    scorer.score(rows[at], scored);
    at = at + 1 == rows.size() ? 0 : at + 1;
    benchmark::DoNotOptimize(scored.score);
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(score_row);

// Of what the tree sees in those two days, so that the ways down are those that are gone.
void walk_tree(benchmark::State& state, bool compiled) {
  auto classifier = *compiled_classifier(default_model(), node_series());
  if (!compiled) classifier.compiled = nullptr;
  const std::size_t inputs = classifier.model->features.size();
  Scorer scorer{node_series(), {}};
  Scored scored;
  std::vector<double> seen;
  std::size_t rows = 0;
  for (const Sample& row : recorded_days()) {
    scorer.score(row, scored);
    // No more than the caches hold in an agent, which has one row.
    if (scored.phase != Phase::kReady || row.ts_us / 10'000'000 % 16 != 0) continue;
    seen.insert(seen.end(), scored.tree_inputs.begin(), scored.tree_inputs.end());
    ++rows;
  }
  std::size_t at = 0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(classifier.leaf(std::span{seen}.subspan(at * inputs, inputs)));
    at = at + 1 == rows ? 0 : at + 1;
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK_CAPTURE(walk_tree, compiled, true);
BENCHMARK_CAPTURE(walk_tree, loaded, false);

void add_to_moments(benchmark::State& state) {
  Random random{3};
  std::vector<double> values(kMetricCount);
  for (double& value : values) value = random.normal();
  RollingMoments window{kMetricCount, 168, 360};
  for (auto _ : state) {
    window.advance(1);
    window.add(values);
    benchmark::DoNotOptimize(window.mean().data());
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(add_to_moments);

}  // namespace
}  // namespace nodevigil
