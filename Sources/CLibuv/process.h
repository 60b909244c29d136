// What a child process does between fork and exec that uv_spawn has no options for. A handler of pthread_atfork does it in the
// child; it acts only on forks of a thread that is inside of asyncio_spawn. In the child only calls that are safe in a signal
// handler are made.
#ifndef SWIFT_ASYNCIO_CLIBUV_PROCESS_H
#define SWIFT_ASYNCIO_CLIBUV_PROCESS_H

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <uv.h>

#if defined(__linux__)
#include <sys/syscall.h>
#endif

enum asyncio_child_step {
    ASYNCIO_CHILD_EXEC,
    ASYNCIO_CHILD_FOLDER,
    ASYNCIO_CHILD_PROCESS_GROUP,
    ASYNCIO_CHILD_GROUPS,
    ASYNCIO_CHILD_GROUP,
    ASYNCIO_CHILD_USER,
};

/// What the child is to do; the fields that are not wanted are -1.
struct asyncio_child_setup {
    /// Those of uv_spawn.
    uv_process_options_t *options;
    const char *folder;
    int closes_descriptors;
    int64_t umask;
    int64_t process_group;
    int64_t user;
    int64_t group;
    int64_t group_count;
    const gid_t *groups;
    int report;
};

/// How far a child has got before exec; no error if everything is done.
struct asyncio_child_report {
    int step;
    int error;
};

/// What the child of a fork of this thread is to do; null outside of asyncio_spawn. (Swift does not emit variables of headers, but
/// those of functions, once for each file that calls them. So only one file may call asyncio_spawn.)
static inline const struct asyncio_child_setup **asyncio_current_setup(void) {
    static __thread const struct asyncio_child_setup *current;
    return &current;
}

#if defined(__linux__)
/// Closes all descriptors from 3 on at exec, on kernels without close_range. The names in /proc/self/fd are read without
/// opendir, which allocates.
static inline void asyncio_close_descriptors_one_by_one(void) {
    struct entry {
        uint64_t inode;
        int64_t offset;
        unsigned short length;
        unsigned char type;
        char name[];
    };
    int folder = open("/proc/self/fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder == -1) {
        struct rlimit limit;
        int last = getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < 65536 ? (int)limit.rlim_cur : 65536;
        for (int fd = 3; fd < last; fd++) fcntl(fd, F_SETFD, FD_CLOEXEC);
        return;
    }
    char buffer[4096] __attribute__((aligned(8)));
    long count;
    while ((count = syscall(SYS_getdents64, folder, buffer, sizeof buffer)) > 0) {
        for (long place = 0; place < count;) {
            const struct entry *entry = (const struct entry *)(buffer + place);
            int fd = 0;
            const char *digit = entry->name;
            for (; *digit >= '0' && *digit <= '9'; digit++) fd = fd * 10 + (*digit - '0');
            if (*digit == 0 && fd > 2) fcntl(fd, F_SETFD, FD_CLOEXEC);
            place += entry->length;
        }
    }
    close(folder);
}

static inline void asyncio_close_descriptors(void) {
    const unsigned cloexec = 1u << 2;
#if !defined(SYS_close_range)
#define SYS_close_range 436
#endif
    if (syscall(SYS_close_range, 3u, ~0u, cloexec) != 0) asyncio_close_descriptors_one_by_one();
}
#else
static inline void asyncio_close_descriptors(void) {
    int last = getdtablesize();
    for (int fd = 3; fd < last; fd++) fcntl(fd, F_SETFD, FD_CLOEXEC);
}
#endif

static inline void asyncio_child_report(const struct asyncio_child_setup *setup, int step, int error) {
    struct asyncio_child_report report = {step, error};
    ssize_t written;
    do written = write(setup->report, &report, sizeof report);
    while (written == -1 && errno == EINTR);
}

static inline void asyncio_child_fail(const struct asyncio_child_setup *setup, int step) {
    asyncio_child_report(setup, step, errno);
    _exit(127);
}

/// Runs in every child of every fork.
static inline void asyncio_child_did_fork(void) {
    const struct asyncio_child_setup *setup = *asyncio_current_setup();
    if (setup == NULL) return;
    // It has made libuv fork, and has no other purpose. This is the child's copy.
    setup->options->flags &= ~(unsigned)UV_PROCESS_SETGID;
    // The folder first: the child's user may not be allowed to enter it.
    if (setup->folder != NULL && chdir(setup->folder) != 0) asyncio_child_fail(setup, ASYNCIO_CHILD_FOLDER);
    if (setup->umask != -1) umask((mode_t)setup->umask);
    if (setup->process_group != -1 && setpgid(0, (pid_t)setup->process_group) != 0)
        asyncio_child_fail(setup, ASYNCIO_CHILD_PROCESS_GROUP);
    if (setup->group_count != -1 && setgroups((size_t)setup->group_count, setup->groups) != 0)
        asyncio_child_fail(setup, ASYNCIO_CHILD_GROUPS);
    if (setup->group != -1 && setgid((gid_t)setup->group) != 0) asyncio_child_fail(setup, ASYNCIO_CHILD_GROUP);
    if (setup->user != -1 && setuid((uid_t)setup->user) != 0) asyncio_child_fail(setup, ASYNCIO_CHILD_USER);
    if (setup->closes_descriptors) asyncio_close_descriptors();
    asyncio_child_report(setup, ASYNCIO_CHILD_EXEC, 0);
}

static inline void asyncio_watch_forks(void) { pthread_atfork(NULL, NULL, asyncio_child_did_fork); }

/// Opens /dev/null for those of the standard descriptors that are closed, so that nothing else gets their numbers: libuv would
/// abort when it closes one of its own, never close a connection, and overwrite in a child the pipe that tells of its failure.
static inline void asyncio_open_standard_descriptors(void) {
    for (int fd = 0; fd <= 2; fd++) {
        if (fcntl(fd, F_GETFD) != -1) continue;
        int opened = open("/dev/null", O_RDWR);
        if (opened > fd) close(opened);
    }
}

/// uv_spawn, and what `setup` adds to it. Closes both ends of the pipe through which the child reports; `report` does not block.
/// On failure `step` says what failed; the handle has to be closed in any case. A child whose set-up failed has still to be
/// reaped if `is_alive`.
static inline int asyncio_spawn(
    uv_loop_t *loop, uv_process_t *handle, struct asyncio_child_setup setup, int report, int *step, int *is_alive) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, asyncio_watch_forks);
    // Newer ones of libuv call posix_spawn where they can, which runs no handlers. They cannot for a child with a group.
    setup.options->flags |= UV_PROCESS_SETGID;
    setup.options->gid = getgid();
    *step = ASYNCIO_CHILD_EXEC;
    *asyncio_current_setup() = &setup;
    int status = uv_spawn(loop, handle, setup.options);
    *asyncio_current_setup() = NULL;
    close(setup.report);
    *is_alive = status == 0;
    if (status == 0) {
        // What the child had to say it has said: it has become another program, or has ended.
        struct asyncio_child_report said = {ASYNCIO_CHILD_EXEC, 0};
        ssize_t count;
        do count = read(report, &said, sizeof said);
        while (count == -1 && errno == EINTR);
        *step = said.step;
        // A child that has not done what was asked for, such as to become another user, must not go on.
        status = count == (ssize_t)sizeof said ? -said.error : UV_ENOTSUP;
    }
    close(report);
    return status;
}

/// Whether a descriptor is open and passed on to other programs.
static inline int asyncio_is_inherited(int fd) {
    int flags = fcntl(fd, F_GETFD);
    return flags != -1 && !(flags & FD_CLOEXEC);
}

/// Whether a child has ended and somebody else has taken its status.
static inline int asyncio_child_is_gone(pid_t pid) {
    siginfo_t info;
    int status;
    do status = waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT);
    while (status == -1 && errno == EINTR);
    return status == -1 && errno == ECHILD;
}

/// Ends a child and waits for that.
static inline void asyncio_end_child(pid_t pid) {
    int status;
    pid_t ended;
    kill(pid, SIGKILL);
    do ended = waitpid(pid, &status, 0);
    while (ended == -1 && errno == EINTR);
}

#endif
