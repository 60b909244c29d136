// The server under test: where it listens, connections to it, and a first exchange that is checked.

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

enum { patience_milliseconds = 20000, source_addresses = 64, largest_http_answer = 65536 };

static struct sockaddr_storage address;
static socklen_t address_length;

char *request_bytes;
size_t request_length;
char *answer_bytes;
size_t answer_length;

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

static short wait_for(int descriptor, short events) {
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
    wait_for(descriptor, POLLOUT);
    int code = 0;
    socklen_t length = sizeof code;
    getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &code, &length);
    errno = code;
    if (code != 0) fail("connect");
    return descriptor;
}

static size_t send_some(int descriptor, size_t sent) {
    ssize_t count = send(descriptor, request_bytes + sent, request_length - sent, MSG_NOSIGNAL);
    if (count < 0 && errno != EAGAIN) fail("send");
    return count < 0 ? 0 : (size_t)count;
}

static size_t receive_some(int descriptor, char *into, size_t room) {
    ssize_t count = recv(descriptor, into, room, 0);
    if (count < 0 && errno != EAGAIN) fail("recv");
    errno = 0;
    if (count == 0) fail("the server has closed the connection");
    return count < 0 ? 0 : (size_t)count;
}

// Writes and reads at once: a server with back-pressure takes a long message only while its answer is read.
void target_exchange(int descriptor) {
    static char *answer;
    if (answer == NULL) answer = allocate(answer_length + 1);
    size_t sent = 0, received = 0;
    while (received < answer_length) {
        short ready = wait_for(descriptor, sent < request_length ? POLLIN | POLLOUT : POLLIN);
        if (ready & POLLOUT) sent += send_some(descriptor, sent);
        if (ready & ~POLLOUT) received += receive_some(descriptor, answer + received, answer_length + 1 - received);
    }
    errno = 0;
    if (received != answer_length || memcmp(answer, answer_bytes, answer_length) != 0) fail("a wrong answer");
}

static void make_echo(size_t size) {
    request_length = answer_length = size;
    request_bytes = answer_bytes = allocate(size);
    uint32_t state = 1;
    for (size_t i = 0; i < size; i++) {
        state = state * 1664525u + 1013904223u;
        request_bytes[i] = (char)(state >> 24);
    }
}

// The length of the whole answer once its header is there, else 0.
static size_t http_length(const char *answer) {
    const char *end = strstr(answer, "\r\n\r\n");
    if (end == NULL) return 0;
    const char *field = strcasestr(answer, "\r\ncontent-length:");
    if (field == NULL || field > end) fail("an answer without Content-Length");
    return (size_t)(end + 4 - answer) + strtoul(field + 17, NULL, 10);
}

static void make_http(void) {
    request_bytes = "GET / HTTP/1.1\r\nHost: localhost\r\nUser-Agent: load\r\nAccept: */*\r\n\r\n";
    request_length = strlen(request_bytes);
    answer_bytes = allocate(largest_http_answer + 1);
    int descriptor = target_dial(0);
    if (send_some(descriptor, 0) != request_length) fail("send");
    size_t received = 0;
    do {
        wait_for(descriptor, POLLIN);
        received += receive_some(descriptor, answer_bytes + received, largest_http_answer - received);
        answer_bytes[received] = 0;
        answer_length = http_length(answer_bytes);
    } while (answer_length == 0 || received < answer_length);
    close(descriptor);
    errno = 0;
    if (received != answer_length || strncmp(answer_bytes, "HTTP/1.1 200 ", 13) != 0 ||
        strcmp(strstr(answer_bytes, "\r\n\r\n") + 4, "Hello, World!") != 0) {
        fail("a wrong answer");
    }
}

void request_make(request_kind kind, size_t size) {
    if (kind == request_http) {
        make_http();
    } else {
        make_echo(size);
    }
}
