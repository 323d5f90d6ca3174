#include "nodevigil/train/confusion.h"

namespace nodevigil {

void ConfusionMatrix::add(const ConfusionMatrix& other) {
  for (std::size_t i = 0; i < cells_.size(); ++i) cells_[i] += other.cells_[i];
}

double ConfusionMatrix::total() const {
  double sum = 0;
  for (const double cell : cells_) sum += cell;
  return sum;
}

double ConfusionMatrix::accuracy() const {
  double hits = 0;
  for (std::size_t i = 0; i < classes_; ++i) hits += at(i, i);
  const double all = total();
  return all > 0 ? hits / all : 0;
}

std::optional<double> ConfusionMatrix::precision(std::size_t one) const {
  double given = 0;
  for (std::size_t i = 0; i < classes_; ++i) given += at(i, one);
  if (given <= 0) return std::nullopt;
  return at(one, one) / given;
}

std::optional<double> ConfusionMatrix::recall(std::size_t one) const {
  double there = 0;
  for (std::size_t i = 0; i < classes_; ++i) there += at(one, i);
  if (there <= 0) return std::nullopt;
  return at(one, one) / there;
}

std::optional<double> ConfusionMatrix::f1(std::size_t one) const {
  double given = 0;
  double there = 0;
  for (std::size_t i = 0; i < classes_; ++i) {
    given += at(i, one);
    there += at(one, i);
  }
  if (there <= 0) return std::nullopt;
  return 2 * at(one, one) / (given + there);
}

double ConfusionMatrix::macro_f1() const {
  double sum = 0;
  double classes = 0;
  for (std::size_t i = 0; i < classes_; ++i) {
    if (const auto one = f1(i)) {
      sum += *one;
      classes += 1;
    }
  }
  return classes > 0 ? sum / classes : 0;
}

}  // namespace nodevigil
