#pragma once

#include <map>
#include <string>

#include "nodevigil/base/result.h"

// Where a Postgres server is and how to get in: URLs and libpq's settings.
namespace nodevigil {

/// Settings of a connection by libpq's own names ("host", "dbname", ...).
using PostgresSettings = std::map<std::string, std::string>;

/// What a URL, or libpq's key=value pairs, say. The error (kInvalid) quotes none of it: a password
/// may be in it.
[[nodiscard]] Result<PostgresSettings> parse_postgres_url(const std::string& url);

/// The settings as libpq takes them: key='value', quotes and backslashes escaped.
[[nodiscard]] std::string as_conninfo(const PostgresSettings& settings);

/// "HOST:PORT/DATABASE as USER" with what libpq puts in where `given` says nothing; for messages.
[[nodiscard]] std::string peer_name(const PostgresSettings& given);

}  // namespace nodevigil
