#include "link.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <sstream>
#include <string_view>
#include <vector>

#include "nodevigil/base/descriptor.h"
#include "nodevigil/base/file.h"
#include "sockets.h"

namespace nodevigil {
namespace {

constexpr int kMostLinks = 10;                       // nvg0 to nvg9
constexpr const char* kFarDevice = "far0";           // alone in its namespace
constexpr std::uint32_t kBenchmarking = 0xc6120000;  // 198.18.0.0/15, RFC 2544
constexpr std::uint32_t kMask = 0xfffffffc;          // /30

// A message of rtnetlink, grown attribute by attribute.
class Message {
 public:
  Message(std::uint16_t type, std::uint16_t flags) {
    nlmsghdr header{};
    header.nlmsg_type = type;
    header.nlmsg_flags = static_cast<std::uint16_t>(flags | NLM_F_REQUEST | NLM_F_ACK);
    append(&header, sizeof header);
  }
  void append(const void* data, std::size_t size) {
    const auto* const byte = static_cast<const char*>(data);
    bytes_.insert(bytes_.end(), byte, byte + size);
    bytes_.resize((bytes_.size() + 3) / 4 * 4);
  }
  void attribute(std::uint16_t type, const void* data, std::size_t size) {
    const rtattr header{static_cast<std::uint16_t>(RTA_LENGTH(size)), type};
    append(&header, sizeof header);
    append(data, size);
  }
  void text(std::uint16_t type, std::string_view value) {
    const std::string ended{value};
    attribute(type, ended.c_str(), ended.size() + 1);
  }
  // Attributes within an attribute: what is added until end() belongs to it.
  [[nodiscard]] std::size_t begin(std::uint16_t type) {
    attribute(type, nullptr, 0);
    return bytes_.size() - sizeof(rtattr);
  }
  void end(std::size_t begun) {
    const auto size = static_cast<std::uint16_t>(bytes_.size() - begun);
    std::memcpy(&bytes_[begun], &size, sizeof size);
  }
  // Sends it and waits for the answer. 0, or an errno.
  [[nodiscard]] int send() {
    const auto size = static_cast<std::uint32_t>(bytes_.size());
    std::memcpy(bytes_.data(), &size, sizeof size);
    const Descriptor socket{::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE)};
    if (socket.get() < 0 || ::send(socket.get(), bytes_.data(), bytes_.size(), 0) < 0) return errno;
    std::array<char, 4096> answer{};
    const ssize_t got = ::recv(socket.get(), answer.data(), answer.size(), 0);
    if (got < static_cast<ssize_t>(sizeof(nlmsghdr) + sizeof(int))) return EIO;
    int error = 0;
    std::memcpy(&error, answer.data() + sizeof(nlmsghdr), sizeof error);
    return -error;
  }

 private:
  std::vector<char> bytes_;
};

// Gives a device its address and sets it up, in this process's namespace.
Result<void> set_up(const std::string& device, in_addr_t address) {
  const Descriptor socket{::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
  ifreq request{};
  device.copy(request.ifr_name, IFNAMSIZ - 1);
  const auto set = [&](unsigned long what, in_addr_t value) {
    const sockaddr_in as_address = socket_address(value, 0);
    std::memcpy(&request.ifr_addr, &as_address, sizeof as_address);
    return ::ioctl(socket.get(), what, &request) == 0;  // NOLINT: vararg
  };
  bool done = set(SIOCSIFADDR, address) && set(SIOCSIFNETMASK, htonl(kMask));
  request.ifr_flags = IFF_UP | IFF_RUNNING;
  done = done && ::ioctl(socket.get(), SIOCSIFFLAGS, &request) == 0;  // NOLINT: vararg
  if (!done) return errno_error(errno, "set up the network link", device);
  return {};
}

// Whether a route of this machine leads to the /30 in particular. Those that lead to half the world
// say nothing of it.
bool is_routed(std::uint32_t network) {
  const auto table = read_file("/proc/net/route");
  if (!table) return false;
  std::istringstream lines{*table};
  for (std::string line; std::getline(lines, line);) {
    // Iface Destination Gateway Flags RefCnt Use Metric Mask ..., addresses as the kernel has them
    std::istringstream words{line};
    std::string skip;
    std::uint32_t destination = 0;
    std::uint32_t mask = 0;
    words >> skip >> std::hex >> destination;
    for (int i = 0; i < 5; ++i) words >> skip;
    words >> mask;
    const std::uint32_t common = ntohl(mask) & kMask;
    if (words && ntohl(mask) >= 0xff000000 && (ntohl(destination) & common) == (network & common)) {
      return true;
    }
  }
  return false;
}

// Whether an address of this machine lies in the /30.
bool is_used(std::uint32_t network) {
  ifaddrs* all = nullptr;
  if (::getifaddrs(&all) != 0) return true;
  bool used = false;
  for (const ifaddrs* each = all; each != nullptr; each = each->ifa_next) {
    if (each->ifa_addr == nullptr || each->ifa_addr->sa_family != AF_INET ||
        each->ifa_netmask == nullptr) {
      continue;
    }
    sockaddr_in address{};
    sockaddr_in mask{};
    std::memcpy(&address, each->ifa_addr, sizeof address);
    std::memcpy(&mask, each->ifa_netmask, sizeof mask);
    const std::uint32_t common = ntohl(mask.sin_addr.s_addr) & kMask;
    used = used || (ntohl(address.sin_addr.s_addr) & common) == (network & common);
  }
  ::freeifaddrs(all);
  return used;
}

// Makes the pair. 0, or an errno; EEXIST: the name is taken.
int make_devices(const std::string& device, pid_t far) {
  Message message{RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL};
  const ifinfomsg plain{};
  message.append(&plain, sizeof plain);
  message.text(IFLA_IFNAME, device);
  const std::size_t info = message.begin(IFLA_LINKINFO);
  message.text(IFLA_INFO_KIND, "veth");
  const std::size_t data = message.begin(IFLA_INFO_DATA);
  const std::size_t other = message.begin(VETH_INFO_PEER);
  message.append(&plain, sizeof plain);
  message.text(IFLA_IFNAME, kFarDevice);
  const auto pid = static_cast<std::uint32_t>(far);
  message.attribute(IFLA_NET_NS_PID, &pid, sizeof pid);
  message.end(other);
  message.end(data);
  message.end(info);
  return message.send();
}

}  // namespace

Result<Peer> choose_link() {
  Peer peer;
  // Different processes begin at different places, so that they hardly ever want the same one.
  const auto offset = static_cast<std::uint32_t>(::getpid()) * 4U;
  for (std::uint32_t i = 0; i < 64; ++i) {
    const std::uint32_t network = kBenchmarking | ((offset + i * 1024U) & 0x1fffcU);
    if (is_used(network) || is_routed(network)) continue;
    peer.near = htonl(network + 1);
    peer.far = htonl(network + 2);
    return peer;
  }
  return Error{ErrorCode::kUnavailable, "no free addresses", "network link"};
}

Result<void> make_link(Peer& peer, pid_t far) {
  // Another process may take a name at any time: only the kernel knows which one is free.
  std::string device;
  int error = EEXIST;
  for (int i = 0; i < kMostLinks && error == EEXIST; ++i) {
    device = "nvg" + std::to_string(i);
    error = make_devices(device, far);
  }
  if (error != 0) return errno_error(error, "make a network link", device);
  const unsigned link = ::if_nametoindex(device.c_str());
  if (auto up = set_up(device, peer.near); !up) {
    remove_link(link);
    return up;
  }
  peer.device = device;
  peer.link = link;
  return {};
}

Result<void> set_far_end_up(const Peer& peer) { return set_up(kFarDevice, peer.far); }

// By its index and not by its name: once it is gone, the name may be another one's.
void remove_link(unsigned link) {
  if (link == 0) return;
  Message message{RTM_DELLINK, 0};
  ifinfomsg which{};
  which.ifi_index = static_cast<int>(link);
  message.append(&which, sizeof which);
  (void)message.send();
}

}  // namespace nodevigil
