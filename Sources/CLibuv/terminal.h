// Terminals that are not in their normal mode, and how they get back to it: when they are closed, at exit, and when a
// signal ends the process. libuv's uv_tty_reset_mode knows only the first terminal of the process, and goes on using
// its descriptor after it was closed.
//
// The state is static: all of this may be called from one Swift file only, UV/TerminalGuard.swift, since every object
// file that uses a header has its own copy of what is static there; nor may the optimiser inline that file elsewhere.
#ifndef SWIFT_ASYNCIO_CLIBUV_TERMINAL_H
#define SWIFT_ASYNCIO_CLIBUV_TERMINAL_H

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

/// A terminal whose mode has been changed. Records are linked once and never freed, so that a signal handler can walk
/// through them at any moment; those without users are used again.
struct asyncio_terminal {
    struct asyncio_terminal *next;
    /// How many have changed the mode and not changed it back. Guarded by the lock, as are the next three.
    int users;
    int fd;
    uint64_t device;
    pid_t process;
    struct termios original;
    /// Whether the terminal is to be reset. Atomic: what is above does not change while it is 1.
    int is_armed;
    /// Whether it was reset while it had users. Atomic.
    int was_reset;
};

// With initial values, or Swift's compiler would not see definitions here.
static struct asyncio_terminal *asyncio_terminals = NULL;
static pthread_mutex_t asyncio_terminals_lock = PTHREAD_MUTEX_INITIALIZER;
static int asyncio_terminals_at_exit = 0;

/// The signals whose default action ends the process: from outside, and by a mistake of its own.
static const int asyncio_ending_signals[] = {
    SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGABRT, SIGILL, SIGTRAP, SIGBUS, SIGFPE, SIGSEGV,
};
#define ASYNCIO_ENDING_SIGNALS (sizeof asyncio_ending_signals / sizeof *asyncio_ending_signals)

/// Gives a terminal its first mode back. Safe in a signal handler.
static inline int asyncio_terminal_restore(struct asyncio_terminal *terminal) {
    // A child that was forked does not speak for its parent.
    if (terminal->process != getpid()) return 0;
    // The shell has the terminal by now, and has set the mode that it needs; and we would be stopped.
    pid_t foreground = tcgetpgrp(terminal->fd);
    if (foreground != -1 && foreground != getpgrp()) return 0;
    int status;
    do { status = tcsetattr(terminal->fd, TCSANOW, &terminal->original); } while (status == -1 && errno == EINTR);
    return status == -1 ? -errno : 0;
}

/// Gives every terminal its first mode back. Safe in a signal handler.
static inline void asyncio_terminals_reset(void) {
    int saved = errno;
    struct asyncio_terminal *terminal = __atomic_load_n(&asyncio_terminals, __ATOMIC_ACQUIRE);
    for (; terminal; terminal = terminal->next) {
        if (!__atomic_load_n(&terminal->is_armed, __ATOMIC_ACQUIRE)) continue;
        asyncio_terminal_restore(terminal);
        __atomic_store_n(&terminal->was_reset, 1, __ATOMIC_RELEASE);
    }
    errno = saved;
}

static inline void asyncio_terminals_exit(void) { asyncio_terminals_reset(); }

/// The handler of signals that would have ended the process: resets the terminals, and lets them end it.
static inline void asyncio_terminals_signal(int signum) {
    int saved = errno;
    asyncio_terminals_reset();
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = SIG_DFL;
    sigaction(signum, &action, NULL);
    // It is blocked in here, so it arrives when this returns.
    raise(signum);
    errno = saved;
}

/// Whether the signal has the handler above, which is as good as none.
static inline int asyncio_terminals_own(int signum) {
    struct sigaction action;
    if (sigaction(signum, NULL, &action) != 0) return 0;
    return !(action.sa_flags & SA_SIGINFO) && action.sa_handler == asyncio_terminals_signal;
}

/// Installs the handler where nobody else has one, or takes away what is still installed. The lock is held.
static inline void asyncio_terminals_guard(int on) {
    struct sigaction action;
    for (size_t i = 0; i < ASYNCIO_ENDING_SIGNALS; i++) {
        int signum = asyncio_ending_signals[i];
        if (sigaction(signum, NULL, &action) != 0 || (action.sa_flags & SA_SIGINFO)) continue;
        if (action.sa_handler != (on ? SIG_DFL : asyncio_terminals_signal)) continue;
        memset(&action, 0, sizeof action);
        sigfillset(&action.sa_mask);
        action.sa_handler = on ? asyncio_terminals_signal : SIG_DFL;
        sigaction(signum, &action, NULL);
    }
}

static inline int asyncio_terminals_in_use(void) {
    for (struct asyncio_terminal *terminal = asyncio_terminals; terminal; terminal = terminal->next) {
        if (terminal->users > 0) return 1;
    }
    return 0;
}

/// Installs the handler again where somebody has given a signal its default action back meanwhile.
static inline void asyncio_terminals_refresh(void) {
    pthread_mutex_lock(&asyncio_terminals_lock);
    if (asyncio_terminals_in_use()) asyncio_terminals_guard(1);
    pthread_mutex_unlock(&asyncio_terminals_lock);
}

/// What tells one terminal from another: a terminal may have several names, as /dev/tty, with other numbers of devices.
static inline uint64_t asyncio_terminal_device(int fd, const struct stat *status) {
#if defined(TIOCGDEV)
    unsigned int device;
    if (ioctl(fd, TIOCGDEV, &device) == 0) return device;
#else
    (void)fd;
#endif
    return (uint64_t)status->st_rdev;
}

/// The lock is held.
static inline int asyncio_terminal_find(int fd, struct asyncio_terminal **result) {
    struct stat status;
    if (fstat(fd, &status) == -1) return -errno;
    uint64_t device = asyncio_terminal_device(fd, &status);
    struct asyncio_terminal *unused = NULL;
    for (struct asyncio_terminal *terminal = asyncio_terminals; terminal; terminal = terminal->next) {
        if (terminal->users == 0) {
            unused = terminal;
        } else if (terminal->device == device) {
            *result = terminal;
            return 0;
        }
    }
    struct asyncio_terminal *terminal = unused ? unused : calloc(1, sizeof *terminal);
    if (!terminal) return -ENOMEM;
    int error = 0;
    // A descriptor of its own, which outlives the handle that changed the mode.
    terminal->fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
    if (terminal->fd == -1) {
        error = -errno;
    } else if (tcgetattr(terminal->fd, &terminal->original) == -1) {
        error = -errno;
        close(terminal->fd);
    }
    if (error) {
        if (!unused) free(terminal);
        return error;
    }
    terminal->device = device;
    terminal->process = getpid();
    if (!unused) {
        terminal->next = asyncio_terminals;
        __atomic_store_n(&asyncio_terminals, terminal, __ATOMIC_RELEASE);
    }
    *result = terminal;
    return 0;
}

/// Remembers the mode of a terminal that is about to be changed.
static inline int asyncio_terminal_enter(int fd, struct asyncio_terminal **result) {
    pthread_mutex_lock(&asyncio_terminals_lock);
    int status = asyncio_terminal_find(fd, result);
    if (status == 0) {
        if (!asyncio_terminals_at_exit) {
            asyncio_terminals_at_exit = 1;
            atexit(asyncio_terminals_exit);
        }
        (*result)->users++;
        __atomic_store_n(&(*result)->was_reset, 0, __ATOMIC_RELEASE);
        __atomic_store_n(&(*result)->is_armed, 1, __ATOMIC_RELEASE);
        asyncio_terminals_guard(1);
    }
    pthread_mutex_unlock(&asyncio_terminals_lock);
    return status;
}

/// One user less; without any the terminal gets its mode back.
static inline int asyncio_terminal_leave(struct asyncio_terminal *terminal) {
    int status = 0;
    pthread_mutex_lock(&asyncio_terminals_lock);
    if (--terminal->users == 0) {
        status = asyncio_terminal_restore(terminal);
        __atomic_store_n(&terminal->is_armed, 0, __ATOMIC_RELEASE);
        close(terminal->fd);
        if (!asyncio_terminals_in_use()) asyncio_terminals_guard(0);
    }
    pthread_mutex_unlock(&asyncio_terminals_lock);
    return status;
}

/// Whether the terminal was reset since somebody changed its mode.
static inline int asyncio_terminal_was_reset(struct asyncio_terminal *terminal) {
    return __atomic_load_n(&terminal->was_reset, __ATOMIC_ACQUIRE);
}

#endif
