#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "nodevigil/base/result.h"
#include "nodevigil/scoring/archive.h"

namespace nodevigil {

/// Count, mean and sum of squared deviations of many series (Welford, Technometrics 1962). NaN
/// means "missing" and is left out. No allocation after construction.
class Moments {
 public:
  explicit Moments(std::size_t series) : row_(3 * series) {}

  void add(std::span<const double> values);
  /// Adds all samples of `other`, of as many series.
  void add(const Moments& other);
  void clear();

  /// Samples added, whether or not all their series had values.
  [[nodiscard]] std::uint64_t samples() const { return samples_; }
  /// 3 x series doubles: counts, means, sums of squared deviations.
  [[nodiscard]] std::span<const double> row() const { return row_; }

  void save(ArchiveWriter& out) const;
  void load(ArchiveReader& in);

 private:
  std::vector<double> row_;
  std::uint64_t samples_ = 0;
};

/// Mean and variance of many series over a rolling window of whole buckets of time.
///
/// A bucket holds Moments; buckets are merged with the pairwise formula of Chan, Golub and LeVeque
/// (1979). The window slides by merging only, never by subtracting (two-stack queue: a stack of
/// suffix merges of the older buckets and one running merge of the newer ones), so rounding errors
/// do not pile up, and a step costs O(1) amortised whatever the horizon. The window covers closed
/// buckets; the bucket that is being filled does not judge anyone yet.
///
/// Values are doubles with NaN for "missing". No allocation after construction. Copying is deep.
class RollingMoments {
 public:
  /// `buckets` >= 1 whole buckets of `bucket_ns` > 0 nanoseconds of observed time each.
  RollingMoments(std::size_t series, std::size_t buckets, std::int64_t bucket_ns);

  /// Adds one value per series to the open bucket. A series whose value is NaN is left out.
  void add(std::span<const double> values) { open_.add(values); }

  /// Likewise for many samples at once.
  void add(const Moments& samples) { open_.add(samples); }

  /// Moves observed time on by `elapsed_ns` >= 0. Returns true when buckets were closed, so that
  /// mean() and deviation() have changed. Empty buckets are not kept.
  bool advance(std::int64_t elapsed_ns);

  /// Takes in a whole level at once: the new samples get as much weight as all the old ones
  /// together (which keep their own where that is less). Closes the open bucket.
  void learn_level(const Moments& level);

  /// Over the closed buckets; 0 where a series has no values yet.
  [[nodiscard]] std::span<const double> count() const { return count_; }
  [[nodiscard]] std::span<const double> mean() const { return mean_; }
  /// Population standard deviation.
  [[nodiscard]] std::span<const double> deviation() const { return deviation_; }

  /// Observed time in the closed buckets.
  [[nodiscard]] std::int64_t span_ns() const;
  /// Samples in the closed buckets, whether or not all their series had values.
  [[nodiscard]] std::uint64_t samples() const { return closed_samples_; }
  /// Likewise, with the open bucket.
  [[nodiscard]] std::uint64_t samples_so_far() const { return closed_samples_ + open_.samples(); }

  void save(ArchiveWriter& out) const;
  /// Error kInvalid: made for another shape, or truncated; the object is then as newly made.
  [[nodiscard]] Result<void> load(ArchiveReader& in);

 private:
  // Rows of 3 x series doubles: counts, means, sums of squared deviations.
  using Row = std::span<double>;
  using ConstRow = std::span<const double>;

  [[nodiscard]] Row row(std::vector<double>& rows, std::size_t index) const;
  [[nodiscard]] ConstRow row(const std::vector<double>& rows, std::size_t index) const;
  void close(std::span<const double> bucket, std::uint64_t samples);
  void flip();
  void publish();
  void reset();

  std::size_t series_;
  std::size_t capacity_;
  std::int64_t bucket_ns_;

  std::vector<double> buckets_;   // ring of closed buckets, oldest at head_
  std::vector<double> suffixes_;  // suffixes_[i]: merge of the old part's buckets i..end
  Moments open_;                  // the bucket being filled
  std::vector<double> newer_;     // merge of the new part
  std::vector<double> scratch_;
  std::vector<std::uint64_t> bucket_samples_;
  std::size_t head_ = 0;      // ring index of the oldest closed bucket
  std::size_t size_ = 0;      // closed buckets
  std::size_t old_part_ = 0;  // how many of them are covered by suffixes_
  std::int64_t open_ns_ = 0;  // observed time in the open bucket
  std::uint64_t closed_samples_ = 0;

  std::vector<double> count_;
  std::vector<double> mean_;
  std::vector<double> deviation_;
};

}  // namespace nodevigil
