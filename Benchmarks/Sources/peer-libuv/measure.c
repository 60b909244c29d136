// Timing a workload, and the line of JSON that it prints.

#include "measure.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>
#include <uv.h>

static double wall_seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static double cpu_seconds(void) {
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

measure measure_begin(const char *bench, long count) {
    return (measure){.bench = bench, .count = count, .wall = wall_seconds(), .cpu = cpu_seconds()};
}

void measure_report(const measure *begun, long size) {
    double wall = wall_seconds() - begun->wall;
    double cpu = cpu_seconds() - begun->cpu;
    double nanoseconds = 1e9 / (double)begun->count;
    printf("{\"peer\":\"libuv\",\"bench\":\"%s\",\"n\":%ld,", begun->bench, begun->count);
    if (size > 0) printf("\"size\":%ld,", size);
    printf("\"seconds\":%.9f,\"per_op_ns\":%.3f,\"cpu_seconds\":%.6f,\"cpu_per_op_ns\":%.3f}\n", wall,
           wall * nanoseconds, cpu, cpu * nanoseconds);
}

void measure_skip(const char *bench, const char *why) {
    printf("{\"peer\":\"libuv\",\"bench\":\"%s\",\"skipped\":\"%s\"}\n", bench, why);
}

void check(int status, const char *what) {
    if (status >= 0) return;
    fprintf(stderr, "peer-libuv: %s: %s\n", what, uv_strerror(status));
    exit(1);
}

void *allocate(unsigned long size) {
    void *memory = malloc(size);
    if (memory == NULL) {
        fprintf(stderr, "peer-libuv: out of memory\n");
        exit(1);
    }
    return memory;
}
