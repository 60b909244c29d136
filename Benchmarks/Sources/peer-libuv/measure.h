// Timing a workload, and the line of JSON that it prints.
#ifndef MEASURE_H
#define MEASURE_H

typedef struct {
    const char *bench;
    long count;
    double wall;
    double cpu;
} measure;

measure measure_begin(const char *bench, long count);

// Prints wall and CPU time since the beginning. `size` is what a growth curve is drawn over, or 0.
void measure_report(const measure *begun, long size);

void measure_skip(const char *bench, const char *why);

// Ends the process with libuv's message if `status` is an error.
void check(int status, const char *what);

// malloc that never returns NULL.
void *allocate(unsigned long size);

#endif
