// What descriptors and the process are, beyond what libuv tells. A negative status is a negated errno.
#ifndef SWIFT_ASYNCIO_CLIBUV_SYSTEM_H
#define SWIFT_ASYNCIO_CLIBUV_SYSTEM_H

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

/// `O_RDONLY`, `O_WRONLY` or `O_RDWR`.
static inline int asyncio_access_mode(int fd) {
    int flags = fcntl(fd, F_GETFL);
    return flags == -1 ? -errno : flags & O_ACCMODE;
}

/// A copy with a number that libuv closes: it leaves 0, 1 and 2 open.
static inline int asyncio_duplicate_above_standard(int fd) {
    int result = fcntl(fd, F_DUPFD_CLOEXEC, 3);
    return result == -1 ? -errno : result;
}

static inline void asyncio_set_blocking(int fd) {
    int flags = fcntl(fd, F_GETFL);
    if (flags != -1 && (flags & O_NONBLOCK)) fcntl(fd, F_SETFL, flags & ~O_NONBLOCK);
}

/// Whether these are the arguments that the system started the process with, in one piece and where `ps` looks for
/// them. Only then may they be written over: libuv does not look.
static inline int asyncio_arguments_are_original(int argc, char *const *argv) {
    if (argc <= 0 || !argv) return 0;
    for (int i = 0; i < argc; i++) {
        if (!argv[i]) return 0;
        if (i > 0 && argv[i] != argv[i - 1] + strlen(argv[i - 1]) + 1) return 0;
    }
#if defined(__linux__)
    char text[1024];
    int fd = open("/proc/self/stat", O_RDONLY | O_CLOEXEC);
    if (fd == -1) return 0;
    ssize_t count = read(fd, text, sizeof text - 1);
    close(fd);
    if (count <= 0) return 0;
    text[count] = 0;
    // The second field, in parentheses, is a name that may contain anything; arg_start is the 48th.
    char *place = strrchr(text, ')');
    for (int field = 2; place && field < 48; field++) place = strchr(place + 1, ' ');
    return place && strtoull(place, NULL, 10) == (uintptr_t)argv[0];
#else
    return 1;
#endif
}

/// How many bytes libuv's unit of `ru_maxrss` has.
#if defined(__APPLE__) && UV_VERSION_HEX < ((1 << 16) | (45 << 8))
#define ASYNCIO_MAXRSS_UNIT 1
#else
#define ASYNCIO_MAXRSS_UNIT 1024
#endif

#endif
