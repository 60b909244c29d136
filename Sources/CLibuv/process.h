// What a child process does between fork and exec. A handler of pthread_atfork does all of it in the child, and executes the
// program, before libuv gets to what it would do: that can neither be asked for everything nor be kept from changing what this
// process shares with the child. The handler acts only on forks of a thread that is inside of asyncio_spawn. In the child only
// calls that are safe in a signal handler are made.
#ifndef SWIFT_ASYNCIO_CLIBUV_PROCESS_H
#define SWIFT_ASYNCIO_CLIBUV_PROCESS_H

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <uv.h>

#if defined(__linux__)
#include <sys/syscall.h>
#endif
#if defined(__APPLE__)
#include <crt_externs.h>
#else
extern char **environ;
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

/// What the child of a fork of this thread is to do; null outside of asyncio_spawn. (Swift does not emit variables of headers,
/// but those of functions, once for each file that calls them. So only one file may call asyncio_spawn.)
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

/// Gives the descriptors their numbers. -1 is none, which is /dev/null for the first three. Nothing else about them changes:
/// their flags belong to whoever has them open, too.
static inline int asyncio_place_descriptors(uv_stdio_container_t *stdio, int count) {
    // What is to move to a higher number than its own could be replaced before it is its turn.
    for (int fd = 0; fd < count; fd++) {
        if (!(stdio[fd].flags & UV_INHERIT_FD) || stdio[fd].data.fd >= fd) continue;
        stdio[fd].data.fd = fcntl(stdio[fd].data.fd, F_DUPFD_CLOEXEC, count);
        if (stdio[fd].data.fd == -1) return -1;
    }
    for (int fd = 0; fd < count; fd++) {
        int given = stdio[fd].flags & UV_INHERIT_FD ? stdio[fd].data.fd : -1;
        if (given == -1 && fd > 2) continue;
        int source = given != -1 ? given : open("/dev/null", (fd == 0 ? O_RDONLY : O_RDWR) | O_CLOEXEC);
        if (source == -1) return -1;
        if (source == fd) {
            // It is passed on as it is; a duplicate always is.
            int flags = fcntl(fd, F_GETFD);
            if (flags == -1 || fcntl(fd, F_SETFD, flags & ~FD_CLOEXEC) == -1) return -1;
        } else if (dup2(source, fd) == -1) {
            return -1;
        }
    }
    return 0;
}

/// Signals that are ignored stay so, for `nohup` and the like, but for those that a process ignores for its own sake. Handlers
/// are gone before the signals, which libuv has blocked, may arrive: they are this process's.
static inline int asyncio_reset_signals(void) {
    for (int number = 1; number < NSIG; number++) {
        struct sigaction action;
        // Some are the C library's.
        if (sigaction(number, NULL, &action) != 0) continue;
        int is_handled = (action.sa_flags & SA_SIGINFO) || (action.sa_handler != SIG_DFL && action.sa_handler != SIG_IGN);
        if (is_handled || number == SIGPIPE || number == SIGXFSZ) signal(number, SIG_DFL);
    }
    sigset_t none;
    sigemptyset(&none);
    return sigprocmask(SIG_SETMASK, &none, NULL);
}

/// Where the environment has its list of folders for programs.
static inline const char *asyncio_search_path(char *const *environment) {
    for (; environment != NULL && *environment != NULL; environment++)
        if (strncmp(*environment, "PATH=", 5) == 0) return *environment + 5;
    return "/bin:/usr/bin";
}

/// Becomes another program. Returns only if that fails, with the reason in errno. One that is not found in one folder is looked
/// for in the next; if there is one that cannot be executed, and no other, the reason is the first of these. A text without an
/// interpreter is not executed by a shell.
static inline void asyncio_execute(const char *file, char *const *arguments, char *const *environment) {
    errno = ENOENT;
    if (*file == 0) return;
    if (strchr(file, '/') != NULL) {
        execve(file, arguments, environment);
        return;
    }
    int refusal = 0;
    size_t length = strlen(file);
    const char *folder = asyncio_search_path(environment);
    for (;;) {
        size_t size = strcspn(folder, ":");
        char path[PATH_MAX];
        if (size + length + 2 <= sizeof path) {
            memcpy(path, folder, size);
            // An empty entry is the working directory.
            if (size != 0) path[size] = '/';
            memcpy(path + size + (size != 0), file, length + 1);
            execve(path, arguments, environment);
            if (errno != ENOENT && errno != ENOTDIR && refusal == 0) refusal = errno;
        }
        if (folder[size] == 0) break;
        folder += size + 1;
    }
    if (refusal != 0) errno = refusal;
}

/// Runs in every child of every fork; returns in those that are not asyncio_spawn's.
static inline void asyncio_child_did_fork(void) {
    const struct asyncio_child_setup *setup = *asyncio_current_setup();
    if (setup == NULL) return;
    const uv_process_options_t *options = setup->options;
    if (options->flags & UV_PROCESS_DETACHED) setsid();
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
    // This is the child's copy.
    if (asyncio_place_descriptors(options->stdio, options->stdio_count) != 0) asyncio_child_fail(setup, ASYNCIO_CHILD_EXEC);
    // Before signals may arrive: one that ends the child here is its end, and no failure to start it.
    asyncio_child_report(setup, ASYNCIO_CHILD_EXEC, 0);
    if (asyncio_reset_signals() != 0) asyncio_child_fail(setup, ASYNCIO_CHILD_EXEC);
#if defined(__APPLE__)
    char **environment = *_NSGetEnviron();
#else
    char **environment = environ;
#endif
    asyncio_execute(options->file, options->args, options->env != NULL ? options->env : environment);
    asyncio_child_fail(setup, ASYNCIO_CHILD_EXEC);
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
/// On failure `step` says what failed; the handle has to be closed in any case. If `is_alive` says that there is a child all the
/// same, it has still to be reaped.
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
        struct asyncio_child_report said[2] = {{ASYNCIO_CHILD_EXEC, 0}, {ASYNCIO_CHILD_EXEC, 0}};
        ssize_t size;
        do size = read(report, said, sizeof said);
        while (size == -1 && errno == EINTR);
        int count = size > 0 ? (int)(size / (ssize_t)sizeof said[0]) : 0;
        // The second report is that it could not become another program after all.
        if (count > 0) *step = said[count - 1].step;
        // A child that has not done what was asked for, such as to become another user, must not go on.
        status = count > 0 ? -said[count - 1].error : UV_ENOTSUP;
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

/// Waits for the end of a child.
static inline void asyncio_reap_child(pid_t pid) {
    int status;
    pid_t ended;
    do ended = waitpid(pid, &status, 0);
    while (ended == -1 && errno == EINTR);
}

/// Ends a child and waits for that; 0, or the error for which it may not be ended: then it goes on, and nobody waits.
static inline int asyncio_end_child(pid_t pid) {
    if (kill(pid, SIGKILL) != 0 && errno != ESRCH) {
        int error = errno, status;
        // One that has ended may not be killed either.
        return waitpid(pid, &status, WNOHANG) == pid ? 0 : -error;
    }
    asyncio_reap_child(pid);
    return 0;
}

#endif
