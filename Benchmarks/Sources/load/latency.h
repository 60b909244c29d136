// Latencies, in buckets whose width grows with the value.
#ifndef LATENCY_H
#define LATENCY_H

#include <stdint.h>

void latency_reset(void);
void latency_record(uint64_t nanoseconds);
uint64_t latency_count(void);

// In microseconds, too high by at most three percent.
double latency_percentile(double fraction);
double latency_max(void);

#endif
