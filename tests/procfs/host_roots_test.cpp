#include "nodevigil/procfs/host_roots.h"

#include <gtest/gtest.h>

namespace nodevigil {
namespace {

TEST(HostRootsTest, JoinsBelowTheInjectedRoots) {
  const HostRoots roots{"/host/proc", "/host/sys"};
  EXPECT_EQ(roots.proc("stat"), "/host/proc/stat");
  EXPECT_EQ(roots.proc("sys/fs/file-nr"), "/host/proc/sys/fs/file-nr");
  EXPECT_EQ(roots.net("dev"), "/host/proc/1/net/dev");
  EXPECT_EQ(roots.sys("block/sda"), "/host/sys/block/sda");
}

TEST(HostRootsTest, SlashesAtTheEndDoNotMatter) {
  const HostRoots roots{"/host/proc//", "/"};
  EXPECT_EQ(roots.proc("stat"), "/host/proc/stat");
  EXPECT_EQ(roots.net("tcp"), "/host/proc/1/net/tcp");
  EXPECT_EQ(roots.sys("block"), "/block");
}

TEST(HostRootsTest, RelativeRootsStayRelative) {
  const HostRoots roots{"fixtures/proc", "fixtures/sys/"};
  EXPECT_EQ(roots.net("snmp"), "fixtures/proc/1/net/snmp");
  EXPECT_EQ(roots.sys("block"), "fixtures/sys/block");
}

}  // namespace
}  // namespace nodevigil
