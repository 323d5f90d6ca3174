#include "scram_verifier.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <array>
#include <cstddef>

namespace nodevigil {
namespace {

constexpr std::size_t kKeySize = 32;  // of SHA-256
using Key = std::array<unsigned char, kKeySize>;

const unsigned char* bytes_of(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

bool hmac(const Key& key, std::string_view message, Key& result) {
  return HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), bytes_of(message),
              message.size(), result.data(), nullptr) != nullptr;
}

std::string base64(const unsigned char* bytes, std::size_t size) {
  std::string text((size + 2) / 3 * 4 + 1, '\0');  // OpenSSL ends it with a zero
  const int length =
      EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()), bytes, static_cast<int>(size));
  text.resize(static_cast<std::size_t>(length));
  return text;
}

}  // namespace

Result<std::string> scram_verifier(std::string_view password, std::string_view salt, int rounds) {
  Key salted{};
  Key client_key{};
  Key stored_key{};
  Key server_key{};
  const bool made =
      PKCS5_PBKDF2_HMAC(password.data(), static_cast<int>(password.size()), bytes_of(salt),
                        static_cast<int>(salt.size()), rounds, EVP_sha256(),
                        static_cast<int>(salted.size()), salted.data()) == 1 &&
      hmac(salted, "Client Key", client_key) && hmac(salted, "Server Key", server_key) &&
      EVP_Digest(client_key.data(), client_key.size(), stored_key.data(), nullptr, EVP_sha256(),
                 nullptr) == 1;
  if (!made) return Error{ErrorCode::kIo, "OpenSSL cannot make a SCRAM-SHA-256 verifier", ""};
  return "SCRAM-SHA-256$" + std::to_string(rounds) + ":" + base64(bytes_of(salt), salt.size()) +
         "$" + base64(stored_key.data(), stored_key.size()) + ":" +
         base64(server_key.data(), server_key.size());
}

}  // namespace nodevigil
