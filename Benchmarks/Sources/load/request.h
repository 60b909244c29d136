// What is sent, and what has to come back.
#ifndef REQUEST_H
#define REQUEST_H

#include <stddef.h>

typedef enum { request_echo, request_http } request_kind;

// Makes what is sent, of `size` bytes for echo, and what is expected; HTTP asks the server once for that.
void request_make(request_kind kind, size_t size);
extern size_t request_length;
extern size_t answer_length;

// Connections send different bytes, so that a server that takes one for another gives a wrong answer.
const char *request_bytes(unsigned connection);
const char *answer_bytes(unsigned connection);

// Sends the request and compares the answer byte for byte; ends the process when that fails or takes too long.
void request_exchange(int descriptor, unsigned connection);

#endif
