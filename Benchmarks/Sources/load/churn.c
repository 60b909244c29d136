// Connections that are made, used once, and closed.

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "latency.h"
#include "loads.h"
#include "process.h"
#include "request.h"
#include "target.h"

typedef struct {
    int descriptor;
    unsigned number;
    size_t sent;
    size_t received;
    uint64_t began;
    char *answer;
} connection;

static int poller;
static unsigned opened;

static void open_next(connection *self) {
    self->sent = self->received = 0;
    self->began = now_nanoseconds();
    self->number = opened++;
    self->descriptor = target_connect(self->number);
    if (self->descriptor < 0) self->descriptor = target_dial(self->number);
    struct epoll_event event = {.events = EPOLLIN | EPOLLOUT, .data.ptr = self};
    if (epoll_ctl(poller, EPOLL_CTL_ADD, self->descriptor, &event) < 0) fail("epoll_ctl");
}

static void send_rest(connection *self) {
    const char *rest = request_bytes(self->number) + self->sent;
    ssize_t count = send(self->descriptor, rest, request_length - self->sent, MSG_NOSIGNAL);
    if (count < 0 && errno != EAGAIN) fail("send");
    if (count > 0) self->sent += (size_t)count;
    if (self->sent < request_length) return;
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = self};
    if (epoll_ctl(poller, EPOLL_CTL_MOD, self->descriptor, &event) < 0) fail("epoll_ctl");
}

static void receive(connection *self) {
    ssize_t count = recv(self->descriptor, self->answer + self->received, answer_length + 1 - self->received, 0);
    if (count < 0 && errno == EAGAIN) return;
    if (count < 0) fail("recv");
    errno = 0;
    if (count == 0) fail("the server has closed the connection");
    self->received += (size_t)count;
    if (self->received < answer_length) return;
    if (self->received > answer_length || memcmp(self->answer, answer_bytes(self->number), answer_length) != 0) {
        fail("a wrong answer");
    }
    close(self->descriptor);
    latency_record(now_nanoseconds() - self->began);
    open_next(self);
}

static void drive(uint64_t until) {
    struct epoll_event events[256];
    while (now_nanoseconds() < until) {
        int count = epoll_wait(poller, events, 256, 10000);
        if (count == 0) {
            errno = 0;
            fail("no answer for ten seconds");
        }
        if (count < 0 && errno != EINTR) fail("epoll_wait");
        for (int i = 0; i < count; i++) {
            connection *self = events[i].data.ptr;
            if (events[i].events & EPOLLOUT) send_rest(self);
            if (events[i].events & ~(unsigned)EPOLLOUT) receive(self);
        }
    }
}

void run_churn(unsigned count, double seconds) {
    connection *connections = allocate(count * sizeof *connections);
    poller = epoll_create1(EPOLL_CLOEXEC);
    if (poller < 0) fail("epoll_create1");
    for (unsigned i = 0; i < count; i++) {
        connections[i].answer = allocate(answer_length + 1);
        open_next(&connections[i]);
    }
    drive(now_nanoseconds() + (uint64_t)(seconds / 5 * 1e9));

    latency_reset();
    double server = process_cpu(), own = own_cpu();
    uint64_t began = now_nanoseconds();
    drive(began + (uint64_t)(seconds * 1e9));
    double took = (double)(now_nanoseconds() - began) / 1e9;
    printf("{\"bench\":\"churn\",\"conns\":%u,\"size\":%zu,", count, answer_length);
    print_rates(took, process_cpu() - server, own_cpu() - own);
}
