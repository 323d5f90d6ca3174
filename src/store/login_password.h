#pragma once

#include <string>

#include "nodevigil/base/result.h"

namespace nodevigil {

/// A password that nobody can guess, and what the server needs to know of it.
struct LoginPassword {
  std::string text;      ///< 256 random bits as 64 hexadecimal digits
  std::string verifier;  ///< see scram_verifier(); holds no character that SQL would quote
};

/// Error: kIo, there are no random numbers or no SHA-256.
[[nodiscard]] Result<LoginPassword> make_login_password();

}  // namespace nodevigil
