// A ready queue for libuv, which has none, and the workloads on it. A callback is a record that its owner links into
// the queue: nothing is allocated, and nothing is boxed. So this is a lower bound.

#include "callbacks.h"

#include <stddef.h>
#include <stdlib.h>
#include <uv.h>

#include "measure.h"

typedef struct callback callback;

typedef struct {
    uv_loop_t loop;
    // While it is active the loop does not block, and runs `drain` in each iteration.
    uv_idle_t idle;
    callback *first;
    callback **end;
    long left;
    // What the workload needs besides.
    callback *callbacks;
    long size;
} ready_queue;

struct callback {
    callback *next;
    void (*run)(ready_queue *, callback *);
};

// asyncio's rule: what a callback schedules runs in the next round.
static void drain(uv_idle_t *idle) {
    ready_queue *queue = idle->data;
    callback *next = queue->first;
    queue->first = NULL;
    queue->end = &queue->first;
    while (next != NULL) {
        // It may link itself in again.
        callback *current = next;
        next = current->next;
        current->run(queue, current);
    }
    if (queue->first == NULL) uv_idle_stop(idle);
}

static void schedule(ready_queue *queue, callback *added) {
    if (queue->first == NULL) uv_idle_start(&queue->idle, drain);
    added->next = NULL;
    *queue->end = added;
    queue->end = &added->next;
}

static ready_queue *make_queue(long count, long callbacks, void (*run)(ready_queue *, callback *)) {
    ready_queue *queue = allocate(sizeof *queue);
    check(uv_loop_init(&queue->loop), "uv_loop_init");
    uv_idle_init(&queue->loop, &queue->idle);
    queue->idle.data = queue;
    queue->first = NULL;
    queue->end = &queue->first;
    queue->left = count;
    queue->size = callbacks;
    queue->callbacks = allocate((unsigned long)callbacks * sizeof(callback));
    for (long i = 0; i < callbacks; i++) queue->callbacks[i].run = run;
    return queue;
}

static void free_queue(ready_queue *queue) {
    uv_close((uv_handle_t *)&queue->idle, NULL);
    uv_run(&queue->loop, UV_RUN_DEFAULT);
    check(uv_loop_close(&queue->loop), "uv_loop_close");
    free(queue->callbacks);
    free(queue);
}

// As many as can wait at the same time; at first what is above a multiple of that.
static void schedule_some(ready_queue *queue) {
    for (long i = (queue->left - 1) % queue->size; i >= 0; i--) schedule(queue, &queue->callbacks[i]);
}

static void chain(ready_queue *queue, callback *self) {
    if (--queue->left > 0) schedule(queue, self);
}

static void batch(ready_queue *queue, callback *self) {
    (void)self;
    queue->left--;
    if (queue->left > 0 && queue->left % queue->size == 0) schedule_some(queue);
}

void call_soon(long count) {
    ready_queue *queue = make_queue(count, 1, chain);
    measure begun = measure_begin("call_soon", count);
    schedule_some(queue);
    uv_run(&queue->loop, UV_RUN_DEFAULT);
    measure_report(&begun, 0);
    free_queue(queue);
}

static void run_batches(const char *bench, long count, long size, long reported_size) {
    ready_queue *queue = make_queue(count, size, batch);
    measure begun = measure_begin(bench, count);
    schedule_some(queue);
    uv_run(&queue->loop, UV_RUN_DEFAULT);
    measure_report(&begun, reported_size);
    free_queue(queue);
}

void call_soon_batch(long count) {
    run_batches("call_soon_batch", count, 1000, 0);
}

void call_soon_queued(long size, long rounds) {
    if (rounds == 0) rounds = size < 1000000 ? 1000000 / size : 1;
    run_batches("call_soon_queued", size * rounds, size, size);
}
