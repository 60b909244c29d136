// What connections cost the server that do nothing, and that have done something once.

#include <errno.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "loads.h"
#include "process.h"
#include "request.h"
#include "target.h"

static void wait_seconds(double seconds) {
    struct timespec left = {.tv_sec = (time_t)seconds, .tv_nsec = (long)((seconds - (double)(time_t)seconds) * 1e9)};
    nanosleep(&left, NULL);
}

// Connections are accepted in their order: when this one is served, those before it are there.
static void exchange_once(unsigned number) {
    int probe = target_dial(number);
    request_exchange(probe, number);
    close(probe);
}

void run_idle(unsigned count, double seconds) {
    errno = 0;
    if (!process_known()) fail("idle needs PEER_PID");
    int *connections = allocate(count * sizeof *connections);
    // What the server does once, at its first connection, is no cost of the others.
    exchange_once(0);
    wait_seconds(0.2);
    long before = process_resident_kib();
    uint64_t began = now_nanoseconds();
    for (unsigned i = 0; i < count; i++) {
        connections[i] = target_dial(i);
        if (i % 64 == 63 || i + 1 == count) exchange_once(i);
    }
    double took = (double)(now_nanoseconds() - began) / 1e9;
    wait_seconds(seconds / 2);
    long idle = process_resident_kib();
    for (unsigned i = 0; i < count; i++) request_exchange(connections[i], i);
    wait_seconds(seconds / 2);
    long used = process_resident_kib();
    printf("{\"bench\":\"idle\",\"conns\":%u,\"size\":%zu,\"open_seconds\":%.3f,\"rss_before_kib\":%ld,"
           "\"rss_idle_kib\":%ld,\"rss_after_echo_kib\":%ld,\"kib_per_conn\":%.3f,\"kib_per_conn_after_echo\":%.3f}\n",
           count, answer_length, took, before, idle, used, (double)(idle - before) / count,
           (double)(used - before) / count);
}
