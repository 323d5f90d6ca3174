// Learns a tree from a file of numbers and tells what it costs and is worth;
// tests/bench/training.py makes the file and gives it to scikit-learn, too. usage:
// nodevigil_train_bench FILE ROWS FEATURES LEARNED DEPTH FILE: FEATURES columns of ROWS floats,
// then ROWS labels of 16 bits. The first LEARNED rows are learned from, the others are judged.
#include <sys/resource.h>

#include <cstdlib>
#include <ctime>
#include <fstream>
#include <iostream>
#include <numeric>

#include "nodevigil/train/cart.h"

namespace {

double cpu_seconds() {
  timespec now{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

double peak_mebibytes() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) / 1024;
}

nodevigil::TrainingData read(const char* path, std::size_t rows, std::size_t features) {
  nodevigil::TrainingData data;
  data.rows = rows;
  for (std::size_t f = 0; f < features; ++f) data.features.push_back("f" + std::to_string(f));
  data.values.resize(rows * features);
  data.labels.resize(rows);
  std::ifstream file{path, std::ios::binary};
  const auto fill = [&](auto& values) {
    file.read(reinterpret_cast<char*>(values.data()),
              static_cast<std::streamsize>(values.size() * sizeof values[0]));
  };
  fill(data.values);
  fill(data.labels);
  if (!file) {
    std::cerr << path << ": expected " << rows << " rows of " << features << " features\n";
    std::exit(1);
  }
  for (const std::uint16_t label : data.labels) {
    while (data.classes.size() <= label)
      data.classes.push_back(std::to_string(data.classes.size()));
  }
  return data;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 6) {
    std::cerr << "usage: nodevigil_train_bench FILE ROWS FEATURES LEARNED DEPTH\n";
    return 2;
  }
  const std::size_t rows = std::stoul(argv[2]);
  const std::size_t learned = std::stoul(argv[4]);
  const auto data = read(argv[1], rows, std::stoul(argv[3]));
  const double before = cpu_seconds();
  const nodevigil::BinnedData bins{data};
  std::vector<std::uint32_t> first(learned);
  std::iota(first.begin(), first.end(), 0U);
  nodevigil::CartOptions options;
  options.max_depth = std::stoul(argv[5]);
  const auto tree = nodevigil::fit_cart(data, bins, first, options);
  const double seconds = cpu_seconds() - before;
  std::size_t right = 0;
  for (std::size_t row = learned; row < rows; ++row) {
    if (class_of(leaf_of(tree, data, row)) == data.labels[row]) ++right;
  }
  std::cout << "{\"cpu_seconds\": " << seconds << ", \"mebibytes\": " << peak_mebibytes()
            << ", \"leaves\": " << tree.leaves() << ", \"accuracy\": "
            << static_cast<double>(right) / static_cast<double>(rows - learned) << "}\n";
  return 0;
}
