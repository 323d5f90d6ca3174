#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "nodevigil/base/result.h"

namespace nodevigil {

/// Reads a CSV file (RFC 4180: commas, quotes, quoted line breaks; CRLF or LF; an optional byte
/// order mark) record by record in constant memory. gzip is recognised by its content; "-" is
/// standard input. Not thread-safe.
class CsvReader {
 public:
  /// Opens the file and reads its header. Errors name the file: kNotFound, kPermission, kIo;
  /// kInvalid for an empty file, an empty or doubled column name.
  [[nodiscard]] static Result<std::unique_ptr<CsvReader>> open(const std::string& path);
  ~CsvReader();
  CsvReader(const CsvReader&) = delete;
  CsvReader& operator=(const CsvReader&) = delete;

  [[nodiscard]] const std::vector<std::string>& header() const { return header_; }

  /// Reads the next record; false at the end. The fields are valid until the next call. Empty
  /// lines are skipped. Error kInvalid: another number of fields than the header, a record
  /// longer than 16 MiB, an open quote; kIo: reading failed or the gzip data are damaged. They name
  /// file and line.
  [[nodiscard]] Result<bool> next();
  [[nodiscard]] const std::vector<std::string_view>& fields() const { return fields_; }

  /// "FILE:LINE" of the current record, for errors about its content.
  [[nodiscard]] std::string place() const;

 private:
  struct Source;
  CsvReader(std::string path, std::unique_ptr<Source> source);

  [[nodiscard]] Result<bool> read_record();
  [[nodiscard]] Result<bool> take_record(std::span<char>& record);
  [[nodiscard]] Result<void> split(std::span<char> record);
  [[nodiscard]] bool fill();
  [[nodiscard]] Error fail(const std::string& what) const;

  std::string path_;
  std::unique_ptr<Source> source_;
  std::vector<std::string> header_;
  std::vector<std::string_view> fields_;

  std::vector<char> buffer_;
  std::size_t begin_ = 0;  // of what has been read and not yet taken
  std::size_t end_ = 0;
  std::int64_t line_ = 0;  // of the current record's first line
  std::int64_t next_line_ = 1;
};

}  // namespace nodevigil
