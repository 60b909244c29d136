// Workloads that cross threads.

#include "threads.h"

#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "measure.h"

// Posts from another thread: a list behind a lock, and one uv_async_send for as many as are drained together. The posts
// are an array: nothing is allocated for one.
typedef struct post post;
struct post {
    post *next;
};

typedef struct {
    uv_loop_t loop;
    uv_async_t door;
    uv_mutex_t lock;
    post *first;
    post **end;
    long left;
    post *posts;
    long count;
} inbox;

static void take_in(uv_async_t *door) {
    inbox *box = door->data;
    uv_mutex_lock(&box->lock);
    post *next = box->first;
    box->first = NULL;
    box->end = &box->first;
    uv_mutex_unlock(&box->lock);
    for (; next != NULL; next = next->next) box->left--;
    if (box->left == 0) uv_close((uv_handle_t *)door, NULL);
}

static void post_all(void *argument) {
    inbox *box = argument;
    for (long i = 0; i < box->count; i++) {
        post *added = &box->posts[i];
        added->next = NULL;
        uv_mutex_lock(&box->lock);
        int was_empty = box->first == NULL;
        *box->end = added;
        box->end = &added->next;
        uv_mutex_unlock(&box->lock);
        if (was_empty) uv_async_send(&box->door);
    }
}

void call_soon_threadsafe(long count) {
    inbox box = {.left = count, .count = count};
    unsigned long size = (unsigned long)count * sizeof(post);
    box.posts = allocate(size);
    // The first touch of the memory is no part of the workload.
    memset(box.posts, 1, size);
    box.end = &box.first;
    check(uv_loop_init(&box.loop), "uv_loop_init");
    check(uv_mutex_init(&box.lock), "uv_mutex_init");
    check(uv_async_init(&box.loop, &box.door, take_in), "uv_async_init");
    box.door.data = &box;
    uv_thread_t thread;
    measure begun = measure_begin("call_soon_threadsafe", count);
    check(uv_thread_create(&thread, post_all, &box), "uv_thread_create");
    uv_run(&box.loop, UV_RUN_DEFAULT);
    measure_report(&begun, 0);
    uv_thread_join(&thread);
    uv_mutex_destroy(&box.lock);
    check(uv_loop_close(&box.loop), "uv_loop_close");
    free(box.posts);
}

// Two loops that wake each other up. Only the loop that has the ball touches `left`.
typedef struct side side;
struct side {
    uv_loop_t loop;
    uv_async_t door;
    side *other;
    long *left;
};

// The last hop ends here; the other side is told so when the time has been taken.
static void return_ball(uv_async_t *door) {
    side *self = door->data;
    long left = --*self->left;
    if (left > 0) {
        uv_async_send(&self->other->door);
    } else {
        uv_close((uv_handle_t *)door, NULL);
    }
}

static void make_side(side *self, side *other, long *left) {
    check(uv_loop_init(&self->loop), "uv_loop_init");
    check(uv_async_init(&self->loop, &self->door, return_ball), "uv_async_init");
    self->door.data = self;
    self->other = other;
    self->left = left;
}

static void run_side(void *argument) {
    side *self = argument;
    uv_run(&self->loop, UV_RUN_DEFAULT);
}

void wakeup_pingpong(long count) {
    // A hop there is one back as well.
    count += count % 2;
    side here, there;
    long left = count;
    make_side(&here, &there, &left);
    make_side(&there, &here, &left);
    uv_thread_t thread;
    check(uv_thread_create(&thread, run_side, &there), "uv_thread_create");
    measure begun = measure_begin("wakeup_pingpong", count);
    uv_async_send(&there.door);
    uv_run(&here.loop, UV_RUN_DEFAULT);
    measure_report(&begun, 0);
    uv_async_send(&there.door);
    uv_thread_join(&thread);
    check(uv_loop_close(&here.loop), "uv_loop_close");
    check(uv_loop_close(&there.loop), "uv_loop_close");
}

// Empty jobs for the thread pool.
typedef struct {
    long to_submit;
} jobs;

static void no_work(uv_work_t *request) {
    (void)request;
}

static void job_done(uv_work_t *request, int status) {
    check(status, "uv_queue_work");
    jobs *state = request->data;
    if (state->to_submit == 0) return;
    state->to_submit--;
    check(uv_queue_work(request->loop, request, no_work, job_done), "uv_queue_work");
}

void run_in_executor(long count) {
    uv_loop_t loop;
    check(uv_loop_init(&loop), "uv_loop_init");
    uv_work_t requests[64];
    jobs state = {.to_submit = count};
    measure begun = measure_begin("run_in_executor", count);
    for (int i = 0; i < 64 && state.to_submit > 0; i++) {
        requests[i].data = &state;
        state.to_submit--;
        check(uv_queue_work(&loop, &requests[i], no_work, job_done), "uv_queue_work");
    }
    uv_run(&loop, UV_RUN_DEFAULT);
    measure_report(&begun, 0);
    check(uv_loop_close(&loop), "uv_loop_close");
}
