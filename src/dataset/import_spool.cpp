#include "nodevigil/dataset/import_spool.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <nlohmann/json.hpp>

#include "nodevigil/base/file.h"
#include "nodevigil/base/hash.h"
#include "nodevigil/base/json_text.h"

namespace nodevigil {
namespace {

using nlohmann::json;

enum RecordKind : std::uint64_t { kPlan = 1, kSeries = 2, kWarning = 3, kBlock = 4 };

// What stands before each record. The numbers are this machine's: a spool does not travel.
struct RecordHead {
  std::uint64_t magic = 0;
  std::uint64_t kind = 0;
  std::uint64_t bytes = 0;
  std::uint64_t hash = 0;
};
constexpr std::uint64_t kMagic = 0x316c6f6f7073766e;  // "nvspool1"

// What stands before a block's numbers of series and values.
struct BlockHead {
  std::uint64_t source = 0;
  std::uint64_t points = 0;
  std::uint64_t series = 0;
};

template <typename Value>
std::string_view bytes_of(const Value& value) {
  return {reinterpret_cast<const char*>(&value), sizeof value};
}

template <typename Value>
std::string_view bytes_of(std::span<const Value> values) {
  return {reinterpret_cast<const char*>(values.data()), values.size_bytes()};
}

std::uint64_t hash_of(std::string_view head, std::string_view body) {
  Fnv1a hash;
  hash.add(head);
  hash.add(body);
  return hash.value();
}

// False where the file ends before `size` bytes, or cannot be read.
bool read_all(int fd, void* data, std::size_t size, std::int64_t offset) {
  auto* at = static_cast<char*>(data);
  while (size > 0) {
    const ssize_t got = ::pread(fd, at, size, offset);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return false;
    at += got;
    offset += got;
    size -= static_cast<std::size_t>(got);
  }
  return true;
}

std::string plan_as_text(const ImportPlan& plan) {
  json sources = json::array();
  for (const ImportSource& source : plan.sources) {
    sources.push_back({source.name, source.expression});
  }
  return json_text(json{{"query", plan.query},
                        {"from_ms", plan.grid.from_ms},
                        {"step_ms", plan.grid.step_ms},
                        {"points", plan.grid.points},
                        {"sources", std::move(sources)}});
}

}  // namespace

Result<std::unique_ptr<ImportSpool>> ImportSpool::create(const std::string& path, ImportPlan plan) {
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  if (fd < 0 && errno == EEXIST) {
    return Error{
        ErrorCode::kInvalid,
        "is there, of an import that has not come to its end: --resume goes on with it; or "
        "remove it",
        path};
  }
  if (fd < 0) return errno_error(errno, "make", path);
  std::unique_ptr<ImportSpool> spool{new ImportSpool{path, Descriptor{fd}}};
  if (auto locked = spool->lock(); !locked) return locked.error();
  if (auto written = spool->write(kPlan, plan_as_text(plan)); !written) return written.error();
  spool->next_.resize(plan.sources.size());
  spool->plan_ = std::move(plan);
  return spool;
}

Result<std::unique_ptr<ImportSpool>> ImportSpool::resume(const std::string& path,
                                                         const std::string& query) {
  const int fd = ::open(path.c_str(), O_RDWR | O_CLOEXEC);
  if (fd < 0) return errno_error(errno, "open", path);
  std::unique_ptr<ImportSpool> spool{new ImportSpool{path, Descriptor{fd}}};
  auto read = spool->lock();
  if (read) read = spool->load();
  if (read && spool->plan_.query != query) {
    read = Error{ErrorCode::kInvalid,
                 "is of an import with other options; remove it, or give the same ones", path};
  }
  if (read) return spool;
  spool->blocks_.emplace_back();  // it is another's: it stays
  return read.error();
}

ImportSpool::~ImportSpool() {
  if (!stays()) ::unlink(path_.c_str());
}

Result<void> ImportSpool::lock() const {
  if (::flock(file_.get(), LOCK_EX | LOCK_NB) == 0) return {};
  if (errno != EWOULDBLOCK) return errno_error(errno, "lock", path_);
  return Error{ErrorCode::kUnavailable, "another import is at work with it", path_};
}

std::size_t ImportSpool::values() const {
  std::size_t sum = 0;
  for (const SpooledSeries& one : series_) sum += one.values;
  return sum;
}

Result<std::size_t> ImportSpool::add_series(std::size_t source, const PrometheusLabels& labels,
                                            bool histograms) {
  const json text{{"source", source}, {"labels", labels}, {"histograms", histograms}};
  if (auto written = write(kSeries, json_text(text)); !written) return written.error();
  SpooledSeries one;
  one.source = source;
  one.labels = labels;
  one.histograms = histograms;
  series_.push_back(std::move(one));
  return series_.size() - 1;
}

Result<void> ImportSpool::add_warning(const std::string& words) {
  if (std::ranges::find(warnings_, words) != warnings_.end()) return {};
  if (auto written = write(kWarning, json_text(json(words))); !written) return written;
  warnings_.push_back(words);
  return {};
}

Result<void> ImportSpool::add_block(std::size_t source, std::size_t points,
                                    std::span<const std::uint32_t> ids,
                                    std::span<const double> values) {
  std::string head{bytes_of(BlockHead{source, points, ids.size()})};
  head += bytes_of(ids);
  const auto behind_heads = static_cast<std::int64_t>(sizeof(RecordHead) + sizeof(BlockHead));
  const std::int64_t offset = end_ + behind_heads;
  if (auto written = write(kBlock, head, bytes_of(values)); !written) return written;
  enter({source, next_[source], points, ids.size(), offset}, ids, values);
  return {};
}

Result<void> ImportSpool::write(std::uint64_t kind, std::string_view head, std::string_view body) {
  const RecordHead record{kMagic, kind, head.size() + body.size(), hash_of(head, body)};
  std::int64_t at = end_;
  for (const std::string_view part : {bytes_of(record), head, body}) {
    if (const int error = write_all(file_.get(), part, at); error != 0) {
      return errno_error(error, "write", path_);
    }
    at += std::ssize(part);
  }
  end_ = at;
  return {};
}

// Takes all records up to the first one that is not whole; what is written next takes its place.
Result<void> ImportSpool::load() {
  struct stat status {};
  if (::fstat(file_.get(), &status) != 0) return errno_error(errno, "read", path_);
  std::string payload;
  for (;;) {
    RecordHead record;
    const std::int64_t begin = end_ + std::int64_t{sizeof record};
    if (!read_all(file_.get(), &record, sizeof record, end_) || record.magic != kMagic ||
        record.bytes > static_cast<std::uint64_t>(status.st_size - begin)) {
      break;
    }
    payload.resize(record.bytes);
    if (!read_all(file_.get(), payload.data(), payload.size(), begin) ||
        hash_of(payload, {}) != record.hash || !take(record.kind, payload, begin)) {
      break;
    }
    end_ = begin + std::ssize(payload);
  }
  if (end_ == 0) {
    return Error{ErrorCode::kInvalid, "is no spool of an import, or has no beginning; remove it",
                 path_};
  }
  if (::ftruncate(file_.get(), end_) != 0) return errno_error(errno, "cut", path_);
  return {};
}

bool ImportSpool::take(std::uint64_t kind, std::string_view payload, std::int64_t offset) {
  if ((kind == kPlan) != (end_ == 0)) return false;
  if (kind == kBlock) return take_block(payload, offset);
  try {
    return take_text(kind, payload);
  } catch (const json::exception&) {
    return false;
  }
}

bool ImportSpool::take_text(std::uint64_t kind, std::string_view payload) {
  const json text = json::parse(payload);
  if (kind == kPlan) {
    plan_.query = text.at("query");
    plan_.grid = {text.at("from_ms"), text.at("step_ms"), text.at("points")};
    for (const json& source : text.at("sources")) {
      plan_.sources.push_back({source.at(0), source.at(1)});
    }
    next_.resize(plan_.sources.size());
  } else if (kind == kSeries) {
    SpooledSeries one;
    one.source = text.at("source");
    one.labels = text.at("labels").get<PrometheusLabels>();
    one.histograms = text.at("histograms");
    if (one.source >= plan_.sources.size()) return false;
    series_.push_back(std::move(one));
  } else {
    warnings_.push_back(text);
  }
  return true;
}

bool ImportSpool::take_block(std::string_view payload, std::int64_t offset) {
  BlockHead head;
  if (payload.size() < sizeof head) return false;
  std::memcpy(&head, payload.data(), sizeof head);
  payload.remove_prefix(sizeof head);
  if (head.source >= next_.size() || head.series > series_.size() ||
      head.points > plan_.grid.points - next_[head.source] ||
      payload.size() != head.series * (sizeof(std::uint32_t) + head.points * sizeof(double))) {
    return false;
  }
  std::vector<std::uint32_t> ids(head.series);
  const std::size_t bytes = ids.size() * sizeof ids[0];
  payload.copy(reinterpret_cast<char*>(ids.data()), bytes);
  if (std::ranges::any_of(ids, [this](std::uint32_t id) { return id >= series_.size(); })) {
    return false;
  }
  std::vector<double> values(head.series * head.points);
  payload.copy(reinterpret_cast<char*>(values.data()), payload.size() - bytes, bytes);
  enter({head.source, next_[head.source], head.points, head.series,
         offset + static_cast<std::int64_t>(sizeof head)},
        ids, values);
  return true;
}

void ImportSpool::enter(const Block& block, std::span<const std::uint32_t> ids,
                        std::span<const double> values) {
  for (std::size_t i = 0; i < ids.size(); ++i) {
    SpooledSeries& one = series_[ids[i]];
    for (std::size_t point = 0; point < block.points; ++point) {
      const double value = values[i * block.points + point];
      if (!is_point(value)) continue;
      if (!std::isfinite(value)) {
        ++one.not_finite;
        continue;
      }
      one.last = block.first + point;
      if (one.values++ == 0) one.first = one.last;
    }
  }
  next_[block.source] += block.points;
  blocks_.push_back(block);
}

Result<void> ImportSpool::read(std::size_t first, std::size_t count,
                               std::span<const std::size_t> places,
                               std::vector<double>& rows) const {
  const Error unreadable{ErrorCode::kIo, "cannot read what was written before", path_};
  std::ranges::fill(rows, kNoPoint);
  std::vector<std::uint32_t> ids;
  for (const Block& block : blocks_) {
    const std::size_t begin = std::max(first, block.first);
    const std::size_t end = std::min(first + count, block.first + block.points);
    if (begin >= end) continue;
    ids.resize(block.series);
    const auto bytes = static_cast<std::int64_t>(ids.size() * sizeof ids[0]);
    if (!read_all(file_.get(), ids.data(), ids.size() * sizeof ids[0], block.offset)) {
      return unreadable;
    }
    for (std::size_t i = 0; i < ids.size(); ++i) {
      const std::size_t place = places[ids[i]];
      if (place == kNowhere) continue;
      const std::size_t skipped = i * block.points + begin - block.first;
      if (!read_all(file_.get(), &rows[place * count + begin - first],
                    (end - begin) * sizeof(double),
                    block.offset + bytes + static_cast<std::int64_t>(skipped * sizeof(double)))) {
        return unreadable;
      }
    }
  }
  return {};
}

}  // namespace nodevigil
