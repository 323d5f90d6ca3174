#include "nodevigil/metrics/device_filter.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <string>
#include <utility>

#include "metrics/sampled_node.h"

namespace nodevigil {
namespace {

using ::testing::HasSubstr;

DeviceFilter filter(
    const std::string& include, const std::string& exclude,
    DeviceFilter::Accept accept = [](std::string_view) { return true; }) {
  auto made = DeviceFilter::make(include, exclude, std::move(accept));
  EXPECT_TRUE(made.ok());
  return std::move(made).value();
}

TEST(DeviceFilterTest, EmptyPatternsRestrictNothing) {
  DeviceFilter all = filter("", "");
  EXPECT_TRUE(all.accepts("eth0"));
  EXPECT_TRUE(all.accepts("lo"));
  EXPECT_TRUE(all.accepts("weird name:\xff"));
}

TEST(DeviceFilterTest, IncludeExcludeAndBoth) {
  DeviceFilter include = filter("eth\\d+|ens.*", "");
  EXPECT_TRUE(include.accepts("eth0"));
  EXPECT_TRUE(include.accepts("ens160"));
  EXPECT_FALSE(include.accepts("lo"));
  DeviceFilter exclude = filter("", "lo|veth.*");
  EXPECT_TRUE(exclude.accepts("eth0"));
  EXPECT_FALSE(exclude.accepts("lo"));
  EXPECT_FALSE(exclude.accepts("veth12ab"));
  DeviceFilter both = filter("eth.*", ".*\\.\\d+");
  EXPECT_TRUE(both.accepts("eth0"));
  EXPECT_FALSE(both.accepts("eth0.100"));
  EXPECT_FALSE(both.accepts("wlan0"));
}

TEST(DeviceFilterTest, PatternsMatchWholeNames) {
  DeviceFilter bare = filter("", "lo");
  EXPECT_FALSE(bare.accepts("lo"));
  EXPECT_TRUE(bare.accepts("lowpan0"));
  EXPECT_TRUE(bare.accepts("wlo1"));
  DeviceFilter anchored = filter("", "^(lo)$");  // as node_exporter's defaults are written
  EXPECT_FALSE(anchored.accepts("lo"));
  EXPECT_TRUE(anchored.accepts("wlo1"));
}

TEST(DeviceFilterTest, NamesAreNoPatterns) {
  DeviceFilter exact = filter("a\\+b\\[0\\]", "");
  EXPECT_TRUE(exact.accepts("a+b[0]"));
  EXPECT_FALSE(exact.accepts("aab0"));
  EXPECT_FALSE(exact.accepts(".*"));
}

TEST(DeviceFilterTest, BadPatternsAreQuoted) {
  for (const bool include : {true, false}) {
    const std::string bad = "eth(\\d+";
    const auto made = DeviceFilter::make(include ? bad : "", include ? "" : bad,
                                         [](std::string_view) { return true; });
    ASSERT_FALSE(made.ok());
    EXPECT_EQ(made.error().code, ErrorCode::kInvalid);
    EXPECT_THAT(made.error().message(), HasSubstr("'eth(\\d+' is not a regular expression"));
  }
}

TEST(DeviceFilterTest, DefaultsKeepTheNodesOwnDevices) {
  DeviceFilter nets = filter("", testing::kNetExclude);
  for (const char* name : {"eth0", "ens5", "enp0s31f6", "eno1np0", "wlan0", "bond", "ib0", "venet0",
                           "enx0a1b2c3d4e5f", "bridge", "lowpan0"}) {
    EXPECT_TRUE(nets.accepts(name)) << name;
  }
  for (const char* name : {"lo",           "veth0a1b2c3d", "cali12ab",
                           "cilium_host",  "lxc0",         "cni0",
                           "docker0",      "podman0",      "br-0a1b2c3d4e5f",
                           "br0",          "virbr0",       "flannel.1",
                           "weave",        "kube-ipvs0",   "nodelocaldns",
                           "vxlan.calico", "geneve1",      "genev_sys_6081",
                           "tunl0",        "ip6tnl0",      "sit0",
                           "gre0",         "gretap0",      "erspan0",
                           "ip_vti0",      "ip6_vti0",     "wg0",
                           "tun0",         "tap0",         "ovs-system",
                           "ifb0",         "dummy0",       "bond0",
                           "team0",        "eth0.100"}) {
    EXPECT_FALSE(nets.accepts(name)) << name;
  }
  DeviceFilter disks = filter("", testing::kDiskExclude);
  for (const char* name : {"sda", "srx", "nvme0n1", "md0", "loopback", "dm-0"}) {
    EXPECT_TRUE(disks.accepts(name)) << name;
  }
  for (const char* name : {"ram0", "zram0", "loop0", "loop12", "fd0", "sr0"}) {
    EXPECT_FALSE(disks.accepts(name)) << name;
  }
}

class AskedFilter : public ::testing::Test {
 protected:
  std::map<std::string, int, std::less<>> asked;
  DeviceFilter asking = filter("", "lo", [this](std::string_view name) {
    ++asked[std::string{name}];
    return !name.ends_with("p1");
  });
};

TEST_F(AskedFilter, TheCallersTestIsAskedOnceAName) {
  for (int round = 0; round < 3; ++round) {
    EXPECT_TRUE(asking.accepts("nvme0n1"));
    EXPECT_FALSE(asking.accepts("nvme0n1p1"));
    EXPECT_FALSE(asking.accepts("lo"));
  }
  EXPECT_EQ(asked["nvme0n1"], 1);
  EXPECT_EQ(asked["nvme0n1p1"], 1);
  EXPECT_EQ(asked.count("lo"), 0U) << "the patterns come first";
}

// Pods' devices have ever new names. A filter that is asked for a million of them must not
// remember a million: it forgets, and asks again.
TEST_F(AskedFilter, WhatIsRememberedIsBounded) {
  EXPECT_TRUE(asking.accepts("eth0"));
  for (int i = 0; i < 5000; ++i) EXPECT_TRUE(asking.accepts("veth" + std::to_string(i)));
  EXPECT_TRUE(asking.accepts("eth0"));
  EXPECT_EQ(asked["eth0"], 2);
}

TEST_F(AskedFilter, AThousandNamesAreRemembered) {
  for (int round = 0; round < 2; ++round) {
    for (int i = 0; i < 1000; ++i) EXPECT_TRUE(asking.accepts("veth" + std::to_string(i)));
  }
  for (const auto& [name, times] : asked) EXPECT_EQ(times, 1) << name;
}

// std::regex recurses for every character and would use up the stack. The kernel's names are
// short; a longer one comes from a file that holds garbage.
TEST(DeviceFilterTest, AnEndlessNameIsRefused) {
  DeviceFilter nets = filter("", testing::kNetExclude);
  EXPECT_FALSE(nets.accepts(std::string(4U << 20, 'v')));
  EXPECT_TRUE(nets.accepts(std::string(32, 'v')));
}

}  // namespace
}  // namespace nodevigil
