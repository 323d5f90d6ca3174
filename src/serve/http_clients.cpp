#include "http_clients.h"

#include <sys/socket.h>

#include <algorithm>

namespace nodevigil {
namespace {

void drop(HttpClients::Client& client) {
  ::shutdown(client.fd, SHUT_RDWR);
  client.dropped = true;
}

}  // namespace

HttpClients::Client& HttpClients::connected(int fd) {
  Client& newest =
      clients_.emplace_back(Client{.fd = fd, .deadline = Clock::now() + limits_.request_timeout});
  const auto open = std::count_if(clients_.begin(), clients_.end(),
                                  [](const Client& client) { return !client.dropped; });
  if (static_cast<std::size_t>(open) > HttpServer::kMaxConnections) drop_longest_asking(newest);
  return newest;
}

void HttpClients::drop_longest_asking(const Client& newest) {
  for (Client& client : clients_) {
    if (&client == &newest) return;
    if (!client.asking || client.dropped) continue;
    drop(client);
    return;
  }
}

void HttpClients::began_request(Client& client) {
  client.deadline = std::min(client.deadline, Clock::now() + limits_.request_timeout);
}

void HttpClients::asked(Client& client) {
  client.asking = false;
  client.deadline = Clock::now() + limits_.response_timeout;
}

void HttpClients::answered(Client& client) {
  client.asking = true;
  client.deadline = Clock::now() + limits_.idle_timeout;
  const auto at = std::find_if(clients_.begin(), clients_.end(),
                               [&](const Client& other) { return &other == &client; });
  clients_.splice(clients_.end(), clients_, at);
}

void HttpClients::closed(const Client& client) {
  clients_.remove_if([&](const Client& other) { return &other == &client; });
}

void HttpClients::drop_overdue() {
  const auto now = Clock::now();
  for (Client& client : clients_) {
    if (!client.dropped && client.deadline <= now) drop(client);
  }
}

std::optional<HttpClients::Clock::time_point> HttpClients::next_deadline() const {
  std::optional<Clock::time_point> first;
  for (const Client& client : clients_) {
    if (!client.dropped && (!first || client.deadline < *first)) first = client.deadline;
  }
  return first;
}

}  // namespace nodevigil
