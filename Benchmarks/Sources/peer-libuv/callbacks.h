// A ready queue for libuv, which has none, and the workloads on it.
#ifndef CALLBACKS_H
#define CALLBACKS_H

void call_soon(long count);
void call_soon_batch(long count);

// `size` callbacks wait at the same time, `rounds` times; 0 is as often as makes a million.
void call_soon_queued(long size, long rounds);

#endif
