#include "nodevigil/scoring/moments.h"

#include <algorithm>
#include <cmath>

namespace nodevigil {
namespace {

// Keeps a division by an empty count from giving NaN; counts may be fractions, see learn_level().
constexpr double kTiny = 1e-300;

// The three parts of a row. Loops over them have no branches on the data.
template <typename T>
struct Parts {
  T* count;
  T* mean;
  T* squares;  // sum of squared deviations from the mean
};

Parts<double> parts(std::span<double> row) {
  const std::size_t n = row.size() / 3;
  return {row.data(), row.data() + n, row.data() + 2 * n};
}

Parts<const double> parts(std::span<const double> row) {
  const std::size_t n = row.size() / 3;
  return {row.data(), row.data() + n, row.data() + 2 * n};
}

// to = a merged with b. `to` may be a or b.
void merge(std::span<const double> row_a, std::span<const double> row_b, std::span<double> row_to) {
  const auto a = parts(row_a);
  const auto b = parts(row_b);
  const auto to = parts(row_to);
  const std::size_t n = row_to.size() / 3;
  for (std::size_t i = 0; i < n; ++i) {
    const double count = a.count[i] + b.count[i];
    const double share = b.count[i] / std::max(count, kTiny);
    const double delta = b.mean[i] - a.mean[i];
    // An empty side does not pull: share is 0 or 1 then, and its mean 0.
    to.mean[i] = a.mean[i] + delta * share;
    to.squares[i] = a.squares[i] + b.squares[i] + delta * delta * (a.count[i] * share);
    to.count[i] = count;
  }
}

}  // namespace

void Moments::add(std::span<const double> values) {
  const auto row = parts(std::span{row_});
  for (std::size_t i = 0; i < values.size(); ++i) {
    const bool missing = std::isnan(values[i]);
    const double value = missing ? row.mean[i] : values[i];
    const double count = row.count[i] + (missing ? 0.0 : 1.0);
    const double delta = value - row.mean[i];
    const double mean = row.mean[i] + delta / std::max(count, 1.0);
    row.squares[i] += delta * (value - mean);
    row.mean[i] = mean;
    row.count[i] = count;
  }
  ++samples_;
}

void Moments::add(const Moments& other) {
  merge(row_, other.row(), row_);
  samples_ += other.samples_;
}

void Moments::clear() {
  if (samples_ == 0) return;
  std::ranges::fill(row_, 0.0);
  samples_ = 0;
}

void Moments::save(ArchiveWriter& out) const {
  out.put(samples_);
  out.put_all(row());
}

void Moments::load(ArchiveReader& in) {
  samples_ = in.get<std::uint64_t>();
  in.get_all(std::span{row_});
}

RollingMoments::RollingMoments(std::size_t series, std::size_t buckets, std::int64_t bucket_ns)
    : series_(series),
      capacity_(buckets),
      bucket_ns_(bucket_ns),
      buckets_(buckets * series * 3),
      suffixes_(buckets * series * 3),
      open_(series),
      newer_(series * 3),
      scratch_(series * 3),
      bucket_samples_(buckets),
      count_(series),
      mean_(series),
      deviation_(series) {}

RollingMoments::Row RollingMoments::row(std::vector<double>& rows, std::size_t index) const {
  return Row{rows}.subspan(index * series_ * 3, series_ * 3);
}

RollingMoments::ConstRow RollingMoments::row(const std::vector<double>& rows,
                                             std::size_t index) const {
  return ConstRow{rows}.subspan(index * series_ * 3, series_ * 3);
}

bool RollingMoments::advance(std::int64_t elapsed_ns) {
  open_ns_ += elapsed_ns;
  if (open_ns_ < bucket_ns_) return false;
  open_ns_ %= bucket_ns_;
  if (open_.samples() == 0) return false;
  close(open_.row(), open_.samples());
  open_.clear();
  return true;
}

void RollingMoments::close(ConstRow bucket, std::uint64_t samples) {
  if (size_ == capacity_) {
    closed_samples_ -= bucket_samples_[head_];
    if (old_part_ == 0) flip();
    --old_part_;
    head_ = (head_ + 1) % capacity_;
    --size_;
  }
  const std::size_t tail = (head_ + size_) % capacity_;
  std::ranges::copy(bucket, row(buckets_, tail).begin());
  bucket_samples_[tail] = samples;
  closed_samples_ += samples;
  ++size_;
  merge(newer_, bucket, newer_);
  publish();
}

void RollingMoments::learn_level(const Moments& level) {
  if (level.samples() == 0) return;
  if (open_.samples() > 0) close(open_.row(), open_.samples());
  open_.clear();
  open_ns_ = 0;
  // By the counts and not by the samples: a level learned before has made the old counts smaller
  // than their samples, and a series may have been missing from the new level.
  const auto fresh = parts(level.row());
  for (std::size_t s = 0; s < series_; ++s) {
    if (!(fresh.count[s] < count_[s]) || fresh.count[s] == 0) continue;
    const double weight = fresh.count[s] / count_[s];
    for (std::size_t i = 0; i < size_; ++i) {
      const auto bucket = parts(row(buckets_, (head_ + i) % capacity_));
      bucket.count[s] *= weight;
      bucket.squares[s] *= weight;
    }
  }
  flip();
  close(level.row(), level.samples());
}

// Makes all closed buckets the old part: suffix merges from the newest to the oldest.
void RollingMoments::flip() {
  std::ranges::fill(scratch_, 0.0);
  for (std::size_t i = size_; i-- > 0;) {
    const std::size_t at = (head_ + i) % capacity_;
    merge(row(buckets_, at), scratch_, scratch_);
    std::ranges::copy(scratch_, row(suffixes_, at).begin());
  }
  old_part_ = size_;
  std::ranges::fill(newer_, 0.0);
}

void RollingMoments::publish() {
  if (old_part_ > 0) {
    merge(row(suffixes_, head_), newer_, scratch_);
  } else {
    std::ranges::copy(newer_, scratch_.begin());
  }
  const auto total = parts(Row{scratch_});
  for (std::size_t i = 0; i < series_; ++i) {
    count_[i] = total.count[i];
    mean_[i] = total.mean[i];
    deviation_[i] = std::sqrt(std::max(0.0, total.squares[i]) / std::max(total.count[i], kTiny));
  }
}

std::int64_t RollingMoments::span_ns() const {
  return static_cast<std::int64_t>(size_) * bucket_ns_;
}

void RollingMoments::reset() { *this = RollingMoments{series_, capacity_, bucket_ns_}; }

void RollingMoments::save(ArchiveWriter& out) const {
  out.put<std::uint64_t>(series_);
  out.put<std::uint64_t>(capacity_);
  out.put(bucket_ns_);
  out.put<std::uint64_t>(size_);
  out.put<std::uint64_t>(old_part_);
  out.put(open_ns_);
  open_.save(out);
  for (std::size_t i = 0; i < size_; ++i) {
    const std::size_t at = (head_ + i) % capacity_;
    out.put(bucket_samples_[at]);
    out.put_all(row(buckets_, at));
  }
}

Result<void> RollingMoments::load(ArchiveReader& in) {
  reset();
  const bool same_shape = in.get<std::uint64_t>() == series_ &&
                          in.get<std::uint64_t>() == capacity_ &&
                          in.get<std::int64_t>() == bucket_ns_;
  const auto size = in.get<std::uint64_t>();
  const auto old_part = in.get<std::uint64_t>();
  if (!same_shape || !in.ok() || size > capacity_ || old_part > size) {
    return Error{ErrorCode::kInvalid, "saved baselines have another shape", ""};
  }
  open_ns_ = in.get<std::int64_t>();
  open_.load(in);
  for (std::size_t i = 0; i < size; ++i) {
    bucket_samples_[i] = in.get<std::uint64_t>();
    in.get_all(row(buckets_, i));
    closed_samples_ += bucket_samples_[i];
  }
  if (!in.ok()) {
    reset();
    return Error{ErrorCode::kInvalid, "saved baselines are cut short", ""};
  }
  // The merges are made again in the order they were made in, so they come out bit for bit equal.
  // The last flip saw buckets that may have left the window since; the suffixes that are still
  // needed do not depend on them.
  size_ = old_part;
  flip();
  for (std::size_t i = old_part; i < size; ++i) {
    merge(newer_, row(buckets_, i), newer_);
  }
  size_ = size;
  if (size_ > 0) publish();
  return {};
}

}  // namespace nodevigil
