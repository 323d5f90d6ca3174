#include "login_password.h"

#include <sys/random.h>

#include <cerrno>
#include <cstddef>
#include <string_view>
#include <utility>

#include "nodevigil/base/file.h"
#include "scram_verifier.h"

namespace nodevigil {
namespace {

constexpr std::size_t kPasswordBytes = 32;
constexpr std::size_t kSaltBytes = 16;  // as many as Postgres takes

// The fewest that libpq and PgBouncer accept. Rounds make each guess dearer for someone who has got
// hold of the verifier, and each log-in for the agent. Of 2^256 passwords that are equally likely
// none is ever guessed, at any price: the usual 4,096 rounds would add 12 bits to 256.
constexpr int kRounds = 1;

Result<std::string> random_bytes(std::size_t size) {
  std::string bytes(size, '\0');
  ssize_t got = 0;
  do {
    got = ::getrandom(bytes.data(), size, 0);  // up to 256 bytes come whole
  } while (got < 0 && errno == EINTR);
  if (got != static_cast<ssize_t>(size)) return errno_error(errno, "get random numbers", "");
  return bytes;
}

std::string hexadecimal(std::string_view bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    text += kDigits[byte >> 4U];
    text += kDigits[byte & 15U];
  }
  return text;
}

}  // namespace

Result<LoginPassword> make_login_password() {
  const auto secret = random_bytes(kPasswordBytes);
  if (!secret) return secret.error();
  const auto salt = random_bytes(kSaltBytes);
  if (!salt) return salt.error();
  LoginPassword password;
  password.text = hexadecimal(*secret);
  auto verifier = scram_verifier(password.text, *salt, kRounds);
  if (!verifier) return verifier.error();
  password.verifier = std::move(*verifier);
  return password;
}

}  // namespace nodevigil
