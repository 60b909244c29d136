// Workloads of timers.
#ifndef TIMERS_H
#define TIMERS_H

void call_later(long count);
void timer_cancel(long count);

// While `size` timers are alive, one after the other is replaced, `count` times; 0 is a hundred thousand.
void timers_alive(long size, long count);

#endif
