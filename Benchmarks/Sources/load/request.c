// What is sent, what has to come back, and one exchange of them that is checked.

#include "request.h"

#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "target.h"

enum { variants = 64, largest_http_answer = 65536 };

size_t request_length;
size_t answer_length;
static request_kind kind_made;
static char *request;
static char *answer;

// A request of echo is a slice that begins at one of the first bytes.
static unsigned variant(unsigned connection) {
    return kind_made == request_echo ? connection % variants : 0;
}

const char *request_bytes(unsigned connection) {
    return request + variant(connection);
}

const char *answer_bytes(unsigned connection) {
    return answer + variant(connection);
}

static size_t send_some(int descriptor, unsigned connection, size_t sent) {
    ssize_t count = send(descriptor, request_bytes(connection) + sent, request_length - sent, MSG_NOSIGNAL);
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
void request_exchange(int descriptor, unsigned connection) {
    static char *got;
    if (got == NULL) got = allocate(answer_length + 1);
    size_t sent = 0, received = 0;
    while (received < answer_length) {
        short ready = target_wait(descriptor, sent < request_length ? POLLIN | POLLOUT : POLLIN);
        if (ready & POLLOUT) sent += send_some(descriptor, connection, sent);
        if (ready & ~POLLOUT) received += receive_some(descriptor, got + received, answer_length + 1 - received);
    }
    errno = 0;
    if (received != answer_length || memcmp(got, answer_bytes(connection), answer_length) != 0) {
        fail("a wrong answer");
    }
}

static void make_echo(size_t size) {
    request_length = answer_length = size;
    request = answer = allocate(size + variants);
    uint32_t state = 1;
    for (size_t i = 0; i < size + variants; i++) {
        state = state * 1664525u + 1013904223u;
        request[i] = (char)(state >> 24);
    }
}

// The length of the whole answer once its header is there, else 0.
static size_t http_length(const char *text) {
    const char *end = strstr(text, "\r\n\r\n");
    if (end == NULL) return 0;
    const char *field = strcasestr(text, "\r\ncontent-length:");
    if (field == NULL || field > end) fail("an answer without Content-Length");
    return (size_t)(end + 4 - text) + strtoul(field + 17, NULL, 10);
}

static void make_http(void) {
    request = "GET / HTTP/1.1\r\nHost: localhost\r\nUser-Agent: load\r\nAccept: */*\r\n\r\n";
    request_length = strlen(request);
    answer = allocate(largest_http_answer + 1);
    int descriptor = target_dial(0);
    if (send_some(descriptor, 0, 0) != request_length) fail("send");
    size_t received = 0;
    do {
        target_wait(descriptor, POLLIN);
        received += receive_some(descriptor, answer + received, largest_http_answer - received);
        answer[received] = 0;
        answer_length = http_length(answer);
    } while (answer_length == 0 || received < answer_length);
    close(descriptor);
    errno = 0;
    if (received != answer_length || strncmp(answer, "HTTP/1.1 200 ", 13) != 0 ||
        strcmp(strstr(answer, "\r\n\r\n") + 4, "Hello, World!") != 0) {
        fail("a wrong answer");
    }
}

void request_make(request_kind kind, size_t size) {
    kind_made = kind;
    if (kind == request_http) {
        make_http();
    } else {
        make_echo(size);
    }
}
