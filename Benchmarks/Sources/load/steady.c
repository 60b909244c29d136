// A number of requests in flight on each connection: one, unless it is told otherwise.

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "latency.h"
#include "loads.h"
#include "process.h"
#include "request.h"
#include "target.h"

enum { scratch_size = 1 << 20 };

typedef struct {
    int descriptor;
    unsigned number;
    bool waits_to_send;
    // Bytes of all requests and answers so far.
    uint64_t sent;
    uint64_t received;
    // How many requests there have been, and how many of them are answered.
    uint64_t asked;
    uint64_t answered;
    uint64_t began[largest_depth];
} connection;

static int poller;
static char *scratch;
static unsigned depth;
// While the server warms up all answers are compared. Then bytes are only counted, and TCP need not even copy them.
static bool compares;

static void watch(connection *self, int operation, bool sending) {
    struct epoll_event event = {.events = sending ? EPOLLIN | EPOLLOUT : EPOLLIN, .data.ptr = self};
    if (epoll_ctl(poller, operation, self->descriptor, &event) < 0) fail("epoll_ctl");
    self->waits_to_send = sending;
}

// The rest of a request that was sent in part, and those after it.
static ssize_t send_some(connection *self) {
    struct iovec parts[largest_depth];
    struct msghdr message = {.msg_iov = parts};
    size_t offset = self->sent % request_length;
    for (uint64_t i = self->sent / request_length; i < self->asked; i++) {
        parts[message.msg_iovlen].iov_base = (char *)request_bytes(self->number) + offset;
        parts[message.msg_iovlen++].iov_len = request_length - offset;
        offset = 0;
    }
    return sendmsg(self->descriptor, &message, MSG_NOSIGNAL);
}

static void send_rest(connection *self) {
    while (self->sent < self->asked * request_length) {
        ssize_t count = send_some(self);
        if (count < 0 && errno == EAGAIN) break;
        if (count < 0) fail("send");
        self->sent += (uint64_t)count;
    }
    bool sending = self->sent < self->asked * request_length;
    if (sending != self->waits_to_send) watch(self, EPOLL_CTL_MOD, sending);
}

static void ask(connection *self, uint64_t now) {
    self->began[self->asked % largest_depth] = now;
    self->asked++;
}

static void compare(const connection *self, size_t count) {
    const char *expected = answer_bytes(self->number);
    size_t offset = self->received % answer_length;
    for (size_t done = 0; done < count; offset = 0) {
        size_t length = answer_length - offset < count - done ? answer_length - offset : count - done;
        if (memcmp(scratch + done, expected + offset, length) != 0) fail("a wrong answer");
        done += length;
    }
}

static void receive(connection *self) {
    uint64_t left = self->asked * answer_length - self->received;
    size_t room = left < scratch_size ? (size_t)left + 1 : scratch_size;
    ssize_t count = recv(self->descriptor, scratch, room, target_is_tcp() && !compares ? MSG_TRUNC : 0);
    if (count < 0 && errno == EAGAIN) return;
    if (count < 0) fail("recv");
    errno = 0;
    if (count == 0) fail("the server has closed the connection");
    if ((uint64_t)count > left) fail("more bytes than were asked for");
    if (compares) compare(self, (size_t)count);
    self->received += (uint64_t)count;
    if (self->received < (self->answered + 1) * answer_length) return;
    uint64_t now = now_nanoseconds();
    do {
        latency_record(now - self->began[self->answered % largest_depth]);
        self->answered++;
        if (self->answered * request_length > self->sent) fail("an answer to what was not sent yet");
        ask(self, now);
    } while (self->received >= (self->answered + 1) * answer_length);
    send_rest(self);
}

void print_rates(double seconds, double server_cpu, double generator_cpu) {
    double requests = (double)latency_count();
    printf("\"seconds\":%.3f,\"requests\":%.0f,\"rps\":%.1f,\"mb_s\":%.3f,\"p50_us\":%.1f,\"p99_us\":%.1f,"
           "\"max_us\":%.1f,\"loadgen_cpu\":%.3f",
           seconds, requests, requests / seconds, requests * (double)answer_length / seconds / 1e6,
           latency_percentile(0.5), latency_percentile(0.99), latency_max(), generator_cpu / seconds);
    if (process_known()) {
        printf(",\"server_cpu\":%.3f,\"server_us_per_req\":%.4f,\"server_rss_kib\":%ld", server_cpu / seconds,
               requests > 0 ? server_cpu * 1e6 / requests : 0, process_resident_kib());
    }
    printf("}\n");
}

static void drive(uint64_t until) {
    struct epoll_event events[256];
    uint64_t last = latency_count(), last_change = now_nanoseconds();
    while (now_nanoseconds() < until) {
        int count = epoll_wait(poller, events, 256, 100);
        if (count < 0 && errno != EINTR) fail("epoll_wait");
        for (int i = 0; i < count; i++) {
            connection *self = events[i].data.ptr;
            if (events[i].events & EPOLLOUT) send_rest(self);
            if (events[i].events & ~(unsigned)EPOLLOUT) receive(self);
        }
        if (latency_count() != last) {
            last = latency_count();
            last_change = now_nanoseconds();
        } else if (now_nanoseconds() - last_change > 10000000000u) {
            errno = 0;
            fail("no answer for ten seconds");
        }
    }
}

void run_steady(const char *bench, unsigned count, double seconds, unsigned in_flight) {
    connection *connections = allocate(count * sizeof *connections);
    scratch = allocate(scratch_size);
    depth = in_flight;
    poller = epoll_create1(EPOLL_CLOEXEC);
    if (poller < 0) fail("epoll_create1");
    for (unsigned i = 0; i < count; i++) {
        connections[i] = (connection){.descriptor = target_dial(i), .number = i};
        request_exchange(connections[i].descriptor, i);
        watch(&connections[i], EPOLL_CTL_ADD, false);
    }
    compares = true;
    for (unsigned i = 0; i < count; i++) {
        uint64_t now = now_nanoseconds();
        for (unsigned k = 0; k < depth; k++) ask(&connections[i], now);
        send_rest(&connections[i]);
    }
    drive(now_nanoseconds() + (uint64_t)(seconds / 5 * 1e9));

    compares = false;
    latency_reset();
    double server = process_cpu(), own = own_cpu();
    uint64_t began = now_nanoseconds();
    drive(began + (uint64_t)(seconds * 1e9));
    double took = (double)(now_nanoseconds() - began) / 1e9;
    errno = 0;
    if (latency_count() == 0) fail("no answer in the whole time");
    printf("{\"bench\":\"%s\",\"conns\":%u,\"size\":%zu,\"depth\":%u,", bench, count, answer_length, depth);
    print_rates(took, process_cpu() - server, own_cpu() - own);
}
