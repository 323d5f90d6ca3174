#pragma once

#include <pqxx/pqxx>
#include <string>
#include <string_view>

#include "nodevigil/base/result.h"

// What errors of libpqxx and the server mean to a user, and how they are told.
namespace nodevigil {

/// The kind of an error of a statement, by its SQLSTATE.
[[nodiscard]] ErrorCode code_of(const pqxx::sql_error& error);

/// The kind of a refused connection, which comes without an SQLSTATE: by libpq's and the server's
/// English. In another language all are kUnavailable; the message is there in any case.
[[nodiscard]] ErrorCode code_of_refusal(std::string_view message);

/// "cannot DOING: WHY" in one line, without those lines of the server's that quote rows and
/// statements.
[[nodiscard]] std::string cannot(const char* doing, const std::string& why);

/// A message of libpq or the server in one line.
[[nodiscard]] std::string one_line(std::string_view text);

}  // namespace nodevigil
