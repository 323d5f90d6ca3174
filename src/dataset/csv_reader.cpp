#include "nodevigil/dataset/csv_reader.h"

#include <fcntl.h>
#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <set>
#include <span>
#include <utility>

#include "nodevigil/base/file.h"

namespace nodevigil {
namespace {

constexpr std::size_t kChunk = std::size_t{256} << 10;
constexpr std::size_t kMaxRecord = std::size_t{16} << 20;

}  // namespace

// zlib reads plain files as they are and gzip files unpacked.
struct CsvReader::Source {
  gzFile file = nullptr;
  bool at_end = false;
  std::string error;

  Source() = default;
  ~Source() {
    if (file != nullptr) gzclose_r(file);
  }
  Source(const Source&) = delete;
  Source& operator=(const Source&) = delete;
};

CsvReader::CsvReader(std::string path, std::unique_ptr<Source> source)
    : path_(std::move(path)), source_(std::move(source)), buffer_(kChunk) {}

CsvReader::~CsvReader() = default;

Result<std::unique_ptr<CsvReader>> CsvReader::open(const std::string& path) {
  const int fd = path == "-" ? ::dup(STDIN_FILENO)
                             : ::open(path.c_str(), O_RDONLY | O_CLOEXEC);  // NOLINT: vararg
  if (fd < 0) return errno_error(errno, "open", path);
  auto source = std::make_unique<Source>();
  source->file = gzdopen(fd, "rb");
  if (source->file == nullptr) {
    ::close(fd);
    return Error{ErrorCode::kIo, "no memory to read it", path};
  }
  gzbuffer(source->file, 128U << 10);

  std::unique_ptr<CsvReader> reader{
      new CsvReader{path == "-" ? "standard input" : path, std::move(source)}};
  const auto got = reader->read_record();
  if (!got) return got.error();
  if (!*got) {
    return Error{ErrorCode::kInvalid, "is empty; expected a header line with column names",
                 reader->path_};
  }
  std::set<std::string_view> names;
  for (std::string_view name : reader->fields_) {
    if (name.empty()) return reader->fail("a column has no name");
    if (!names.insert(name).second) {
      return reader->fail("two columns are called '" + std::string{name} + "'");
    }
    reader->header_.emplace_back(name);
  }
  return reader;
}

std::string CsvReader::place() const { return path_ + ":" + std::to_string(line_); }

Error CsvReader::fail(const std::string& what) const {
  return Error{ErrorCode::kInvalid, what, place()};
}

Result<bool> CsvReader::next() {
  auto got = read_record();
  if (!got || !*got) return got;
  if (fields_.size() != header_.size()) {
    return fail("expected " + std::to_string(header_.size()) + " fields as in the header, got " +
                std::to_string(fields_.size()));
  }
  return true;
}

// Moves what is not yet taken to the front of the buffer and reads on behind it; false at the end.
bool CsvReader::fill() {
  if (source_->at_end) return false;
  std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
  end_ -= begin_;
  begin_ = 0;
  if (buffer_.size() - end_ < kChunk) buffer_.resize(end_ + 2 * kChunk);
  const int got = gzread(source_->file, buffer_.data() + end_, static_cast<unsigned>(kChunk));
  if (got <= 0) {
    int code = 0;
    const int error_number = errno;
    const char* const text = gzerror(source_->file, &code);
    // At the end of a gzip file that is cut short zlib gives no more bytes and this code.
    if (got < 0 || code == Z_BUF_ERROR) {
      source_->error = code == Z_ERRNO ? std::strerror(error_number) : text;  // NOLINT: mt-unsafe
      // zlib begins with its own name for a descriptor, "<fd:5>: ".
      if (source_->error.starts_with('<')) source_->error.erase(0, source_->error.find(' ') + 1);
    }
  }
  source_->at_end = got <= 0;
  end_ += static_cast<std::size_t>(std::max(got, 0));
  return got > 0;
}

// The next line that is not inside quotes; `record` is without its end.
Result<bool> CsvReader::take_record(std::span<char>& record) {
  line_ = next_line_;
  std::int64_t line_ends = 0;
  bool quoted = false;
  std::size_t size = 0;  // of the record so far
  for (;;) {
    const char* const text = buffer_.data() + begin_;
    for (; begin_ + size < end_; ++size) {
      if (text[size] == '"') quoted = !quoted;
      if (text[size] != '\n') continue;
      ++line_ends;
      if (!quoted) break;
    }
    const bool complete = begin_ + size < end_;
    if (size > kMaxRecord) return fail("a record is longer than 16 MiB");
    if (!complete && fill()) continue;
    if (!source_->error.empty()) return Error{ErrorCode::kIo, source_->error, place()};
    if (quoted) return fail("a quote is opened and never closed");
    if (!complete && size == 0) return false;
    next_line_ += line_ends;
    record = {buffer_.data() + begin_, size};
    begin_ += size + (complete ? 1 : 0);
    if (!record.empty() && record.back() == '\r') record = record.first(size - 1);
    return true;
  }
}

// Cuts a record into fields, taking quotes out in place.
Result<void> CsvReader::split(std::span<char> record) {
  fields_.clear();
  const bool several_lines = std::memchr(record.data(), '\n', record.size()) != nullptr;
  std::size_t at = 0;
  for (;;) {
    char* const field = record.data() + at;
    if (at == record.size() || record[at] != '"') {
      const auto* const comma = static_cast<const char*>(
          at == record.size() ? nullptr : std::memchr(field, ',', record.size() - at));
      const std::size_t length =
          comma != nullptr ? static_cast<std::size_t>(comma - field) : record.size() - at;
      // Quotes in the middle of fields are text. But two of them on different lines have made one
      // record of these lines.
      if (several_lines && std::memchr(field, '\n', length) != nullptr) {
        return fail("a quote inside a field that does not begin with one");
      }
      fields_.emplace_back(field, length);
      at += length;
    } else {
      std::size_t length = 0;
      for (++at; at < record.size(); ++at) {
        if (record[at] == '"' && (++at == record.size() || record[at] != '"')) break;
        field[length++] = record[at];
      }
      fields_.emplace_back(field, length);
    }
    if (at == record.size()) return {};
    if (record[at] != ',') return fail("expected a comma after a closing quote");
    ++at;
  }
}

Result<bool> CsvReader::read_record() {
  std::span<char> record;
  do {
    auto taken = take_record(record);
    if (!taken || !*taken) return taken;
    // Before the header a byte order mark may stand, even before its first quote.
    if (header_.empty() && record.size() >= 3 &&
        std::memcmp(record.data(), "\xEF\xBB\xBF", 3) == 0) {
      record = record.subspan(3);
    }
  } while (record.empty());
  if (auto cut = split(record); !cut) return cut.error();
  return true;
}

}  // namespace nodevigil
