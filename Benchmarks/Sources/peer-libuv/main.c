// Every workload on libuv in C, one process for each:
//   peer-libuv BENCH [N]
//   peer-libuv echo HOST PORT | echo-unix PATH | http HOST PORT

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "callbacks.h"
#include "measure.h"
#include "servers.h"
#include "threads.h"
#include "timers.h"

// Workloads with a number of operations.
static const struct {
    const char *name;
    void (*run)(long count);
    long count;
} workloads[] = {
    {"call_soon", call_soon, 1000000},
    {"call_soon_batch", call_soon_batch, 1000000},
    {"call_later", call_later, 100000},
    {"timer_cancel", timer_cancel, 1000000},
    {"call_soon_threadsafe", call_soon_threadsafe, 1000000},
    {"wakeup_pingpong", wakeup_pingpong, 100000},
    {"run_in_executor", run_in_executor, 100000},
};

// Workloads with a size, and how often; 0 is what is usual.
static const struct {
    const char *name;
    void (*run)(long size, long times);
} sized_workloads[] = {
    {"call_soon_queued", call_soon_queued},
    {"timers_alive", timers_alive},
};

static int usage(void) {
    fputs("usage: peer-libuv BENCH [N]\n"
          "       peer-libuv call_soon_queued [SIZE [ROUNDS]] | timers_alive [SIZE [COUNT]]\n"
          "       peer-libuv echo HOST PORT [protocol]\n"
          "       peer-libuv echo-unix PATH [protocol]\n"
          "       peer-libuv http HOST PORT [protocol]\n"
          "Numbers are above 0.\n",
          stderr);
    return 2;
}

// A number above 0; the process ends if it is none. `standard` if there is no such argument.
static long positive(int count, char **arguments, int at, long standard) {
    if (count <= at) return standard;
    char *end;
    errno = 0;
    long number = strtol(arguments[at], &end, 10);
    if (end == arguments[at] || *end != 0 || errno != 0 || number < 1) exit(usage());
    return number;
}

// libuv has callbacks only.
static int known_mode(int count, char **arguments, int at) {
    return count <= at || strcmp(arguments[at], "protocol") == 0;
}

int main(int count, char **arguments) {
    if (count < 2) return usage();
    // A peer that is gone is an error of the write.
    signal(SIGPIPE, SIG_IGN);
    const char *bench = arguments[1];
    if (strcmp(bench, "echo") == 0 || strcmp(bench, "http") == 0) {
        if (count < 4 || count > 5 || !known_mode(count, arguments, 4)) return usage();
        serve_tcp(arguments[2], atoi(arguments[3]), strcmp(bench, "http") == 0);
        return 0;
    }
    if (strcmp(bench, "echo-unix") == 0) {
        if (count < 3 || count > 4 || !known_mode(count, arguments, 3)) return usage();
        serve_unix(arguments[2]);
        return 0;
    }
    for (size_t i = 0; i < sizeof sized_workloads / sizeof sized_workloads[0]; i++) {
        if (strcmp(bench, sized_workloads[i].name) != 0) continue;
        if (count > 4) return usage();
        sized_workloads[i].run(positive(count, arguments, 2, 1000), positive(count, arguments, 3, 0));
        return 0;
    }
    if (count > 3) return usage();
    for (size_t i = 0; i < sizeof workloads / sizeof workloads[0]; i++) {
        if (strcmp(bench, workloads[i].name) != 0) continue;
        workloads[i].run(positive(count, arguments, 2, workloads[i].count));
        return 0;
    }
    positive(count, arguments, 2, 1);
    measure_skip(bench, "libuv has no tasks");
    return 0;
}
