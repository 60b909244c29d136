// One request in flight on each connection.

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "latency.h"
#include "loads.h"
#include "process.h"
#include "target.h"

typedef struct {
    int descriptor;
    bool waits_to_send;
    size_t sent;
    size_t received;
    uint64_t began;
} connection;

static int poller;
static char *scratch;

static void watch(connection *self, int operation, bool sending) {
    struct epoll_event event = {.events = sending ? EPOLLIN | EPOLLOUT : EPOLLIN, .data.ptr = self};
    if (epoll_ctl(poller, operation, self->descriptor, &event) < 0) fail("epoll_ctl");
    self->waits_to_send = sending;
}

static void send_rest(connection *self) {
    while (self->sent < request_length) {
        ssize_t count =
            send(self->descriptor, request_bytes + self->sent, request_length - self->sent, MSG_NOSIGNAL);
        if (count < 0 && errno == EAGAIN) break;
        if (count < 0) fail("send");
        self->sent += (size_t)count;
    }
    bool sending = self->sent < request_length;
    if (sending != self->waits_to_send) watch(self, EPOLL_CTL_MOD, sending);
}

static void begin(connection *self, uint64_t now) {
    self->sent = self->received = 0;
    self->began = now;
    send_rest(self);
}

// The first answer was compared; from now on bytes are counted, and TCP need not even copy them.
static void receive(connection *self) {
    size_t left = answer_length - self->received;
    ssize_t count = recv(self->descriptor, scratch, left + 1, target_is_tcp() ? MSG_TRUNC : 0);
    if (count < 0 && errno == EAGAIN) return;
    if (count < 0) fail("recv");
    errno = 0;
    if (count == 0) fail("the server has closed the connection");
    if ((size_t)count > left) fail("more bytes than were asked for");
    self->received += (size_t)count;
    if (self->received < answer_length) return;
    uint64_t now = now_nanoseconds();
    latency_record(now - self->began);
    begin(self, now);
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

void run_steady(const char *bench, unsigned count, double seconds) {
    connection *connections = allocate(count * sizeof *connections);
    scratch = allocate(answer_length + 1);
    poller = epoll_create1(EPOLL_CLOEXEC);
    if (poller < 0) fail("epoll_create1");
    for (unsigned i = 0; i < count; i++) {
        connections[i] = (connection){.descriptor = target_dial(i)};
        target_exchange(connections[i].descriptor);
        watch(&connections[i], EPOLL_CTL_ADD, false);
    }
    for (unsigned i = 0; i < count; i++) begin(&connections[i], now_nanoseconds());
    drive(now_nanoseconds() + (uint64_t)(seconds / 5 * 1e9));

    latency_reset();
    double server = process_cpu(), own = own_cpu();
    uint64_t began = now_nanoseconds();
    drive(began + (uint64_t)(seconds * 1e9));
    double took = (double)(now_nanoseconds() - began) / 1e9;
    printf("{\"bench\":\"%s\",\"conns\":%u,\"size\":%zu,", bench, count, answer_length);
    print_rates(took, process_cpu() - server, own_cpu() - own);
}
