/* Preloaded into an agent, it stands in for a disk that does not answer: while the file that
   STUCK_DISK names is there, writing to a file never returns. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <sys/types.h>
#include <unistd.h>

static void wait_for_the_disk(void) {
  const char* const stuck = getenv("STUCK_DISK");
  while (stuck != NULL && access(stuck, F_OK) == 0) sleep(1);
}

ssize_t pwrite64(int fd, const void* data, size_t size, off64_t at) {
  ssize_t (*const real)(int, const void*, size_t, off64_t) = dlsym(RTLD_NEXT, "pwrite64");
  wait_for_the_disk();
  return real(fd, data, size, at);
}

ssize_t pwrite(int fd, const void* data, size_t size, off_t at) {
  return pwrite64(fd, data, size, at);
}
