// libuv, and the few system calls that neither libuv nor Swift's libc overlay offers.
#ifndef SWIFT_ASYNCIO_CLIBUV_SHIM_H
#define SWIFT_ASYNCIO_CLIBUV_SHIM_H

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

#include "process.h"
#include "sockets.h"
#include "system.h"
#include "terminal.h"

#if defined(__linux__)
#include <sys/syscall.h>
#endif

/// Whether the calling thread is the one that `main` started on.
static inline int asyncio_is_main_thread(void) {
#if defined(__linux__)
    return syscall(SYS_gettid) == getpid();
#else
    return pthread_main_np();
#endif
}

/// Whether a signal still has its default action.
static inline int asyncio_signal_is_default(int signum) {
    struct sigaction action;
    if (sigaction(signum, NULL, &action) != 0) return 0;
    return !(action.sa_flags & SA_SIGINFO) && action.sa_handler == SIG_DFL;
}

/// The highest number that a signal may have.
static inline int asyncio_last_signal(void) { return NSIG - 1; }

/// Names the calling thread for debuggers; longer names are cut to what the system takes.
static inline void asyncio_set_thread_name(const char *name) {
#if defined(__linux__)
    char cut[16];
    strncpy(cut, name, sizeof cut - 1);
    cut[sizeof cut - 1] = 0;
    pthread_setname_np(pthread_self(), cut);
#else
    pthread_setname_np(name);
#endif
}

// What the standard library's own inlined code asks for the current task, without a reference of its own; null outside of
// tasks. `withUnsafeCurrentTask` takes and drops two references around the same call.
extern void *swift_task_getCurrent(void) __attribute__((swiftcall));
static inline const void *asyncio_current_task(void) { return swift_task_getCurrent(); }

#if defined(__linux__)
// What CoreFoundation's run loop uses to serve the main dispatch queue.
extern int _dispatch_get_main_queue_handle_4CF(void);
extern void _dispatch_main_queue_callback_4CF(void *message);
#endif

#endif
