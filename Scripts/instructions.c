// Loaded before the C library while instructions are counted: a clock that does not depend on how fast the machine is. Each
// look at it takes a microsecond, and a wait for input that is not there takes no longer than it takes to say so.

#define _GNU_SOURCE
#include <signal.h>
#include <stdatomic.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static atomic_ullong nanoseconds = 1000000000000;

int clock_gettime(clockid_t clock, struct timespec *now) {
    (void)clock;
    unsigned long long value = atomic_fetch_add_explicit(&nanoseconds, 1000, memory_order_relaxed);
    now->tv_sec = (time_t)(value / 1000000000);
    now->tv_nsec = (long)(value % 1000000000);
    return 0;
}

// The time that would have passed is passed over; without a limit somebody else has to end the wait.
int epoll_pwait(int poller, struct epoll_event *events, int most, int milliseconds, const sigset_t *mask) {
    int limit = milliseconds < 0 ? -1 : 0;
    int count = (int)syscall(SYS_epoll_pwait, poller, events, most, limit, mask, (size_t)_NSIG / 8);
    if (count == 0) atomic_fetch_add_explicit(&nanoseconds, (unsigned)milliseconds * 1000000ull, memory_order_relaxed);
    return count;
}

int epoll_wait(int poller, struct epoll_event *events, int most, int milliseconds) {
    return epoll_pwait(poller, events, most, milliseconds, NULL);
}
