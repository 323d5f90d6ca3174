#include "journal_tail.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <limits>
#include <optional>
#include <string_view>
#include <utility>

#include "journal_file.h"
#include "nodevigil/base/file.h"
#include "nodevigil/base/hash.h"
#include "nodevigil/scoring/figures.h"

namespace nodevigil {
namespace {

constexpr std::string_view kMagic = "nvtail1\n";
// Far more than the writer ever leaves here.
constexpr std::int64_t kMaxBytes = std::int64_t{4} << 20;

std::uint64_t checksum(std::string_view bytes) {
  Fnv1a hash;
  hash.add(bytes);
  return hash.value();
}

void put_text(ArchiveWriter& out, std::string_view text) {
  out.put<std::uint32_t>(static_cast<std::uint32_t>(text.size()));
  out.put_all(std::span<const char>{text});
}

std::string get_text(ArchiveReader& in) {
  const auto size = in.get<std::uint32_t>();
  return std::string{in.take(size)};
}

// NULL is NaN, which no reading is: the database cannot hold one either.
void put_real(ArchiveWriter& out, const std::optional<double>& value) {
  out.put(value.value_or(std::numeric_limits<double>::quiet_NaN()));
}

std::optional<double> get_real(ArchiveReader& in) {
  const auto value = in.get<double>();
  return std::isnan(value) ? std::nullopt : std::optional{value};
}

// Rows of earlier programs have so many figures and nothing else of the suspicion.
constexpr std::size_t kFiguresWithoutSuspicion = 5;

// One list of the fields for both directions: `field` writes or reads each.
template <typename Row, typename Field>
void each_field(Row& row, std::size_t figures, Field&& field) {
  field(row.seq);
  field(row.context);
  field(row.sample.ts_us);
  field(row.sample.elapsed_ns);
  field(row.sample.breaks);
  field(row.phase);
  field(row.frozen);
  field(row.relearning);
  field(row.over);
  field(row.anomalous);
  field(row.verdict);
  field(row.explanation);
  for (const NamedFigure& figure : std::span{kFigures}.first(figures)) field(row.*figure.value);
  for (auto& value : row.sample.values) field(value);
  for (auto& z : row.z) field(z);
  if (figures == kFiguresWithoutSuspicion) return;
  field(row.suspect);
  field(row.suspected);
}

struct Put {
  ArchiveWriter& out;
  void operator()(std::int64_t value) const { out.put(value); }
  void operator()(std::uint64_t value) const { out.put(value); }
  void operator()(bool value) const { out.put(value); }
  void operator()(Phase value) const { out.put(static_cast<std::uint8_t>(value)); }
  void operator()(const std::string& text) const { put_text(out, text); }
  void operator()(const std::optional<double>& value) const { put_real(out, value); }
  void operator()(const std::optional<std::int64_t>& value) const {
    out.put(value.has_value());
    out.put(value.value_or(0));
  }
  void operator()(const std::optional<bool>& value) const {
    out.put(value.has_value());
    out.put(value.value_or(false));
  }
};

struct Get {
  ArchiveReader& in;
  void operator()(std::int64_t& value) const { value = in.get<std::int64_t>(); }
  void operator()(std::uint64_t& value) const { value = in.get<std::uint64_t>(); }
  void operator()(bool& value) const { value = in.get<std::uint8_t>() != 0; }
  void operator()(Phase& value) const {
    value = in.get<std::uint8_t>() == 0 ? Phase::kWarmup : Phase::kReady;
  }
  void operator()(std::string& text) const { text = get_text(in); }
  void operator()(std::optional<double>& value) const { value = get_real(in); }
  void operator()(std::optional<std::int64_t>& value) const {
    const bool there = in.get<std::uint8_t>() != 0;
    const auto number = in.get<std::int64_t>();
    value = there ? std::optional{number} : std::nullopt;
  }
  void operator()(std::optional<bool>& value) const {
    const bool there = in.get<std::uint8_t>() != 0;
    const bool set = in.get<std::uint8_t>() != 0;
    value = there ? std::optional{set} : std::nullopt;
  }
};

// The next record; nullopt where none follows, or a torn one.
std::optional<StoredRow> next_row(ArchiveReader& in, std::size_t series) {
  const auto size = in.get<std::uint32_t>();
  const auto sum = in.get<std::uint64_t>();
  const std::string_view payload = in.take(size);
  if (!in.ok() || size == 0 || checksum(payload) != sum) return std::nullopt;
  // With the same texts a row of an earlier program is shorter, so that only one of them can fit.
  for (const std::size_t figures : {kFigures.size(), kFiguresWithoutSuspicion}) {
    StoredRow row;
    row.sample.values.resize(series);
    row.z.resize(series);
    ArchiveReader fields{payload};
    each_field(row, figures, Get{fields});
    if (fields.ok() && fields.at_end()) return row;
  }
  return std::nullopt;
}

}  // namespace

Result<JournalTail> JournalTail::open(const std::string& path, const std::string& id,
                                      std::size_t series) {
  Descriptor file{::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, kOwnerOnly)};
  if (file.get() < 0) return errno_error(errno, "open", path);
  JournalTail tail{std::move(file), path, series};
  const std::string header = std::string{kMagic} + id;
  const auto found = tail.content(header.size());
  if (!found) return found.error();
  if (*found != header) {
    if (::ftruncate(tail.file_.get(), 0) != 0) return errno_error(errno, "empty", path);
    tail.end_ = 0;
    if (auto done = tail.write(header); !done) return done.error();
  }
  tail.begin_ = tail.end_ = static_cast<std::int64_t>(header.size());
  return tail;
}

Result<std::vector<StoredRow>> JournalTail::peek(const std::string& path, const std::string& id,
                                                 std::size_t series) {
  Descriptor file{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
  if (file.get() < 0) {
    if (errno == ENOENT) return std::vector<StoredRow>{};
    return errno_error(errno, "open", path);
  }
  JournalTail tail{std::move(file), path, series};
  const std::string header = std::string{kMagic} + id;
  const auto found = tail.content(header.size());
  if (!found) return found.error();
  if (*found != header) return std::vector<StoredRow>{};
  tail.begin_ = static_cast<std::int64_t>(header.size());
  return tail.read();
}

JournalTail::JournalTail(Descriptor file, std::string path, std::size_t series)
    : file_(std::move(file)), path_(std::move(path)), series_(series) {}

Result<std::string> JournalTail::content(std::size_t most) const {
  struct stat status {};
  if (::fstat(file_.get(), &status) != 0) return errno_error(errno, "read", path_);
  std::string content(std::min(static_cast<std::size_t>(status.st_size), most), '\0');
  std::size_t used = 0;
  while (used < content.size()) {
    const ssize_t got = ::pread(file_.get(), content.data() + used, content.size() - used,
                                static_cast<off_t>(used));
    if (got < 0 && errno != EINTR) return errno_error(errno, "read", path_);
    if (got == 0) break;
    if (got > 0) used += static_cast<std::size_t>(got);
  }
  content.resize(used);
  return content;
}

Result<std::vector<StoredRow>> JournalTail::read() const {
  // What is behind kMaxBytes is none of ours.
  const auto bytes = content(static_cast<std::size_t>(kMaxBytes));
  if (!bytes) return bytes.error();
  ArchiveReader in{std::string_view{*bytes}.substr(static_cast<std::size_t>(begin_))};
  std::vector<StoredRow> rows;
  while (auto row = next_row(in, series_)) {
    if (!rows.empty() && row->seq <= rows.back().seq) break;
    rows.push_back(std::move(*row));
  }
  return rows;
}

Result<void> JournalTail::add(const StoredRow& row) {
  payload_.clear();
  each_field(row, kFigures.size(), Put{payload_});
  record_.clear();
  record_.put<std::uint32_t>(static_cast<std::uint32_t>(payload_.bytes().size()));
  record_.put(checksum(payload_.bytes()));
  record_.put_all(std::span<const char>{payload_.bytes()});
  if (end_ + static_cast<std::int64_t>(record_.bytes().size()) > kMaxBytes) {
    return Error{ErrorCode::kFull, "holds as many rows as it may", path_};
  }
  if (auto done = write(record_.bytes()); !done) return done;
  last_seq_ = row.seq;
  return {};
}

void JournalTail::drop_through(std::int64_t seq) {
  if (seq >= last_seq_) end_ = begin_;
}

Result<void> JournalTail::write(std::string_view bytes) {
  if (const int error = write_all(file_.get(), bytes, end_); error != 0) {
    return errno_error(error, "keep rows", path_);
  }
  end_ += static_cast<std::int64_t>(bytes.size());
  return {};
}

}  // namespace nodevigil
