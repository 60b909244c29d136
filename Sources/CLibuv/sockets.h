// System calls on sockets and descriptors that libuv does not offer. All of them answer as libuv does: a
// negative status is a negated errno. Interrupted calls are made again.
#ifndef SWIFT_ASYNCIO_CLIBUV_SOCKETS_H
#define SWIFT_ASYNCIO_CLIBUV_SOCKETS_H

#if defined(__linux__) && !defined(_GNU_SOURCE)
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#if defined(__linux__)
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/sendfile.h>
// glibc hides these two behind _GNU_SOURCE, which a module cannot switch on.
extern int accept4(int, struct sockaddr *, socklen_t *, int);
#else
#include <sys/uio.h>
#endif

#define ASYNCIO_RETRY(result, call) \
    do { result = (call); } while (result == -1 && errno == EINTR); \
    if (result == -1) result = -errno

static inline int asyncio_set_nonblocking(int fd) {
    int flags = fcntl(fd, F_GETFL);
    if (flags == -1) return -errno;
    if (flags & O_NONBLOCK) return 0;
    return fcntl(fd, F_SETFL, flags | O_NONBLOCK) == -1 ? -errno : 0;
}

static inline int asyncio_is_nonblocking(int fd) {
    int flags = fcntl(fd, F_GETFL);
    return flags == -1 ? -errno : (flags & O_NONBLOCK) != 0;
}

static inline int asyncio_is_open(int fd) { return fcntl(fd, F_GETFD) != -1; }

/// A new socket that does not block and is not inherited by children.
static inline int asyncio_socket(int family, int type, int protocol) {
    int fd;
#if defined(__linux__)
    ASYNCIO_RETRY(fd, socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol));
#else
    ASYNCIO_RETRY(fd, socket(family, type, protocol));
    if (fd >= 0) {
        fcntl(fd, F_SETFD, FD_CLOEXEC);
        asyncio_set_nonblocking(fd);
    }
#endif
    return fd;
}

/// Takes a connection from a listening socket; it does not block and is not inherited by children.
static inline int asyncio_accept(int fd, struct sockaddr_storage *address, socklen_t *length) {
    int accepted;
    *length = sizeof *address;
#if defined(__linux__)
    ASYNCIO_RETRY(accepted, accept4(fd, (struct sockaddr *)address, length, SOCK_NONBLOCK | SOCK_CLOEXEC));
#else
    ASYNCIO_RETRY(accepted, accept(fd, (struct sockaddr *)address, length));
    if (accepted >= 0) {
        fcntl(accepted, F_SETFD, FD_CLOEXEC);
        asyncio_set_nonblocking(accepted);
    }
#endif
    return accepted;
}

static inline int asyncio_bind(int fd, const struct sockaddr_storage *address, socklen_t length) {
    return bind(fd, (const struct sockaddr *)address, length) == -1 ? -errno : 0;
}

static inline int asyncio_listen(int fd, int backlog) { return listen(fd, backlog) == -1 ? -errno : 0; }

/// Not repeated when interrupted: the connection goes on being made.
static inline int asyncio_connect(int fd, const struct sockaddr_storage *address, socklen_t length) {
    return connect(fd, (const struct sockaddr *)address, length) == -1 ? -errno : 0;
}

static inline ssize_t asyncio_receive(int fd, void *buffer, size_t count) {
    ssize_t result;
    ASYNCIO_RETRY(result, recv(fd, buffer, count, 0));
    return result;
}

static inline ssize_t asyncio_receive_from(
    int fd, void *buffer, size_t count, struct sockaddr_storage *address, socklen_t *length) {
    ssize_t result;
    memset(address, 0, sizeof *address);
    *length = sizeof *address;
    ASYNCIO_RETRY(result, recvfrom(fd, buffer, count, 0, (struct sockaddr *)address, length));
    return result;
}

#if defined(MSG_NOSIGNAL)
#define ASYNCIO_SEND_FLAGS MSG_NOSIGNAL
#else
#define ASYNCIO_SEND_FLAGS 0
#endif

static inline ssize_t asyncio_send(int fd, const void *buffer, size_t count) {
    ssize_t result;
    ASYNCIO_RETRY(result, send(fd, buffer, count, ASYNCIO_SEND_FLAGS));
    return result;
}

static inline ssize_t asyncio_send_to(
    int fd, const void *buffer, size_t count, const struct sockaddr_storage *address, socklen_t length) {
    ssize_t result;
    ASYNCIO_RETRY(result, sendto(fd, buffer, count, ASYNCIO_SEND_FLAGS, (const struct sockaddr *)address, length));
    return result;
}

/// Sends up to `count` bytes of a file from `offset` on; returns how many.
static inline ssize_t asyncio_send_file(int socket, int file, int64_t offset, size_t count) {
    ssize_t result;
#if defined(__linux__)
    off_t position = offset;
    ASYNCIO_RETRY(result, sendfile(socket, file, &position, count));
#else
    off_t sent;
    int status;
    do {
        sent = (off_t)count;
        status = sendfile(file, socket, offset, &sent, NULL, 0);
    } while (status == -1 && errno == EINTR && sent == 0);
    result = sent > 0 ? (ssize_t)sent : status == -1 ? -errno : 0;
#endif
    return result;
}

static inline ssize_t asyncio_read_at(int fd, void *buffer, size_t count, int64_t offset) {
    ssize_t result;
    ASYNCIO_RETRY(result, pread(fd, buffer, count, offset));
    return result;
}

static inline int asyncio_seek(int fd, int64_t offset) { return lseek(fd, offset, SEEK_SET) == -1 ? -errno : 0; }

static inline int asyncio_end_sending(int fd) { return shutdown(fd, SHUT_WR) == -1 ? -errno : 0; }

static inline int asyncio_duplicate(int fd) {
    int result = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    return result == -1 ? -errno : result;
}

/// Closes a descriptor; never repeated, for the number may be somebody else's by then.
static inline void asyncio_close(int fd) { close(fd); }

static inline int asyncio_socket_name(int fd, struct sockaddr_storage *address, socklen_t *length) {
    memset(address, 0, sizeof *address);
    *length = sizeof *address;
    return getsockname(fd, (struct sockaddr *)address, length) == -1 ? -errno : 0;
}

static inline int asyncio_peer_name(int fd, struct sockaddr_storage *address, socklen_t *length) {
    memset(address, 0, sizeof *address);
    *length = sizeof *address;
    return getpeername(fd, (struct sockaddr *)address, length) == -1 ? -errno : 0;
}

static inline int asyncio_set_option(int fd, int level, int name, int value) {
    return setsockopt(fd, level, name, &value, sizeof value) == -1 ? -errno : 0;
}

static inline int asyncio_get_option(int fd, int level, int name, int *value) {
    socklen_t length = sizeof *value;
    return getsockopt(fd, level, name, value, &length) == -1 ? -errno : 0;
}

/// The mode, device and inode of a descriptor or, if `path` is not null, of a path, whose last link is not followed.
static inline int asyncio_file_identity(int fd, const char *path, uint32_t *mode, uint64_t *device, uint64_t *inode) {
    struct stat status;
    if ((path ? lstat(path, &status) : fstat(fd, &status)) == -1) return -errno;
    *mode = status.st_mode;
    *device = (uint64_t)status.st_dev;
    *inode = (uint64_t)status.st_ino;
    return 0;
}

/// Whether `backend` can poll a descriptor: takes it in and out again. It must not stay there: libuv does not expect to hear
/// of descriptors that it has not begun to poll, and a socket without a connection has hung up.
static inline int asyncio_try_to_poll(int backend, int fd) {
#if defined(__linux__)
    struct epoll_event event;
    memset(&event, 0, sizeof event);
    event.data.fd = fd;
    if (epoll_ctl(backend, EPOLL_CTL_ADD, fd, &event) == -1) return errno == EEXIST ? 0 : -errno;
    epoll_ctl(backend, EPOLL_CTL_DEL, fd, &event);
#else
    (void)backend;
    (void)fd;
#endif
    return 0;
}

/// Whether `backend` can poll a descriptor that is not open yet: tries with another one.
static inline int asyncio_try_to_poll_another(int backend) {
#if defined(__linux__)
    int fd = eventfd(0, EFD_CLOEXEC);
    if (fd == -1) return -errno;
    int status = asyncio_try_to_poll(backend, fd);
    close(fd);
    return status;
#else
    (void)backend;
    return 0;
#endif
}

static inline int asyncio_unlink(const char *path) { return unlink(path) == -1 ? -errno : 0; }

/// Makes writing to a connection that has gone an error instead of the end of the process, unless the
/// program has chosen something else for SIGPIPE.
static inline void asyncio_ignore_broken_pipes(void) {
    struct sigaction action;
    if (sigaction(SIGPIPE, NULL, &action) != 0) return;
    if ((action.sa_flags & SA_SIGINFO) || action.sa_handler != SIG_DFL) return;
    memset(&action, 0, sizeof action);
    action.sa_handler = SIG_IGN;
    sigaction(SIGPIPE, &action, NULL);
}

#endif
