// The server under test: where it listens, and connections to it.
#ifndef TARGET_H
#define TARGET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Reads `HOST:PORT` or `unix:PATH`; ends the process if it is neither.
void target_set(const char *text);

bool target_is_tcp(void);

// A connection that is being made, without waiting for it. `number` chooses one of several source addresses.
int target_connect(unsigned number);

// The same, and waits until it stands.
int target_dial(unsigned number);

// Waits for one of poll's events, and says which; ends the process when that takes too long.
short target_wait(int descriptor, short events);

uint64_t now_nanoseconds(void);

_Noreturn void fail(const char *what);

// malloc that never returns NULL.
void *allocate(size_t size);

#endif
