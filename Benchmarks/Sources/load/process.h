// What the server's process uses, if PEER_PID names it.
#ifndef PROCESS_H
#define PROCESS_H

#include <stdbool.h>

bool process_known(void);

// CPU time of all threads, in seconds.
double process_cpu(void);
long process_resident_kib(void);

// The CPU time of this process, in seconds.
double own_cpu(void);

#endif
