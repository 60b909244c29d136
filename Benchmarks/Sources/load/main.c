// Makes load for a server, from one thread, and prints one line of JSON:
//   load echo|http|churn|idle HOST:PORT|unix:PATH CONNECTIONS SIZE SECONDS
//
// A further fifth of the time is warm-up. The first answer on each connection is compared byte for byte. PEER_PID names
// the server's process; its CPU time and memory are reported then.

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "loads.h"
#include "target.h"

static int usage(void) {
    fputs("usage: load echo|http|churn|idle HOST:PORT|unix:PATH CONNECTIONS SIZE SECONDS\n", stderr);
    return 2;
}

static void allow_descriptors(void) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0) return;
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
}

int main(int count, char **arguments) {
    if (count != 6) return usage();
    const char *bench = arguments[1];
    long connections = atol(arguments[3]), size = atol(arguments[4]);
    double seconds = atof(arguments[5]);
    if (connections < 1 || size < 1 || seconds <= 0) return usage();
    allow_descriptors();
    errno = 0;
    target_set(arguments[2]);
    if (strcmp(bench, "http") == 0) {
        request_make(request_http, 0);
        run_steady(bench, (unsigned)connections, seconds);
        return 0;
    }
    request_make(request_echo, (size_t)size);
    if (strcmp(bench, "echo") == 0) {
        run_steady(bench, (unsigned)connections, seconds);
    } else if (strcmp(bench, "churn") == 0) {
        run_churn((unsigned)connections, seconds);
    } else if (strcmp(bench, "idle") == 0) {
        run_idle((unsigned)connections, seconds);
    } else {
        return usage();
    }
    return 0;
}
