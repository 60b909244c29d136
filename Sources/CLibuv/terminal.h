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

#if defined(__linux__)
#include <sys/syscall.h>
#endif

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

/// What signals did before the handler was installed, by number. Written only while it is not installed.
static struct sigaction asyncio_actions_before[NSIG] = {{.sa_flags = 0}};

typedef void (*asyncio_signal_handler)(int, siginfo_t *, void *);

/// Whether the default action of a signal ends the process, and may be replaced. SIGPIPE is ignored everywhere in the library.
static inline int asyncio_signal_ends(int signum) {
    switch (signum) {
    case SIGKILL: case SIGSTOP: case SIGTSTP: case SIGTTIN: case SIGTTOU: case SIGCONT:
    case SIGCHLD: case SIGURG: case SIGWINCH: case SIGPIPE:
        return 0;
#if !defined(__linux__)
    case SIGIO: case SIGINFO:
        return 0;
#endif
    default:
        return 1;
    }
}

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

/// Sends this thread the signal that it is handling once more, with all that came with it.
static inline void asyncio_signal_again(int signum, siginfo_t *info) {
#if defined(__linux__)
    if (syscall(SYS_rt_tgsigqueueinfo, getpid(), syscall(SYS_gettid), signum, info) == 0) return;
#endif
    (void)info;
    raise(signum);
}

/// The handler of signals that end the process: resets the terminals, and leaves the rest to what was there before.
static inline void asyncio_terminals_signal(int signum, siginfo_t *info, void *context) {
    (void)context;
    int saved = errno;
    asyncio_terminals_reset();
    sigaction(signum, &asyncio_actions_before[signum], NULL);
    // It is blocked in here, so it arrives when this returns: where it came the first time, as a reporter of crashes
    // wants to see it.
    asyncio_signal_again(signum, info);
    errno = saved;
}

static inline int asyncio_action_is_own(const struct sigaction *action) {
    return (action->sa_flags & SA_SIGINFO) && action->sa_sigaction == asyncio_terminals_signal;
}

/// What a signal does, apart from the handler above.
static inline int asyncio_action_of(int signum, struct sigaction *action) {
    if (sigaction(signum, NULL, action) != 0) return -1;
    if (asyncio_action_is_own(action)) *action = asyncio_actions_before[signum];
    return 0;
}

/// Whether the signal has the handler above in the place of none.
static inline int asyncio_terminals_own(int signum) {
    struct sigaction action;
    return sigaction(signum, NULL, &action) == 0 && asyncio_action_is_own(&action)
        && asyncio_actions_before[signum].sa_handler == SIG_DFL;
}

/// The handler that reports crashes, or null: it has all signals of mistakes, and the process ends after it. That of the
/// Swift runtime is one, where backtraces are made. A program that goes on after a mistake handles one or two of them.
static inline asyncio_signal_handler asyncio_crash_reporter(void) {
    const int mistakes[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL};
    asyncio_signal_handler reporter = NULL;
    for (size_t i = 0; i < sizeof mistakes / sizeof *mistakes; i++) {
        struct sigaction action;
        if (asyncio_action_of(mistakes[i], &action) != 0 || !(action.sa_flags & SA_SIGINFO)) return NULL;
        if (reporter && action.sa_sigaction != reporter) return NULL;
        reporter = action.sa_sigaction;
    }
    return reporter;
}

/// Installs the handler before the end of the process and before the reporter of crashes, but not where the program
/// handles a signal; or takes away what is still installed. The lock is held.
static inline void asyncio_terminals_guard(int on) {
    asyncio_signal_handler reporter = asyncio_crash_reporter();
    for (int signum = 1; signum < NSIG; signum++) {
        struct sigaction action;
        if (!asyncio_signal_ends(signum) || sigaction(signum, NULL, &action) != 0) continue;
        if (asyncio_action_is_own(&action)) {
            if (!on) sigaction(signum, &asyncio_actions_before[signum], NULL);
            continue;
        }
        int is_reported = (action.sa_flags & SA_SIGINFO) && reporter && action.sa_sigaction == reporter;
        if (!on || (action.sa_handler != SIG_DFL && !is_reported)) continue;
        asyncio_actions_before[signum] = action;
        memset(&action, 0, sizeof action);
        sigfillset(&action.sa_mask);
        // On the other stack, where the thread has one: this one may be full.
        action.sa_flags = SA_SIGINFO | SA_ONSTACK;
        action.sa_sigaction = asyncio_terminals_signal;
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
