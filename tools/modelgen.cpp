// Build tool: reads a model's JSON, checks it and writes it as C++.
// usage: nodevigil_modelgen MODEL.json OUTPUT.cpp
#include <fstream>
#include <iostream>

#include "nodevigil/metrics/table.h"
#include "nodevigil/scoring/classifier.h"

int main(int argc, char** argv) {
  if (argc != 3) {
    std::cerr << "usage: nodevigil_modelgen MODEL.json OUTPUT.cpp\n";
    return 2;
  }
  const auto classifier = nodevigil::load_classifier(argv[1], nodevigil::node_series());
  if (!classifier) {
    std::cerr << "nodevigil_modelgen: " << classifier.error().message() << '\n';
    return 1;
  }
  std::ofstream out{argv[2]};
  out << nodevigil::model_as_cpp(*classifier->model);
  out.close();
  if (!out) {
    std::cerr << "nodevigil_modelgen: cannot write " << argv[2] << '\n';
    return 1;
  }
  return 0;
}
