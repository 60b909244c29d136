// Servers for a load generator: echo over TCP or a Unix socket, and a minimal HTTP. One read buffer for all
// connections, since what was read is written at once; only what the socket does not take is copied.

#include "servers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

#include "measure.h"

static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 13\r\n\r\nHello, World!";
enum { answer_length = sizeof answer - 1, read_size = 65536, backlog = 1024 };
static const char end_of_request[] = "\r\n\r\n";

static char read_buffer[read_size];

typedef struct {
    union {
        uv_stream_t stream;
        uv_tcp_t tcp;
        uv_pipe_t pipe;
    } handle;
    uv_write_t write;
    // What the socket did not take.
    char *pending;
    bool http;
    // How much of the blank line at the end of a request has come.
    int matched;
} connection;

static void received(uv_stream_t *stream, ssize_t count, const uv_buf_t *buffer);

static void lend_buffer(uv_handle_t *handle, size_t suggested, uv_buf_t *buffer) {
    (void)handle;
    (void)suggested;
    *buffer = uv_buf_init(read_buffer, read_size);
}

static void free_connection(uv_handle_t *handle) {
    connection *self = handle->data;
    free(self->pending);
    free(self);
}

static void close_connection(connection *self) {
    if (!uv_is_closing((uv_handle_t *)&self->handle)) uv_close((uv_handle_t *)&self->handle, free_connection);
}

static void written(uv_write_t *request, int status) {
    connection *self = request->data;
    free(self->pending);
    self->pending = NULL;
    if (status < 0 || uv_read_start(&self->handle.stream, lend_buffer, received) < 0) close_connection(self);
}

// Reading stops while something waits to be written: a peer that does not read costs one buffer.
static void write_later(connection *self, char *pending, size_t length) {
    self->pending = pending;
    uv_read_stop(&self->handle.stream);
    self->write.data = self;
    uv_buf_t buffer = uv_buf_init(pending, (unsigned)length);
    if (uv_write(&self->write, &self->handle.stream, &buffer, 1, written) < 0) close_connection(self);
}

static size_t write_now(connection *self, const char *bytes, size_t length) {
    uv_buf_t buffer = uv_buf_init((char *)bytes, (unsigned)length);
    int count = uv_try_write(&self->handle.stream, &buffer, 1);
    // An error comes up again in uv_write, or at the next read.
    return count < 0 ? 0 : (size_t)count;
}

// Only what the socket does not take is copied.
static void reply(connection *self, const char *bytes, size_t length) {
    size_t done = write_now(self, bytes, length);
    if (done == length) return;
    char *pending = allocate(length - done);
    memcpy(pending, bytes + done, length - done);
    write_later(self, pending, length - done);
}

// Requests have no bodies, and may come in any pieces.
static size_t count_requests(connection *self, const char *bytes, size_t length) {
    size_t requests = 0;
    for (size_t i = 0; i < length; i++) {
        if (bytes[i] != end_of_request[self->matched]) {
            self->matched = bytes[i] == '\r' ? 1 : 0;
        } else if (++self->matched == 4) {
            self->matched = 0;
            requests++;
        }
    }
    return requests;
}

static void answer_requests(connection *self, const char *bytes, size_t length) {
    size_t requests = count_requests(self, bytes, length);
    if (requests == 0) return;
    if (requests == 1) return reply(self, answer, answer_length);
    char *joined = allocate(requests * answer_length);
    for (size_t i = 0; i < requests; i++) memcpy(joined + i * answer_length, answer, answer_length);
    reply(self, joined, requests * answer_length);
    free(joined);
}

static void received(uv_stream_t *stream, ssize_t count, const uv_buf_t *buffer) {
    connection *self = stream->data;
    if (count < 0) {
        close_connection(self);
    } else if (count > 0) {
        (self->http ? answer_requests : reply)(self, buffer->base, (size_t)count);
    }
}

static void accept_connection(uv_stream_t *listener, int status) {
    if (status < 0) return;
    connection *self = calloc(1, sizeof *self);
    if (self == NULL) return;
    self->http = listener->data != NULL;
    if (listener->type == UV_TCP) {
        uv_tcp_init(listener->loop, &self->handle.tcp);
    } else {
        uv_pipe_init(listener->loop, &self->handle.pipe, 0);
    }
    self->handle.stream.data = self;
    if (uv_accept(listener, &self->handle.stream) < 0) return close_connection(self);
    if (listener->type == UV_TCP) uv_tcp_nodelay(&self->handle.tcp, 1);
    if (uv_read_start(&self->handle.stream, lend_buffer, received) < 0) close_connection(self);
}

static void serve(uv_stream_t *listener) {
    check(uv_listen(listener, backlog, accept_connection), "uv_listen");
    puts("LISTENING");
    fflush(stdout);
    uv_run(listener->loop, UV_RUN_DEFAULT);
}

void serve_tcp(const char *host, int port, bool http) {
    uv_tcp_t listener;
    check(uv_tcp_init(uv_default_loop(), &listener), "uv_tcp_init");
    listener.data = http ? &listener : NULL;
    struct sockaddr_storage address;
    if (uv_ip4_addr(host, port, (struct sockaddr_in *)&address) < 0) {
        check(uv_ip6_addr(host, port, (struct sockaddr_in6 *)&address), host);
    }
    check(uv_tcp_bind(&listener, (struct sockaddr *)&address, 0), "uv_tcp_bind");
    serve((uv_stream_t *)&listener);
}

void serve_unix(const char *path) {
    uv_pipe_t listener;
    check(uv_pipe_init(uv_default_loop(), &listener, 0), "uv_pipe_init");
    listener.data = NULL;
    unlink(path);
    check(uv_pipe_bind(&listener, path), "uv_pipe_bind");
    serve((uv_stream_t *)&listener);
}
