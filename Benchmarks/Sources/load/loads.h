// The kinds of load. Each prints one line of JSON.
#ifndef LOADS_H
#define LOADS_H

enum { largest_depth = 64 };

// `in_flight` requests at any time on each of the connections, for `seconds`.
void run_steady(const char *bench, unsigned connections, double seconds, unsigned in_flight);

// Each connection is made, used for one request, and closed.
void run_churn(unsigned connections, double seconds);

// What connections cost that do nothing, and that have done something once.
void run_idle(unsigned connections, double seconds);

// The fields that all loads have in common.
void print_rates(double seconds, double server_cpu, double generator_cpu);

#endif
