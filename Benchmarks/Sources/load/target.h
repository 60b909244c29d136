// The server under test: where it listens, and connections to it.
#ifndef TARGET_H
#define TARGET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum { request_echo, request_http } request_kind;

// Reads `HOST:PORT` or `unix:PATH`; ends the process if it is neither.
void target_set(const char *text);

bool target_is_tcp(void);

// A connection that is being made, without waiting for it. `number` chooses one of several source addresses.
int target_connect(unsigned number);

// The same, and waits until it stands.
int target_dial(unsigned number);

// Makes what is sent, of `size` bytes for echo, and what is expected, by asking the server once.
void request_make(request_kind kind, size_t size);
extern char *request_bytes;
extern size_t request_length;
extern char *answer_bytes;
extern size_t answer_length;

// Sends the request and compares the answer byte for byte; ends the process when that fails or takes too long.
void target_exchange(int descriptor);

uint64_t now_nanoseconds(void);

_Noreturn void fail(const char *what);

// malloc that never returns NULL.
void *allocate(size_t size);

#endif
