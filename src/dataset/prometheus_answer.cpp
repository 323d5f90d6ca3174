#include "nodevigil/dataset/prometheus_answer.h"

#include <charconv>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>

#include "nodevigil/base/printable.h"

namespace nodevigil {
namespace {

using nlohmann::json;

constexpr std::size_t kMostWords = 300;
// Milliseconds of more seconds than this are no times of Prometheus, and could overflow.
constexpr double kMostSeconds = 1e12;

// "NaN", "+Inf" and "-Inf" as Prometheus writes them, or a number.
std::optional<double> parse_value(std::string_view text) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  if (text == "NaN") return std::numeric_limits<double>::quiet_NaN();
  if (text == "+Inf") return kInfinity;
  if (text == "-Inf") return -kInfinity;
  double value = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (code != std::errc{} || end != text.data() + text.size() || !std::isfinite(value)) {
    return std::nullopt;
  }
  return value;
}

// Where in an answer the reader is.
enum class Place : std::uint8_t {
  kAnswer,
  kData,
  kResult,
  kSeries,
  kLabels,
  kPoints,
  kPoint,
  kNames,
  kWarnings,
  kOther
};

// Takes what the JSON reader comes across, in its order, and keeps what is of interest.
class AnswerReader final : public nlohmann::json_sax<json> {
 public:
  bool null() override { return scalar(); }
  bool boolean(bool) override { return scalar(); }
  bool number_integer(number_integer_t value) override {
    return number(static_cast<double>(value));
  }
  bool number_unsigned(number_unsigned_t value) override {
    return number(static_cast<double>(value));
  }
  bool number_float(number_float_t value, const string_t&) override { return number(value); }
  bool binary(binary_t&) override { return scalar(); }

  bool string(string_t& value) override {
    switch (place()) {
      case Place::kAnswer:
        if (key_ == "status") status_ = value;
        if (key_ == "errorType") refusal.type = value;
        if (key_ == "error") refusal.words = value;
        return true;
      case Place::kData:
        if (key_ == "resultType" && value != "matrix") return fail("the result is a " + value);
        return true;
      case Place::kLabels:
        answer.series.back().labels[key_] = std::move(value);
        return true;
      case Place::kNames:
        answer.names.push_back(std::move(value));
        return true;
      case Place::kWarnings:
        answer.warnings.push_back(std::move(value));
        return true;
      case Place::kPoint: {
        const auto parsed = parse_value(value);
        if (in_point_++ != 1 || !parsed) return fail("expected a value, got '" + value + "'");
        answer.series.back().points.back().value = *parsed;
        return true;
      }
      default:
        return scalar();
    }
  }

  bool key(string_t& name) override {
    key_ = std::move(name);
    return true;
  }

  bool start_object(std::size_t) override {
    if (places_.empty()) return enter(Place::kAnswer);
    switch (place()) {
      case Place::kAnswer:
        return enter(key_ == "data" ? Place::kData : Place::kOther);
      case Place::kResult:
        answer.series.emplace_back();
        return enter(Place::kSeries);
      case Place::kSeries:
        return enter(key_ == "metric" ? Place::kLabels : Place::kOther);
      case Place::kData:
      case Place::kOther:
        return enter(Place::kOther);
      default:
        return fail("an object where the API has none");
    }
  }
  bool end_object() override { return leave(); }

  bool start_array(std::size_t) override {
    if (places_.empty()) return fail("a list");
    switch (place()) {
      case Place::kAnswer:
        if (key_ == "warnings" || key_ == "infos") return enter(Place::kWarnings);
        return enter(key_ == "data" ? Place::kNames : Place::kOther);
      case Place::kData:
        return enter(key_ == "result" ? Place::kResult : Place::kOther);
      case Place::kSeries:
        if (key_ == "values") return enter(Place::kPoints);
        if (key_ == "histograms") answer.series.back().histograms = true;
        return enter(Place::kOther);
      case Place::kPoints:
        in_point_ = 0;
        answer.series.back().points.emplace_back();
        return enter(Place::kPoint);
      case Place::kOther:
        return enter(Place::kOther);
      default:
        return fail("a list where the API has none");
    }
  }
  bool end_array() override {
    if (place() == Place::kPoint && in_point_ != 2) return fail("a point that is no pair");
    return leave();
  }

  bool parse_error(std::size_t position, const std::string&, const json::exception&) override {
    stopped_at_ = position;
    return false;
  }

  [[nodiscard]] bool succeeded() const { return status_ == "success"; }
  [[nodiscard]] bool refused() const { return status_ == "error"; }
  [[nodiscard]] const std::string& wrong() const { return wrong_; }
  [[nodiscard]] std::size_t stopped_at() const { return stopped_at_; }

  PrometheusAnswer answer;
  PrometheusRefusal refusal;

 private:
  [[nodiscard]] Place place() const { return places_.empty() ? Place::kOther : places_.back(); }
  bool enter(Place place) {
    places_.push_back(place);
    return true;
  }
  bool leave() {
    places_.pop_back();
    return true;
  }
  bool fail(const std::string& what) {
    wrong_ = what;
    return false;
  }

  // A value of a kind that the API has in no place of interest.
  bool scalar() {
    switch (place()) {
      case Place::kAnswer:
      case Place::kData:
      case Place::kSeries:
      case Place::kOther:
        return true;
      default:
        return fail("a value where the API has none");
    }
  }

  bool number(double value) {
    if (place() != Place::kPoint) return scalar();
    if (in_point_++ != 0 || !(std::fabs(value) < kMostSeconds)) {
      return fail("expected a time and a value in quotes");
    }
    answer.series.back().points.back().ms = std::llround(value * 1000);
    return true;
  }

  std::vector<Place> places_;
  std::string key_;
  std::string status_;
  std::string wrong_;
  int in_point_ = 0;
  std::size_t stopped_at_ = 0;
};

std::string words_of(std::string_view text) { return printable(text, kMostWords); }

}  // namespace

Result<PrometheusAnswer> parse_prometheus_answer(std::string_view text) {
  AnswerReader reader;
  const bool whole = json::sax_parse(text, &reader);
  if (!reader.wrong().empty()) {
    return Error{ErrorCode::kInvalid,
                 "not an answer of Prometheus' API: " + words_of(reader.wrong()), ""};
  }
  if (!whole && text.starts_with('{') && reader.stopped_at() > text.size()) {
    return Error{ErrorCode::kIo,
                 "the answer ends too early, after " + std::to_string(text.size()) + " bytes", ""};
  }
  if (!whole) {
    return Error{ErrorCode::kInvalid,
                 "expected JSON of Prometheus' API, got '" + printable(text) + "'", ""};
  }
  if (reader.refused()) {
    return Error{ErrorCode::kInvalid, "Prometheus says: " + words_of(reader.refusal.words), ""};
  }
  if (!reader.succeeded()) {
    return Error{ErrorCode::kInvalid,
                 "not an answer of Prometheus' API: it has no \"status\": \"success\"", ""};
  }
  return std::move(reader.answer);
}

PrometheusRefusal read_prometheus_refusal(std::string_view text) {
  AnswerReader reader;
  if (!json::sax_parse(text, &reader) || !reader.refused()) return {"", printable(text)};
  return {printable(reader.refusal.type), words_of(reader.refusal.words)};
}

}  // namespace nodevigil
