// Workloads of timers. Where timers are cancelled each is a uv_timer_t of its own on the heap, closed and freed at its
// end: that is how programs on libuv have timers whose number they do not know beforehand. Those of call_later are an
// array, which is less than a program can do with.

#include "timers.h"

#include <stdint.h>
#include <stdlib.h>
#include <uv.h>

#include "measure.h"

// The generator that all peers use.
static uint32_t next_random(uint32_t *state) {
    *state = *state * 1664525u + 1013904223u;
    return *state >> 16;
}

static void free_timer(uv_handle_t *handle) {
    free(handle);
}

static void fired(uv_timer_t *timer) {
    (void)timer;
}

static uv_timer_t *start_timer(uv_loop_t *loop, uint64_t milliseconds) {
    uv_timer_t *timer = allocate(sizeof *timer);
    uv_timer_init(loop, timer);
    uv_timer_start(timer, fired, milliseconds, 0);
    return timer;
}

void call_later(long count) {
    uv_loop_t loop;
    check(uv_loop_init(&loop), "uv_loop_init");
    uv_timer_t *timers = allocate((unsigned long)count * sizeof *timers);
    measure begun = measure_begin("call_later", count);
    uint32_t state = 12345;
    uv_update_time(&loop);
    for (long i = 0; i < count; i++) {
        uv_timer_init(&loop, &timers[i]);
        uv_timer_start(&timers[i], fired, 1 + next_random(&state) % 50, 0);
    }
    uv_run(&loop, UV_RUN_DEFAULT);
    measure_report(&begun, 0);
    for (long i = 0; i < count; i++) uv_close((uv_handle_t *)&timers[i], NULL);
    uv_run(&loop, UV_RUN_DEFAULT);
    check(uv_loop_close(&loop), "uv_loop_close");
    free(timers);
}

void timer_cancel(long count) {
    uv_loop_t loop;
    check(uv_loop_init(&loop), "uv_loop_init");
    measure begun = measure_begin("timer_cancel", count);
    for (long i = 0; i < count; i++) {
        uv_close((uv_handle_t *)start_timer(&loop, 60000), free_timer);
        // libuv frees a closed handle in the next iteration only.
        if (i % 1000 == 999) uv_run(&loop, UV_RUN_NOWAIT);
    }
    uv_run(&loop, UV_RUN_DEFAULT);
    measure_report(&begun, 0);
    check(uv_loop_close(&loop), "uv_loop_close");
}

void timers_alive(long size, long count) {
    if (count == 0) count = 100000;
    uv_loop_t loop;
    check(uv_loop_init(&loop), "uv_loop_init");
    uv_timer_t **timers = allocate((unsigned long)size * sizeof *timers);
    uint32_t state = 12345;
    for (long i = 0; i < size; i++) timers[i] = start_timer(&loop, 3600000 + next_random(&state));
    measure begun = measure_begin("timers_alive", count);
    for (long i = 0; i < count; i++) {
        uv_timer_t **slot = &timers[((long)next_random(&state) << 16 | (long)next_random(&state)) % size];
        uv_close((uv_handle_t *)*slot, free_timer);
        *slot = start_timer(&loop, 3600000 + next_random(&state));
        if (i % 1000 == 999) uv_run(&loop, UV_RUN_NOWAIT);
    }
    measure_report(&begun, size);
    for (long i = 0; i < size; i++) uv_close((uv_handle_t *)timers[i], free_timer);
    uv_run(&loop, UV_RUN_DEFAULT);
    check(uv_loop_close(&loop), "uv_loop_close");
    free(timers);
}
