#include "nodevigil/dataset/csv_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>
#include <zlib.h>

#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "support/temp_dir.h"

namespace nodevigil {
namespace {

using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using Records = std::vector<std::vector<std::string>>;

constexpr std::size_t kChunk = std::size_t{256} << 10;     // what the reader reads at once
constexpr std::size_t kMaxRecord = std::size_t{16} << 20;  // as csv_reader.h says

/// What became of a file: its records, the places they were at, and the error that ended it.
struct Outcome {
  Records records;
  std::vector<std::string> places;
  std::string error;  ///< empty: read to its end
  ErrorCode code = ErrorCode::kInvalid;
};

class CsvReaderTest : public ::testing::Test {
 protected:
  [[nodiscard]] std::string path() const { return directory_.file("data.csv"); }
  [[nodiscard]] const std::filesystem::path& directory() const { return directory_.path(); }
  void write(std::string_view content) const {
    std::ofstream{path(), std::ios::binary | std::ios::trunc} << content;
  }
  void write_gzip(std::string_view content, const char* mode = "wb") const {
    const gzFile file = gzopen(path().c_str(), mode);
    ASSERT_NE(file, nullptr);
    ASSERT_EQ(gzwrite(file, content.data(), static_cast<unsigned>(content.size())),
              static_cast<int>(content.size()));
    ASSERT_EQ(gzclose(file), Z_OK);
  }
  [[nodiscard]] std::string read_back() const {
    std::ifstream in{path(), std::ios::binary};
    return {std::istreambuf_iterator<char>{in}, {}};
  }

  [[nodiscard]] std::unique_ptr<CsvReader> open() const {
    auto reader = CsvReader::open(path());
    EXPECT_TRUE(reader.ok()) << reader.error().message();
    return reader.ok() ? std::move(reader).value() : nullptr;
  }
  [[nodiscard]] Error open_error() const {
    const auto reader = CsvReader::open(path());
    EXPECT_FALSE(reader.ok());
    return reader.ok() ? Error{} : reader.error();
  }
  /// Reads all of what write() put there.
  [[nodiscard]] Outcome read() const {
    Outcome outcome;
    const auto reader = open();
    if (!reader) return outcome;
    for (;;) {
      const auto more = reader->next();
      if (!more) {
        outcome.error = more.error().message();
        outcome.code = more.error().code;
      }
      if (!more || !*more) return outcome;
      outcome.records.emplace_back(reader->fields().begin(), reader->fields().end());
      outcome.places.push_back(reader->place());
    }
  }
  [[nodiscard]] Records records(std::string_view content) const {
    write(content);
    const Outcome outcome = read();
    EXPECT_EQ(outcome.error, "") << content;
    return outcome.records;
  }
  [[nodiscard]] std::string at(int line) const { return path() + ":" + std::to_string(line); }

 private:
  testing::TempDir directory_;
};

TEST_F(CsvReaderTest, PlainFields) {
  write("ts,load1,node\n1,0.5,a\n2,,b b\n");
  const auto reader = open();
  EXPECT_THAT(reader->header(), ElementsAre("ts", "load1", "node"));
  ASSERT_TRUE(*reader->next());
  EXPECT_THAT(reader->fields(), ElementsAre("1", "0.5", "a"));
  EXPECT_EQ(reader->place(), at(2));
  ASSERT_TRUE(*reader->next());
  EXPECT_THAT(reader->fields(), ElementsAre("2", "", "b b"));
  EXPECT_FALSE(*reader->next());
  EXPECT_FALSE(*reader->next()) << "the end stays the end";
}

// RFC 4180, section 2
TEST_F(CsvReaderTest, QuotedFields) {
  EXPECT_THAT(records("a,b\n\"1\",\"2\"\n"), ElementsAre(ElementsAre("1", "2")));
  EXPECT_THAT(records("a,b\n\"\",\"\"\n"), ElementsAre(ElementsAre("", "")));
  EXPECT_THAT(records("a,b\n\"x,y\",\",\"\n"), ElementsAre(ElementsAre("x,y", ",")));
  EXPECT_THAT(records("a,b\n\"he said \"\"no\"\"\",\"\"\"\"\n"),
              ElementsAre(ElementsAre("he said \"no\"", "\"")));
  EXPECT_THAT(records("a,b\n\"\"\"\"\"\",\"\"\"x\"\n"), ElementsAre(ElementsAre("\"\"", "\"x")));
  EXPECT_THAT(records("a,b\n\"one\ntwo\r\n\n\",2\n"),
              ElementsAre(ElementsAre("one\ntwo\r\n\n", "2")));
  EXPECT_THAT(records("a,b\n 1 ,\t2\n"), ElementsAre(ElementsAre(" 1 ", "\t2")));
  EXPECT_THAT(records("a\n\"\"\n"), ElementsAre(ElementsAre("")));
}

TEST_F(CsvReaderTest, QuotedHeader) {
  write("\"ts\",\"a \"\"b\"\", c\",\"two\nlines\"\n1,2,3\n");
  const auto reader = open();
  EXPECT_THAT(reader->header(), ElementsAre("ts", "a \"b\", c", "two\nlines"));
  ASSERT_TRUE(*reader->next());
  EXPECT_EQ(reader->place(), at(3));
}

TEST_F(CsvReaderTest, LineEnds) {
  const auto expected = ElementsAre(ElementsAre("1", "2"), ElementsAre("3", "4"));
  EXPECT_THAT(records("a,b\n1,2\n3,4\n"), expected);
  EXPECT_THAT(records("a,b\n1,2\n3,4"), expected) << "the last line needs no end";
  EXPECT_THAT(records("a,b\r\n1,2\r\n3,4\r\n"), expected);
  EXPECT_THAT(records("a,b\r\n1,2\r\n3,4"), expected);
  EXPECT_THAT(records("a,b\r\n\"1\",\"2\"\r\n3,\"4\""), expected);
  EXPECT_THAT(records("\n\r\na,b\n\n\r\n1,2\n\n\n3,4\n\n\r\n"), expected) << "blank lines";
  EXPECT_THAT(records("a,b\n1,2\n3,4\n\r"), expected);
  EXPECT_THAT(records("a,b\n"), IsEmpty());
  EXPECT_THAT(records("a,b"), IsEmpty());
  EXPECT_THAT(records("a,b\n1\r2,\r\n"), ElementsAre(ElementsAre("1\r2", "")));
}

TEST_F(CsvReaderTest, ByteOrderMark) {
  for (const char* text :
       {"\xEF\xBB\xBFts,b\n1,2\n", "\xEF\xBB\xBF\"ts\",\"b\"\r\n\"1\",\"2\"\r\n"}) {
    write(text);
    const auto reader = open();
    EXPECT_THAT(reader->header(), ElementsAre("ts", "b"));
    ASSERT_TRUE(*reader->next());
    EXPECT_THAT(reader->fields(), ElementsAre("1", "2"));
  }
  write("\xEF\xBB\xBF\"t,s\",b\n1,2\n");
  EXPECT_THAT(open()->header(), ElementsAre("t,s", "b"));
  // Anywhere else it is text.
  EXPECT_THAT(records("a,b\n\xEF\xBB\xBF"
                      "1,2\n"),
              ElementsAre(ElementsAre("\xEF\xBB\xBF"
                                      "1",
                                      "2")));
  write("\xEF\xBB\xBF");
  EXPECT_THAT(open_error().context, HasSubstr("is empty"));
}

TEST_F(CsvReaderTest, EveryByteIsText) {
  std::string all;
  for (int c = 1; c < 256; ++c) {
    if (c != '"' && c != ',' && c != '\n') all += static_cast<char>(c);
  }
  all += '\0';
  all += 'x';
  EXPECT_THAT(records("a,b\n" + all + ",2\n"), ElementsAre(ElementsAre(all, "2")));
}

TEST_F(CsvReaderTest, WrongNumberOfFieldsNamesTheLineAndReadingMayGoOn) {
  write("a,b\n1,2\n3\n4,5,6\n7,8,\n\n9,10\n");
  const auto reader = open();
  ASSERT_TRUE(*reader->next());
  int line = 3;
  for (const char* got : {"got 1", "got 3", "got 3"}) {
    const auto more = reader->next();
    ASSERT_FALSE(more.ok());
    EXPECT_EQ(more.error().code, ErrorCode::kInvalid);
    EXPECT_EQ(more.error().path, at(line++));
    EXPECT_THAT(more.error().context, HasSubstr("expected 2 fields as in the header"));
    EXPECT_THAT(more.error().context, EndsWith(got));
  }
  ASSERT_TRUE(*reader->next());
  EXPECT_THAT(reader->fields(), ElementsAre("9", "10"));
  EXPECT_EQ(reader->place(), at(7));
}

TEST_F(CsvReaderTest, ATrailingCommaIsAnEmptyField) {
  EXPECT_THAT(records("a,b\n1,\n,\n"), ElementsAre(ElementsAre("1", ""), ElementsAre("", "")));
  EXPECT_THAT(records("a,b\n1,"), ElementsAre(ElementsAre("1", "")));
  EXPECT_THAT(records("a,b\n\"1\","), ElementsAre(ElementsAre("1", "")));
  write("a,b,\n1,2,\n");
  EXPECT_THAT(open_error().context, HasSubstr("a column has no name"));
}

TEST_F(CsvReaderTest, LineNumbersAfterQuotedLineBreaks) {
  write("a,b\n\"1\n\n\",2\n3,4\n\n\"5\r\n6\",\"\n\"\nwrong\n7,8\n");
  const auto reader = open();
  for (const int line : {2, 5, 7}) {
    ASSERT_TRUE(*reader->next());
    EXPECT_EQ(reader->place(), at(line)) << "a record is where it begins";
  }
  const auto wrong = reader->next();
  ASSERT_FALSE(wrong.ok());
  EXPECT_EQ(wrong.error().path, at(10));
  ASSERT_TRUE(*reader->next());
  EXPECT_EQ(reader->place(), at(11));
}

TEST_F(CsvReaderTest, BadHeaders) {
  for (const auto& [text, what, line] :
       {std::tuple{"a,,c\n", "a column has no name", 1}, std::tuple{",\n", "no name", 1},
        std::tuple{"\"\"\n", "no name", 1}, std::tuple{"\n\na,b,a\n", "called 'a'", 3},
        std::tuple{"\xEF\xBB\xBF"
                   "a,a\n",
                   "called 'a'", 1},
        std::tuple{"\"a\"x,b\n", "expected a comma after a closing quote", 1},
        std::tuple{"a,\"b\nc", "a quote is opened and never closed", 1}}) {
    write(text);
    const Error error = open_error();
    EXPECT_EQ(error.code, ErrorCode::kInvalid);
    EXPECT_EQ(error.path, at(line));
    EXPECT_THAT(error.context, HasSubstr(what));
  }
}

TEST_F(CsvReaderTest, EmptyFiles) {
  for (const char* text : {"", "\n", "\r\n\r\n\n"}) {
    write(text);
    const Error error = open_error();
    EXPECT_EQ(error.code, ErrorCode::kInvalid);
    EXPECT_EQ(error.path, path());
    EXPECT_THAT(error.context, HasSubstr("is empty; expected a header line"));
  }
}

TEST_F(CsvReaderTest, MissingFileAndDirectory) {
  const Error missing = open_error();
  EXPECT_EQ(missing.code, ErrorCode::kNotFound);
  EXPECT_EQ(missing.path, path());
  const auto reader = CsvReader::open(directory());
  ASSERT_FALSE(reader.ok());
  EXPECT_EQ(reader.error().code, ErrorCode::kIo);
  EXPECT_THAT(reader.error().message(), HasSubstr(directory().string()));
  EXPECT_THAT(reader.error().message(), HasSubstr("Is a directory"));
}

TEST_F(CsvReaderTest, BadQuotesNameTheLineWhereTheRecordBegins) {
  for (const auto& [text, what] :
       {std::pair{"a,b\n1,2\n3,\"4\n5,6\n7,8\n", "a quote is opened and never closed"},
        std::pair{"a,b\n1,2\n3,\"4", "a quote is opened and never closed"},
        std::pair{"a,b\n1,2\n\"3\"x,4\n", "expected a comma after a closing quote"},
        std::pair{"a,b\n1,2\n\"3\" ,4\n", "expected a comma after a closing quote"}}) {
    write(text);
    const Outcome outcome = read();
    EXPECT_THAT(outcome.records, ElementsAre(ElementsAre("1", "2")));
    EXPECT_EQ(outcome.error, at(3) + ": " + what);
    EXPECT_EQ(outcome.code, ErrorCode::kInvalid);
  }
}

// Quotes mean nothing inside a field that does not begin with one. Only, where one of them seems to
// open at one line and to close at another, the lines between must not become one field unseen.
TEST_F(CsvReaderTest, QuotesInsideUnquotedFields) {
  EXPECT_THAT(records("a,b\nsay \"x\",2\n"), ElementsAre(ElementsAre("say \"x\"", "2")));
  write("size\n5\" disk\n6\" disk\n");
  EXPECT_EQ(read().error, at(2) + ": a quote inside a field that does not begin with one");
  write("a,b\n1,5\" disk\n6\" disk\n");
  EXPECT_EQ(read().error, at(2) + ": a quote inside a field that does not begin with one");
}

TEST_F(CsvReaderTest, RecordsThatStraddleReads) {
  // Lines of 7 bytes, 7 does not divide the size of a read: every cut inside a record occurs.
  std::string content = "a,b\n";
  constexpr int kLines = 150'000;
  for (int i = 0; i < kLines; ++i) content += std::to_string(100 + i % 900) + ",\"\"\n";
  ASSERT_GT(content.size(), 3 * kChunk);
  const Records all = records(content);
  ASSERT_THAT(all, SizeIs(kLines));
  for (int i = 0; i < kLines; ++i) {
    const auto& record = all[static_cast<std::size_t>(i)];
    ASSERT_EQ(record[0], std::to_string(100 + i % 900)) << i;
    ASSERT_EQ(record[1], "") << i;
  }
}

TEST_F(CsvReaderTest, EveryKindOfByteAtTheEndOfARead) {
  // A record with everything in it is moved over the boundary byte by byte.
  const std::string record = "\"q \"\"\",\"l\r\nm\",\"\",x\r\n";
  const std::string header = "a,b,c,d\r\n";
  for (std::size_t shift = 0; shift <= record.size(); ++shift) {
    // A first record of such a size that `record` begins `shift` bytes before the boundary.
    std::string content = header;
    content += std::string(kChunk - shift - content.size() - 5, 'f') + ",,,\r\n";
    ASSERT_EQ(content.size(), kChunk - shift);
    content += record + "1,2,3,4";
    const Records all = records(content);
    ASSERT_THAT(all, SizeIs(3)) << shift;
    EXPECT_THAT(all[1], ElementsAre("q \"", "l\r\nm", "", "x")) << shift;
    EXPECT_THAT(all[2], ElementsAre("1", "2", "3", "4")) << shift;
  }
}

TEST_F(CsvReaderTest, RecordsOfManyReads) {
  const std::string big(3 * kChunk + 17, 'x');
  const Records all = records("a,b\n1," + big + "\n\"" + big + "\n\"\"\",2\n3,4\n");
  ASSERT_THAT(all, SizeIs(3));
  EXPECT_TRUE(all[0][1] == big);
  EXPECT_TRUE(all[1][0] == big + "\n\"");
  EXPECT_THAT(all[2], ElementsAre("3", "4"));
}

TEST_F(CsvReaderTest, RecordsAreBounded) {
  const std::string most(kMaxRecord - 2, 'x');
  for (const char* end : {"", "\n", "\n3,4\n"}) {
    write("a,b\n1," + most + end);
    EXPECT_EQ(read().error, "") << "16 MiB are allowed";
    write("a,b\n1," + most + "x" + end);
    const Outcome outcome = read();
    EXPECT_EQ(outcome.error, at(2) + ": a record is longer than 16 MiB");
    EXPECT_EQ(outcome.code, ErrorCode::kInvalid);
  }
  write("a,b\n1,\"" + std::string(2 * kMaxRecord, '\n'));  // an open quote takes all that follows
  EXPECT_EQ(read().error, at(2) + ": a record is longer than 16 MiB");
}

TEST_F(CsvReaderTest, Gzip) {
  std::string content =
      "\xEF\xBB\xBF"
      "a,b\r\n";
  for (int i = 0; i < 100'000; ++i) content += std::to_string(i) + ",\"x\ny\"\r\n";
  write_gzip(content);
  const Outcome outcome = read();
  EXPECT_EQ(outcome.error, "");
  ASSERT_THAT(outcome.records, SizeIs(100'000));
  EXPECT_THAT(outcome.records.back(), ElementsAre("99999", "x\ny"));
  EXPECT_EQ(outcome.places.back(), at(2 + 2 * 99'999));
}

TEST_F(CsvReaderTest, GzipOfSeveralMembers) {
  write_gzip("a,b\n1,");
  write_gzip("2\n3,4\n", "ab");  // as `cat x.gz y.gz` makes them
  EXPECT_THAT(read().records, ElementsAre(ElementsAre("1", "2"), ElementsAre("3", "4")));
}

TEST_F(CsvReaderTest, TruncatedGzipIsAnErrorWhereverItIsCut) {
  std::string content = "a,b\n";
  std::uint32_t state = 1;  // text that does not compress to nothing
  for (int i = 0; i < 60'000; ++i) {
    state = state * 1664525U + 1013904223U;
    content += std::to_string(state) + "," + std::to_string(i) + "\n";
  }
  write_gzip(content);
  const std::string whole = read_back();
  EXPECT_THAT(read().records, SizeIs(60'000));
  // In the checksum, just before it, in the data of a later and of the first read.
  for (const std::size_t size :
       {whole.size() - 1, whole.size() - 8, whole.size() - 9, whole.size() / 2, whole.size() / 3}) {
    write(whole.substr(0, size));
    const Outcome outcome = read();
    EXPECT_EQ(outcome.code, ErrorCode::kIo) << size;
    EXPECT_THAT(outcome.error, HasSubstr("unexpected end of file")) << size;
    EXPECT_THAT(outcome.error, HasSubstr(path() + ":")) << size;
  }
  write(whole.substr(0, 5));  // nothing but half the heading
  EXPECT_EQ(open_error().code, ErrorCode::kIo);
}

TEST_F(CsvReaderTest, DamagedGzipIsAnError) {
  std::string content = "a,b\n";
  for (int i = 0; i < 1000; ++i) content += std::to_string(i * 7919) + ",x\n";
  write_gzip(content);
  std::string damaged = read_back();
  damaged[damaged.size() - 6] = static_cast<char>(damaged[damaged.size() - 6] ^ 1);  // checksum
  write(damaged);
  const auto reader = CsvReader::open(path());
  const auto error = [&]() -> std::optional<Error> {
    if (!reader) return reader.error();
    for (;;) {
      const auto more = (*reader)->next();
      if (!more) return more.error();
      if (!*more) return std::nullopt;
    }
  }();
  ASSERT_TRUE(error.has_value());
  EXPECT_EQ(error->code, ErrorCode::kIo);
  EXPECT_THAT(error->context, HasSubstr("incorrect data check"));
}

TEST_F(CsvReaderTest, ErrorsStay) {
  write("a,b\n1,\"2\n");
  const auto reader = open();
  for (int i = 0; i < 3; ++i) {
    const auto more = reader->next();
    ASSERT_FALSE(more.ok());
    EXPECT_EQ(more.error().message(), at(2) + ": a quote is opened and never closed");
  }
}

/// Makes a file the standard input, and gives back the old one.
class StandardInput {
 public:
  explicit StandardInput(const std::string& path) : saved_(::dup(STDIN_FILENO)) {
    if (std::freopen(path.c_str(), "rb", stdin) == nullptr) std::perror("freopen");
  }
  ~StandardInput() {
    ::dup2(saved_, STDIN_FILENO);
    ::close(saved_);
  }
  StandardInput(const StandardInput&) = delete;
  StandardInput& operator=(const StandardInput&) = delete;

 private:
  int saved_;
};

TEST_F(CsvReaderTest, StandardInput) {
  write("a,b\n1,2\n3\n");
  {
    const StandardInput input{path()};
    const auto reader = CsvReader::open("-");
    ASSERT_TRUE(reader.ok());
    ASSERT_TRUE(*(*reader)->next());
    EXPECT_EQ((*reader)->place(), "standard input:2");
    EXPECT_EQ((*reader)->next().error().path, "standard input:3");
  }
  write("");
  const StandardInput input{path()};
  EXPECT_EQ(CsvReader::open("-").error().path, "standard input");
}

}  // namespace
}  // namespace nodevigil
