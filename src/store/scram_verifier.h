#pragma once

#include <string>
#include <string_view>

#include "nodevigil/base/result.h"

namespace nodevigil {

/// What a server keeps to check a password by, as in pg_authid:
/// "SCRAM-SHA-256$<rounds>:<salt>$<StoredKey>:<ServerKey>" (RFC 5802, RFC 7677). `password` is
/// ASCII (nothing else stays as it is in SASLprep), `salt` is bytes, `rounds` at least 1. Postgres
/// takes a password in this form as it is. Error: kIo, OpenSSL has no SHA-256 to offer.
[[nodiscard]] Result<std::string> scram_verifier(std::string_view password, std::string_view salt,
                                                 int rounds);

}  // namespace nodevigil
