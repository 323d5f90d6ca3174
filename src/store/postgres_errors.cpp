#include "postgres_errors.h"

#include <algorithm>
#include <array>
#include <span>

namespace nodevigil {
namespace {

// What a text of the server means.
struct Meaning {
  std::string_view text;
  ErrorCode code;
};

// The first of `meanings` whose text `fits`; `otherwise` where none does.
template <typename Fits>
ErrorCode first_fitting(std::span<const Meaning> meanings, const Fits& fits, ErrorCode otherwise) {
  const auto found = std::ranges::find_if(meanings, fits, &Meaning::text);
  return found == meanings.end() ? otherwise : found->code;
}

// By the beginning of the SQLSTATE.
constexpr std::array kStates{
    Meaning{"28", ErrorCode::kUnauthenticated},
    Meaning{"42501", ErrorCode::kPermission},
    Meaning{"3F000", ErrorCode::kNotFound},
    Meaning{"3D000", ErrorCode::kNotFound},
    Meaning{"42P01", ErrorCode::kNotFound},
    Meaning{"42883", ErrorCode::kNotFound},
    Meaning{"53100", ErrorCode::kFull},
    Meaning{"53", ErrorCode::kUnavailable},
    Meaning{"57014", ErrorCode::kTimeout},
    Meaning{"55P03", ErrorCode::kTimeout},
    Meaning{"57", ErrorCode::kUnavailable},
    Meaning{"08", ErrorCode::kUnavailable},
    Meaning{"25006", ErrorCode::kUnavailable},
    Meaning{"40", ErrorCode::kUnavailable},
    Meaning{"58", ErrorCode::kIo},
    Meaning{"XX", ErrorCode::kIo},
};

ErrorCode code_of_state(std::string_view state) {
  return first_fitting(
      kStates, [&](std::string_view begin) { return state.starts_with(begin); },
      ErrorCode::kInvalid);
}

constexpr std::array kRefusals{
    Meaning{"authentication failed", ErrorCode::kUnauthenticated},
    Meaning{"no password supplied", ErrorCode::kUnauthenticated},
    Meaning{"no pg_hba.conf entry", ErrorCode::kUnauthenticated},
    Meaning{"pg_hba.conf rejects", ErrorCode::kUnauthenticated},
    Meaning{"certificate", ErrorCode::kUnauthenticated},
    Meaning{"does not support SSL", ErrorCode::kUnauthenticated},
    Meaning{"timeout expired", ErrorCode::kTimeout},
    Meaning{"permission denied for database", ErrorCode::kPermission},
    Meaning{"is not permitted to log in", ErrorCode::kPermission},
    Meaning{"does not exist", ErrorCode::kNotFound},
};

// What the server says without the lines that quote rows and statements: they differ from try to
// try, and belong into no log.
std::string without_quotations(std::string_view text) {
  constexpr std::array<std::string_view, 5> kQuoting{"DETAIL:", "CONTEXT:", "QUERY:", "LINE ",
                                                     "STATEMENT:"};
  std::string kept;
  bool quoting = false;
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    const auto begins = [&](std::string_view word) { return line.starts_with(word); };
    quoting = std::ranges::any_of(kQuoting, begins) || (quoting && !begins("HINT:"));
    if (!quoting) kept.append(line) += '\n';
  }
  return kept;
}

}  // namespace

// libpqxx 6 leaves the SQLSTATE out of some of the errors that have a class of their own.
ErrorCode code_of(const pqxx::sql_error& error) {
  if (!error.sqlstate().empty()) return code_of_state(error.sqlstate());
  if (dynamic_cast<const pqxx::insufficient_privilege*>(&error) != nullptr) {
    return ErrorCode::kPermission;
  }
  if (dynamic_cast<const pqxx::undefined_table*>(&error) != nullptr ||
      dynamic_cast<const pqxx::undefined_function*>(&error) != nullptr) {
    return ErrorCode::kNotFound;
  }
  if (dynamic_cast<const pqxx::disk_full*>(&error) != nullptr) return ErrorCode::kFull;
  if (dynamic_cast<const pqxx::insufficient_resources*>(&error) != nullptr) {
    return ErrorCode::kUnavailable;
  }
  return ErrorCode::kInvalid;
}

ErrorCode code_of_refusal(std::string_view message) {
  return first_fitting(
      kRefusals,
      [&](std::string_view part) { return message.find(part) != std::string_view::npos; },
      ErrorCode::kUnavailable);
}

std::string one_line(std::string_view text) {
  std::string line;
  for (const char c : text) {
    const bool blank = c == '\n' || c == '\r' || c == '\t' || c == ' ';
    if (blank && (line.empty() || line.back() == ' ')) continue;
    line += blank ? ' ' : c;
  }
  while (!line.empty() && line.back() == ' ') line.pop_back();
  return line;
}

std::string cannot(const char* doing, const std::string& why) {
  return std::string{"cannot "} + doing + ": " + one_line(without_quotations(why));
}

}  // namespace nodevigil
