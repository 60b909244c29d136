// Workloads that cross threads.
#ifndef THREADS_H
#define THREADS_H

void call_soon_threadsafe(long count);
void wakeup_pingpong(long count);
void run_in_executor(long count);

#endif
