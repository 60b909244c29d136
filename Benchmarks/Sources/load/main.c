// Makes load for a server, from one thread, and prints one line of JSON:
//   load echo|http HOST:PORT|unix:PATH CONNECTIONS SIZE SECONDS [DEPTH]
//   load churn|idle HOST:PORT|unix:PATH CONNECTIONS SIZE SECONDS
//
// DEPTH is how many requests are in flight on each connection. A further fifth of the time is warm-up, in which all
// answers are compared byte for byte. PEER_PID names the server's process; its CPU time and memory are reported then.

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "loads.h"
#include "request.h"
#include "target.h"

static _Noreturn void usage(void) {
    fputs("usage: load echo|http HOST:PORT|unix:PATH CONNECTIONS SIZE SECONDS [DEPTH]\n"
          "       load churn|idle HOST:PORT|unix:PATH CONNECTIONS SIZE SECONDS\n"
          "DEPTH is up to 64; for http, SIZE means nothing.\n",
          stderr);
    exit(2);
}

static unsigned whole_number(const char *text, long largest) {
    char *end;
    errno = 0;
    long number = strtol(text, &end, 10);
    if (end == text || *end != 0 || errno != 0 || number < 1 || number > largest) usage();
    return (unsigned)number;
}

static double duration(const char *text) {
    char *end;
    double seconds = strtod(text, &end);
    // What is no number is not above zero either.
    if (end == text || *end != 0 || !(seconds > 0 && seconds < 1e6)) usage();
    return seconds;
}

static void allow_descriptors(void) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0) return;
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
}

int main(int count, char **arguments) {
    if (count < 6 || count > 7) usage();
    const char *bench = arguments[1];
    bool is_http = strcmp(bench, "http") == 0;
    bool is_steady = is_http || strcmp(bench, "echo") == 0;
    bool is_churn = strcmp(bench, "churn") == 0;
    if (!is_steady && (count > 6 || (!is_churn && strcmp(bench, "idle") != 0))) usage();
    unsigned connections = whole_number(arguments[3], INT_MAX), size = whole_number(arguments[4], INT_MAX);
    double seconds = duration(arguments[5]);
    unsigned depth = count > 6 ? whole_number(arguments[6], largest_depth) : 1;

    allow_descriptors();
    errno = 0;
    target_set(arguments[2]);
    request_make(is_http ? request_http : request_echo, size);
    if (is_steady) {
        run_steady(bench, connections, seconds, depth);
    } else if (is_churn) {
        run_churn(connections, seconds);
    } else {
        run_idle(connections, seconds);
    }
    return 0;
}
