// Latencies, in buckets whose width grows with the value: 32 to each power of two.

#include "latency.h"

#include <string.h>

enum { steps_bits = 5, steps = 1 << steps_bits, buckets = 64 * steps };

static uint64_t counts[buckets];
static uint64_t total;
static uint64_t largest;

static unsigned bucket_of(uint64_t value) {
    if (value < steps) return (unsigned)value;
    unsigned shift = 63u - (unsigned)__builtin_clzll(value) - steps_bits;
    return (shift + 1) * steps + (unsigned)(value >> shift) - steps;
}

// The smallest value of the next bucket.
static uint64_t end_of(unsigned bucket) {
    if (bucket < steps) return bucket + 1;
    unsigned shift = bucket / steps - 1;
    return (uint64_t)(steps + bucket % steps + 1) << shift;
}

void latency_reset(void) {
    memset(counts, 0, sizeof counts);
    total = largest = 0;
}

void latency_record(uint64_t nanoseconds) {
    counts[bucket_of(nanoseconds)]++;
    total++;
    if (nanoseconds > largest) largest = nanoseconds;
}

uint64_t latency_count(void) {
    return total;
}

double latency_percentile(double fraction) {
    uint64_t wanted = (uint64_t)(fraction * (double)total);
    uint64_t seen = 0;
    for (unsigned i = 0; i < buckets; i++) {
        seen += counts[i];
        if (seen > wanted) {
            uint64_t end = end_of(i);
            return (double)(end < largest ? end : largest) / 1e3;
        }
    }
    return latency_max();
}

double latency_max(void) {
    return (double)largest / 1e3;
}
