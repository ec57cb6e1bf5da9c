/* Makes a program fail where a test says, through LD_PRELOAD: it counts the calls that change files below a folder, or
 * that read there, and at one of them the process is killed, or the call fails.
 *
 *   FAULT_FOLDER  calls on files below this folder are counted, an absolute path
 *   FAULT_CALL    which calls count: write, fsync, rename, unlink, mkdir, rmdir, truncate, create, or any of these; read,
 *                 lock
 *   FAULT_AT      at which of them something happens, counted from 1; 0 or nothing: never
 *   FAULT_DO      kill-before, kill-after, or the error: ENOSPC, EIO, ENOLCK, EIO-once; or short: the write writes half of
 *                 its bytes
 *   FAULT_COUNTS  a file that gets one line `call number path` for each call
 *
 * Errors go on, unless they are to come once: every later call of the same kind fails too, as on a full disk.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

enum what { NOTHING, KILL_BEFORE, KILL_AFTER, FAIL, FAIL_ONCE, SHORT };

static atomic_long counted;
static const char *folder, *call;
static long at;
static enum what what;
static int failure, counts = -1;

__attribute__((constructor)) static void start(void)
{
    const char *number = getenv("FAULT_AT"), *action = getenv("FAULT_DO"), *file = getenv("FAULT_COUNTS");
    folder = getenv("FAULT_FOLDER");
    call = getenv("FAULT_CALL");
    at = number ? atol(number) : 0;
    if (action) {
        what = !strcmp(action, "kill-before") ? KILL_BEFORE : !strcmp(action, "kill-after") ? KILL_AFTER
             : !strcmp(action, "short") ? SHORT : strstr(action, "-once") ? FAIL_ONCE : FAIL;
        failure = !strncmp(action, "ENOSPC", 6) ? ENOSPC : !strncmp(action, "ENOLCK", 6) ? ENOLCK : EIO;
    }
    if (file)
        counts = syscall(SYS_openat, AT_FDCWD, file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
}

static int is_below(const char *path)
{
    size_t length = folder ? strlen(folder) : 0;
    return length && !strncmp(path, folder, length) && (path[length] == '/' || path[length] == 0);
}

/* The path of an open file, or the absolute one of a name. */
static const char *place_of(int fd, const char *name, char path[PATH_MAX])
{
    char link[40];
    ssize_t length;
    if (name && name[0] == '/')
        return name;
    if (name && fd == AT_FDCWD) {
        if (!getcwd(path, PATH_MAX))
            return "";
    } else {
        snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
        length = syscall(SYS_readlinkat, AT_FDCWD, link, path, PATH_MAX - 1);
        if (length < 0)
            return "";
        path[length] = 0;
    }
    if (name && strlen(path) + strlen(name) + 2 < PATH_MAX)
        strcat(strcat(path, "/"), name);
    return path;
}

/* Counts a call. What is to happen to it. */
static enum what happens(const char *kind, int fd, const char *name)
{
    char path[PATH_MAX];
    const char *place;
    long number;
    int saved = errno;
    if (!folder || !call)
        return NOTHING;
    if (strcmp(call, kind) && (strcmp(call, "any") || !strcmp(kind, "read") || !strcmp(kind, "lock")))
        return NOTHING;
    place = place_of(fd, name, path);
    errno = saved;
    if (!is_below(place))
        return NOTHING;
    number = atomic_fetch_add(&counted, 1) + 1;
    if (counts >= 0) {
        char line[PATH_MAX + 40];
        int length = snprintf(line, sizeof line, "%s %ld %s\n", kind, number, place);
        syscall(SYS_write, counts, line, length);
    }
    if (at == 0 || number < at || (number > at && what != FAIL))
        return NOTHING;
    if (what == KILL_BEFORE)
        syscall(SYS_kill, getpid(), SIGKILL);
    if (what == FAIL || what == FAIL_ONCE)
        errno = failure;
    return what == FAIL_ONCE ? FAIL : what;
}

#define NEXT(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

/* Does a call of `kind`, unless something else is to happen. */
#define DO(kind, fd, name, failed, ...)                     \
    enum what now = happens(kind, fd, name);                \
    if (now == FAIL)                                        \
        return failed;                                      \
    __typeof__(failed) done = __VA_ARGS__;                  \
    if (now == KILL_AFTER)                                  \
        syscall(SYS_kill, getpid(), SIGKILL);               \
    return done

#define HALF(size) (now == SHORT && (size) > 1 ? (size) / 2 : (size))

ssize_t write(int fd, const void *bytes, size_t size)
{
    DO("write", fd, NULL, (ssize_t)-1, NEXT(write)(fd, bytes, HALF(size)));
}

ssize_t pwrite(int fd, const void *bytes, size_t size, off_t offset)
{
    DO("write", fd, NULL, (ssize_t)-1, NEXT(pwrite)(fd, bytes, HALF(size), offset));
}

ssize_t pwrite64(int fd, const void *bytes, size_t size, off64_t offset)
{
    DO("write", fd, NULL, (ssize_t)-1, NEXT(pwrite64)(fd, bytes, HALF(size), offset));
}

ssize_t writev(int fd, const struct iovec *pieces, int count)
{
    DO("write", fd, NULL, (ssize_t)-1, NEXT(writev)(fd, pieces, count));
}

ssize_t copy_file_range(int from, off64_t *from_at, int to, off64_t *to_at, size_t size, unsigned flags)
{
    DO("write", to, NULL, (ssize_t)-1, NEXT(copy_file_range)(from, from_at, to, to_at, size, flags));
}

ssize_t read(int fd, void *bytes, size_t size)
{
    DO("read", fd, NULL, (ssize_t)-1, NEXT(read)(fd, bytes, size));
}

ssize_t pread(int fd, void *bytes, size_t size, off_t offset)
{
    DO("read", fd, NULL, (ssize_t)-1, NEXT(pread)(fd, bytes, size, offset));
}

ssize_t pread64(int fd, void *bytes, size_t size, off64_t offset)
{
    DO("read", fd, NULL, (ssize_t)-1, NEXT(pread64)(fd, bytes, size, offset));
}

ssize_t preadv2(int fd, const struct iovec *parts, int count, off_t offset, int flags)
{
    DO("read", fd, NULL, (ssize_t)-1, NEXT(preadv2)(fd, parts, count, offset, flags));
}

ssize_t preadv64v2(int fd, const struct iovec *parts, int count, off64_t offset, int flags)
{
    DO("read", fd, NULL, (ssize_t)-1, NEXT(preadv64v2)(fd, parts, count, offset, flags));
}

int fsync(int fd)
{
    DO("fsync", fd, NULL, -1, NEXT(fsync)(fd));
}

int flock(int fd, int operation)
{
    DO("lock", fd, NULL, -1, NEXT(flock)(fd, operation));
}

int fdatasync(int fd)
{
    DO("fsync", fd, NULL, -1, NEXT(fdatasync)(fd));
}

int ftruncate(int fd, off_t length)
{
    DO("truncate", fd, NULL, -1, NEXT(ftruncate)(fd, length));
}

int ftruncate64(int fd, off64_t length)
{
    DO("truncate", fd, NULL, -1, NEXT(ftruncate64)(fd, length));
}

int rename(const char *from, const char *to)
{
    DO("rename", AT_FDCWD, to, -1, NEXT(rename)(from, to));
}

int renameat(int from_at, const char *from, int to_at, const char *to)
{
    DO("rename", to_at, to, -1, NEXT(renameat)(from_at, from, to_at, to));
}

int renameat2(int from_at, const char *from, int to_at, const char *to, unsigned flags)
{
    DO("rename", to_at, to, -1, NEXT(renameat2)(from_at, from, to_at, to, flags));
}

int linkat(int from_at, const char *from, int to_at, const char *to, int flags)
{
    DO("rename", to_at, to, -1, NEXT(linkat)(from_at, from, to_at, to, flags));
}

int unlink(const char *path)
{
    DO("unlink", AT_FDCWD, path, -1, NEXT(unlink)(path));
}

int unlinkat(int fd, const char *path, int flags)
{
    DO(flags & AT_REMOVEDIR ? "rmdir" : "unlink", fd, path, -1, NEXT(unlinkat)(fd, path, flags));
}

int mkdir(const char *path, mode_t mode)
{
    DO("mkdir", AT_FDCWD, path, -1, NEXT(mkdir)(path, mode));
}

int rmdir(const char *path)
{
    DO("rmdir", AT_FDCWD, path, -1, NEXT(rmdir)(path));
}

/* Opening counts where it is for writing. */
#define OPEN(function, fd, path, flags, ...)                                        \
    if (((flags) & O_ACCMODE) == O_RDONLY)                                          \
        return NEXT(function)(__VA_ARGS__);                                         \
    DO("create", fd, path, -1, NEXT(function)(__VA_ARGS__))

static mode_t mode_of(int flags, va_list more)
{
    return flags & (O_CREAT | O_TMPFILE) ? va_arg(more, mode_t) : 0;
}

#define MODE(mode, flags)                   \
    va_list more;                           \
    va_start(more, flags);                  \
    mode_t mode = mode_of(flags, more);     \
    va_end(more)

int open(const char *path, int flags, ...)
{
    MODE(mode, flags);
    OPEN(open, AT_FDCWD, path, flags, path, flags, mode);
}

int open64(const char *path, int flags, ...)
{
    MODE(mode, flags);
    OPEN(open64, AT_FDCWD, path, flags, path, flags, mode);
}

int openat(int fd, const char *path, int flags, ...)
{
    MODE(mode, flags);
    OPEN(openat, fd, path, flags, fd, path, flags, mode);
}

int openat64(int fd, const char *path, int flags, ...)
{
    MODE(mode, flags);
    OPEN(openat64, fd, path, flags, fd, path, flags, mode);
}
