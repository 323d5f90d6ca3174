#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <array>
#include <cctype>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>

namespace nodevigil::serve_test {

/// A TCP connection to this machine; every operation ends after ten seconds at most.
class Connection {
 public:
  explicit Connection(int port, int family = AF_INET)
      : fd_(::socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    const timeval limit{10, 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    ::setsockopt(fd_, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    sockaddr_in v4{};
    v4.sin_family = AF_INET;
    v4.sin_port = htons(static_cast<std::uint16_t>(port));
    v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    sockaddr_in6 v6{};
    v6.sin6_family = AF_INET6;
    v6.sin6_port = v4.sin_port;
    v6.sin6_addr = in6addr_loopback;
    connected_ = family == AF_INET6
                     ? ::connect(fd_, reinterpret_cast<sockaddr*>(&v6), sizeof v6) == 0
                     : ::connect(fd_, reinterpret_cast<sockaddr*>(&v4), sizeof v4) == 0;
  }
  ~Connection() {
    if (fd_ >= 0) ::close(fd_);
  }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  Connection(Connection&& other) noexcept
      : fd_(std::exchange(other.fd_, -1)), connected_(other.connected_) {}

  [[nodiscard]] bool connected() const { return connected_; }

  void send(std::string_view text) const {
    while (!text.empty()) {
      const ssize_t sent = ::send(fd_, text.data(), text.size(), MSG_NOSIGNAL);
      if (sent <= 0) return;
      text.remove_prefix(static_cast<std::size_t>(sent));
    }
  }

  /// Whether the other side closes within the ten seconds, whatever it sends before.
  [[nodiscard]] bool closes() const {
    std::array<char, 65536> buffer{};
    ssize_t got = 1;
    while (got > 0) got = ::recv(fd_, buffer.data(), buffer.size(), 0);
    return got == 0 || errno == ECONNRESET;
  }

  /// The next `size` bytes; fewer where the other side closes.
  [[nodiscard]] std::string receive(std::size_t size) const {
    std::string text(size, '\0');
    std::size_t filled = 0;
    while (filled < size) {
      const ssize_t got = ::recv(fd_, text.data() + filled, size - filled, 0);
      if (got <= 0) break;
      filled += static_cast<std::size_t>(got);
    }
    text.resize(filled);
    return text;
  }

  /// Everything the other side sends until it closes.
  [[nodiscard]] std::string receive() const {
    std::string all;
    std::array<char, 65536> buffer{};
    for (;;) {
      const ssize_t got = ::recv(fd_, buffer.data(), buffer.size(), 0);
      if (got <= 0) return all;
      all.append(buffer.data(), static_cast<std::size_t>(got));
    }
  }

 private:
  int fd_;
  bool connected_ = false;
};

struct Answer {
  int status = 0;                              ///< 0: no HTTP response came
  std::map<std::string, std::string> headers;  ///< names in lower case
  std::string body;
  bool whole = true;  ///< false: a chunked body lacks its end
};

inline std::string join_chunks(std::string_view raw, bool& whole) {
  std::string body;
  for (;;) {
    const std::size_t line = raw.find("\r\n");
    whole = line != std::string_view::npos;
    if (!whole) return body;
    const std::size_t size = std::stoul(std::string{raw.substr(0, line)}, nullptr, 16);
    whole = raw.size() >= line + 2 + size + 2;
    if (size == 0 || !whole) return body;
    body += raw.substr(line + 2, size);
    raw.remove_prefix(line + 2 + size + 2);
  }
}

inline Answer parse_answer(const std::string& raw) {
  Answer answer;
  const std::size_t head_end = raw.find("\r\n\r\n");
  if (!raw.starts_with("HTTP/1.1 ") || head_end == std::string::npos) return answer;
  answer.status = std::stoi(raw.substr(9, 3));
  std::size_t line = raw.find("\r\n") + 2;
  while (line < head_end + 2) {
    const std::size_t end = raw.find("\r\n", line);
    const std::size_t colon = raw.find(": ", line);
    std::string name = raw.substr(line, colon - line);
    for (char& c : name) c = static_cast<char>(std::tolower(c));
    answer.headers[name] = raw.substr(colon + 2, end - colon - 2);
    line = end + 2;
  }
  answer.body = raw.substr(head_end + 4);
  if (answer.headers.contains("transfer-encoding")) {
    answer.body = join_chunks(answer.body, answer.whole);
  }
  return answer;
}

/// The next answer on a connection that is kept: one with a Content-Length.
inline Answer receive_answer(const Connection& connection) {
  std::string raw;
  while (!raw.ends_with("\r\n\r\n")) {
    const std::string next = connection.receive(1);
    if (next.empty()) return {};
    raw += next;
  }
  Answer answer = parse_answer(raw);
  answer.body = connection.receive(std::stoul(answer.headers.at("content-length")));
  return answer;
}

/// Sends `raw`, which must have the server close the connection, and returns what comes back.
inline Answer send_raw(int port, std::string_view raw) {
  const Connection connection{port};
  connection.send(raw);
  return parse_answer(connection.receive());
}

inline Answer request(int port, const std::string& method, const std::string& target) {
  return send_raw(port,
                  method + " " + target + " HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n");
}

inline Answer get(int port, const std::string& target) { return request(port, "GET", target); }

}  // namespace nodevigil::serve_test
