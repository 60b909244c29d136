// The server under test: where it listens, and connections to it.

#include "target.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum { patience_milliseconds = 20000, source_addresses = 64 };

static struct sockaddr_storage address;
static socklen_t address_length;

_Noreturn void fail(const char *what) {
    if (errno != 0) {
        fprintf(stderr, "load: %s: %s\n", what, strerror(errno));
    } else {
        fprintf(stderr, "load: %s\n", what);
    }
    exit(1);
}

void *allocate(size_t size) {
    void *memory = malloc(size);
    if (memory == NULL) fail("out of memory");
    return memory;
}

uint64_t now_nanoseconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static void set_unix(const char *path) {
    struct sockaddr_un *local = (struct sockaddr_un *)&address;
    if (strlen(path) >= sizeof local->sun_path) fail("the path is too long");
    local->sun_family = AF_UNIX;
    strcpy(local->sun_path, path);
    address_length = sizeof *local;
}

void target_set(const char *text) {
    if (strncmp(text, "unix:", 5) == 0) {
        set_unix(text + 5);
        return;
    }
    const char *colon = strrchr(text, ':');
    char host[64];
    if (colon == NULL || (size_t)(colon - text) >= sizeof host) fail("a target is HOST:PORT or unix:PATH");
    memcpy(host, text, (size_t)(colon - text));
    host[colon - text] = 0;
    in_port_t port = htons((uint16_t)atoi(colon + 1));
    struct sockaddr_in *four = (struct sockaddr_in *)&address;
    struct sockaddr_in6 *six = (struct sockaddr_in6 *)&address;
    if (inet_pton(AF_INET, host, &four->sin_addr) == 1) {
        four->sin_family = AF_INET;
        four->sin_port = port;
        address_length = sizeof *four;
    } else if (inet_pton(AF_INET6, host, &six->sin6_addr) == 1) {
        six->sin6_family = AF_INET6;
        six->sin6_port = port;
        address_length = sizeof *six;
    } else {
        fail("HOST is a numeric address");
    }
}

bool target_is_tcp(void) {
    return address.ss_family != AF_UNIX;
}

// Closed connections keep their ports for a minute: one source address would run out of them.
static void bind_source(int descriptor, unsigned number) {
    const struct sockaddr_in *to = (const struct sockaddr_in *)&address;
    if (address.ss_family != AF_INET || ntohl(to->sin_addr.s_addr) >> 24 != 127) return;
    struct sockaddr_in from = {.sin_family = AF_INET};
    from.sin_addr.s_addr = htonl(INADDR_LOOPBACK + 1 + number % source_addresses);
    int on = 1;
    setsockopt(descriptor, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
    if (bind(descriptor, (struct sockaddr *)&from, sizeof from) < 0) fail("bind");
}

int target_connect(unsigned number) {
    int descriptor = socket(address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (descriptor < 0) fail("socket");
    if (target_is_tcp()) {
        int on = 1;
        setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        bind_source(descriptor, number);
    }
    int status = connect(descriptor, (struct sockaddr *)&address, address_length);
    if (status == 0 || errno == EINPROGRESS) return descriptor;
    // A full backlog of a Unix socket: the caller may try again.
    if (errno != EAGAIN) fail("connect");
    close(descriptor);
    return -1;
}

short target_wait(int descriptor, short events) {
    struct pollfd entry = {.fd = descriptor, .events = events};
    int ready = poll(&entry, 1, patience_milliseconds);
    if (ready < 0) fail("poll");
    if (ready == 0) {
        errno = 0;
        fail("the server does not answer");
    }
    return entry.revents;
}

int target_dial(unsigned number) {
    int descriptor;
    uint64_t until = now_nanoseconds() + patience_milliseconds * 1000000ull;
    while ((descriptor = target_connect(number)) < 0) {
        if (now_nanoseconds() > until) fail("the server does not accept");
        usleep(1000);
    }
    target_wait(descriptor, POLLOUT);
    int code = 0;
    socklen_t length = sizeof code;
    getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &code, &length);
    errno = code;
    if (code != 0) fail("connect");
    return descriptor;
}
