#include "postgres_address.h"

#include <libpq-fe.h>

#include <memory>
#include <regex>
#include <string_view>
#include <utility>

#include "nodevigil/store/postgres.h"

namespace nodevigil {
namespace {

struct FreeOptions {
  void operator()(PQconninfoOption* options) const { PQconninfoFree(options); }
};
using OptionList = std::unique_ptr<PQconninfoOption, FreeOptions>;

void collect(const PQconninfoOption* option, PostgresSettings& settings) {
  for (; option != nullptr && option->keyword != nullptr; ++option) {
    if (option->val != nullptr) settings.emplace(option->keyword, option->val);
  }
}

// Whether a password in `url` has an '@' or '/' as it is: libpq would take a part of it for a host
// or a database, and messages show those.
bool has_raw_delimiters(std::string_view url) {
  if (!url.starts_with("postgres://") && !url.starts_with("postgresql://")) return false;
  const std::string_view rest = url.substr(url.find("://") + 3);
  const std::string_view address = rest.substr(0, rest.find('?'));
  const std::size_t at = address.rfind('@');
  return at != std::string_view::npos &&
         address.substr(0, at).find_first_of("@/") != std::string_view::npos;
}

}  // namespace

// What the URL says, by libpq's own names.
Result<PostgresSettings> parse_postgres_url(const std::string& url) {
  char* complaint = nullptr;
  const OptionList parsed{PQconninfoParse(url.c_str(), &complaint)};
  if (!parsed || has_raw_delimiters(url)) {
    // libpq quotes the place, which may be in a password that was not escaped.
    PQfreemem(complaint);
    return Error{ErrorCode::kInvalid,
                 "is not an address of a Postgres server; expected "
                 "postgresql://USER@HOST:PORT/DATABASE or key=value pairs, special characters "
                 "percent-encoded",
                 "postgres.url"};
  }
  PostgresSettings settings;
  collect(parsed.get(), settings);
  return settings;
}

// key='value' with quotes and backslashes escaped, as libpq reads it.
std::string as_conninfo(const PostgresSettings& settings) {
  std::string text;
  for (const auto& [key, value] : settings) {
    text += key + "='";
    for (const char c : value) {
      if (c == '\'' || c == '\\') text += '\\';
      text += c;
    }
    text += "' ";
  }
  return text;
}

std::string peer_name(const PostgresSettings& given) {
  PostgresSettings settings = given;
  const OptionList defaults{PQconndefaults()};
  collect(defaults.get(), settings);
  const std::string host = settings.contains("host") ? settings["host"] : "local socket";
  return host + ":" + settings["port"] + "/" +
         (settings.contains("dbname") ? settings["dbname"] : settings["user"]) + " as " +
         settings["user"];
}

Result<void> check_postgres_url(const std::string& url) {
  const auto settings = parse_postgres_url(url);
  if (!settings) return settings.error();
  return {};
}

std::string hide_password(const std::string& url) {
  // "scheme://user:PASSWORD@host", "password=PASSWORD" as a parameter of a URL or one of the pairs,
  // where it may stand in quotes. Rather too much than too little where it was not escaped.
  static const std::regex in_address{R"(^(\w+://[^/:@]*):.*@)"};
  static const std::regex as_pair{R"((password\s*=\s*)('(\\.|[^'\\])*'|[^&\s]+))"};
  const std::string half = std::regex_replace(url, in_address, "$1:***@");
  return std::regex_replace(half, as_pair, "$1***");
}

}  // namespace nodevigil
