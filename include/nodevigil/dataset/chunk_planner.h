#pragma once

#include <algorithm>
#include <cstddef>

namespace nodevigil {

/// How many points of time to ask a Prometheus for at once. It begins with as many as are allowed,
/// halves that when the server or its answer cannot cope, and grows again slowly, as far as the
/// answers so far let it expect answers that are short enough.
class ChunkPlanner {
 public:
  /// `most_points`: in any request; `most_bytes`: of any answer.
  ChunkPlanner(std::size_t most_points, std::size_t most_bytes)
      : most_points_(most_points), most_bytes_(most_bytes), points_(most_points) {}

  /// How many of the `left` points, of which there is at least one, to ask for.
  [[nodiscard]] std::size_t next(std::size_t left) const { return std::min(points_, left); }

  /// `points` were given, in an answer of `bytes`.
  void succeeded(std::size_t points, std::size_t bytes) {
    // A quarter stays free: the next numbers may be longer, and there may be more series.
    const std::size_t fit = most_bytes_ / 4 * 3 / std::max<std::size_t>(bytes / points, 1);
    const std::size_t grown = std::max(points_, points) + std::max(points_, points) / 4 + 1;
    points_ = std::clamp<std::size_t>(std::min(grown, fit), 1, most_points_);
  }

  /// `points` were too many. False where they cannot be fewer.
  [[nodiscard]] bool failed(std::size_t points) {
    if (points <= 1) return false;
    points_ = points / 2;
    return true;
  }

 private:
  std::size_t most_points_;
  std::size_t most_bytes_;
  std::size_t points_;
};

}  // namespace nodevigil
