// A layer between an unchanged program and its files, loaded with LD_PRELOAD: it records every change of a
// file below POWER_FOLDER, every flush and every line on standard output in the one order in which they
// happened, and can make a flush fail, be skipped, or the disk be full. `src/lib.rs` says what the disk
// would hold if the power failed at any of these moments.
//
// It knows nothing of what is in the files. Changes through mapped memory are not seen; SQLite maps only
// its `-shm` files, which do not have to survive and are left out.

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <dirent.h>
#include <unistd.h>

static pthread_mutex_t turn = PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP;
static int record_fd = -1;
static char folder[PATH_MAX];
static char controls[PATH_MAX];

// Straight to the kernel, so that nothing here is recorded.
static ssize_t put(int fd, const void *bytes, size_t length) { return syscall(SYS_write, fd, bytes, length); }

__attribute__((constructor)) static void begin(void) {
    const char *where = getenv("POWER_FOLDER"), *record = getenv("POWER_RECORD"), *steer = getenv("POWER_CONTROLS");
    if (!where) return;
    if (!realpath(where, folder)) _exit(97);
    if (steer) snprintf(controls, sizeof controls, "%s", steer);
    if (record) {
        record_fd = (int)syscall(SYS_openat, AT_FDCWD, record, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
        if (record_fd < 0) _exit(98);
    }
}

static int ends_with(const char *path, const char *end) {
    size_t length = strlen(path), tail = strlen(end);
    return length >= tail && !strcmp(path + length - tail, end);
}

static int is_below(const char *path) {
    size_t length = strlen(folder);
    return length && !strncmp(path, folder, length) && (path[length] == '/' || !path[length]);
}

// The path of an open file, if it is one of those below the folder.
static int path_of(int fd, char *path) {
    if (!*folder) return 0;
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = syscall(SYS_readlinkat, AT_FDCWD, link, path, PATH_MAX - 1);
    if (length <= 0) return 0;
    path[length] = 0;
    return is_below(path);
}

static int is_kept(const char *path) { return !ends_with(path, "-shm"); }

static void note(char what, const char *path, const char *other, uint64_t at, const void *bytes, uint64_t length) {
    if (record_fd < 0) return;
    const char *first = path ? path + strlen(folder) : "", *second = other ? other + strlen(folder) : "";
    uint32_t lengths[2] = {(uint32_t)strlen(first), (uint32_t)strlen(second)};
    uint64_t numbers[2] = {at, length};
    struct iovec parts[] = {
        {&what, 1}, {lengths, sizeof lengths}, {numbers, sizeof numbers},
        {(void *)first, lengths[0]}, {(void *)second, lengths[1]}, {(void *)bytes, length},
    };
    size_t whole = 0;
    for (int i = 0; i < 6; i++) whole += parts[i].iov_len;
    if (syscall(SYS_writev, record_fd, parts, 6) != (ssize_t)whole) _exit(99);
}

// A control is a file that holds a number; negative if there is none.
static long long control(const char *name) {
    if (!*controls) return -1;
    char path[PATH_MAX + 32], text[32] = {0};
    snprintf(path, sizeof path, "%s/%s", controls, name);
    int fd = (int)syscall(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC, 0);
    if (fd < 0) return -1;
    ssize_t length = syscall(SYS_read, fd, text, sizeof text - 1);
    syscall(SYS_close, fd);
    return length > 0 ? atoll(text) : -1;
}

// Whether it is the turn of something that happens once, after as many others as its control says.
static int is_its_turn(const char *name) {
    long long left = control(name);
    if (left < 0) return 0;
    char path[PATH_MAX + 32], text[32];
    snprintf(path, sizeof path, "%s/%s", controls, name);
    if (left == 0) return syscall(SYS_unlinkat, AT_FDCWD, path, 0) == 0;
    int fd = (int)syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_TRUNC | O_CLOEXEC, 0);
    if (fd < 0) return 0;
    put(fd, text, (size_t)snprintf(text, sizeof text, "%lld", left - 1));
    syscall(SYS_close, fd);
    return 0;
}

static long long taken(void) {
    long long sum = 0;
    DIR *list = opendir(folder);
    if (!list) return 0;
    for (struct dirent *entry; (entry = readdir(list));) {
        struct stat found;
        if (!fstatat(dirfd(list), entry->d_name, &found, 0) && S_ISREG(found.st_mode)) sum += found.st_size;
    }
    closedir(list);
    return sum;
}

static int is_full(int fd, uint64_t end) {
    long long most = control("room");
    struct stat found;
    if (most < 0 || fstat(fd, &found) || end <= (uint64_t)found.st_size) return 0;
    return taken() + (long long)(end - (uint64_t)found.st_size) > most;
}

static ssize_t write_at(int fd, const void *bytes, size_t length, int64_t at) {
    char path[PATH_MAX];
    pthread_mutex_lock(&turn);
    int ours = path_of(fd, path);
    uint64_t offset = (uint64_t)at;
    if (ours && at < 0) {
        struct stat found;
        int appends = fcntl(fd, F_GETFL) & O_APPEND;
        offset = appends && !fstat(fd, &found) ? (uint64_t)found.st_size : (uint64_t)lseek(fd, 0, SEEK_CUR);
    }
    ssize_t done;
    if (ours && is_full(fd, offset + length)) {
        errno = ENOSPC;
        done = -1;
    } else {
        done = at < 0 ? put(fd, bytes, length) : syscall(SYS_pwrite64, fd, bytes, length, at);
    }
    int why = errno;
    if (done > 0 && ours && is_kept(path)) note('W', path, 0, offset, bytes, (uint64_t)done);
    if (done > 0 && fd == 1) note('A', 0, 0, 0, bytes, (uint64_t)done);
    pthread_mutex_unlock(&turn);
    errno = why;
    return done;
}

ssize_t write(int fd, const void *bytes, size_t length) { return write_at(fd, bytes, length, -1); }
ssize_t pwrite(int fd, const void *bytes, size_t length, off_t at) { return write_at(fd, bytes, length, at); }
ssize_t pwrite64(int fd, const void *bytes, size_t length, off64_t at) { return write_at(fd, bytes, length, at); }

// Short by design: only the first part, as the kernel may.
ssize_t writev(int fd, const struct iovec *parts, int count) {
    char path[PATH_MAX];
    if (fd != 1 && !path_of(fd, path)) return syscall(SYS_writev, fd, parts, count);
    for (int i = 0; i < count; i++)
        if (parts[i].iov_len) return write(fd, parts[i].iov_base, parts[i].iov_len);
    return 0;
}

static int cut(int fd, off64_t length) {
    char path[PATH_MAX];
    pthread_mutex_lock(&turn);
    int done = (int)syscall(SYS_ftruncate, fd, length);
    if (!done && path_of(fd, path) && is_kept(path)) note('T', path, 0, (uint64_t)length, 0, 0);
    pthread_mutex_unlock(&turn);
    return done;
}

int ftruncate(int fd, off_t length) { return cut(fd, length); }
int ftruncate64(int fd, off64_t length) { return cut(fd, length); }

static int flush(int fd, long call) {
    char path[PATH_MAX];
    if (!path_of(fd, path) || !is_kept(path)) return (int)syscall(call, fd);
    pthread_mutex_lock(&turn);
    struct stat found;
    int is_folder = !fstat(fd, &found) && S_ISDIR(found.st_mode), done = 0;
    if (control("skip-flush") < 0) {
        int fails = !is_folder && is_its_turn(ends_with(path, "-wal") ? "fail-wal-flush" : "fail-flush");
        done = fails ? -1 : (int)syscall(call, fd);
        note(is_folder ? 'D' : 'S', path, 0, done == 0, 0, 0);
        if (fails) errno = EIO;
    }
    int why = errno;
    pthread_mutex_unlock(&turn);
    errno = why;
    return done;
}

int fsync(int fd) { return flush(fd, SYS_fsync); }
int fdatasync(int fd) { return flush(fd, SYS_fdatasync); }

static int open_at(int from, const char *name, int flags, mode_t mode) {
    struct stat found;
    char path[PATH_MAX];
    pthread_mutex_lock(&turn);
    int is_new = (flags & O_CREAT) && fstatat(from, name, &found, 0);
    int fd = (int)syscall(SYS_openat, from, name, flags, mode);
    int why = errno;
    if (fd >= 0 && (flags & (O_CREAT | O_TRUNC)) && path_of(fd, path) && is_kept(path)) {
        if (is_new) note('C', path, 0, 0, 0, 0);
        else if (flags & O_TRUNC) note('T', path, 0, 0, 0, 0);
    }
    pthread_mutex_unlock(&turn);
    errno = why;
    return fd;
}

#define MODE(flags) ({ mode_t mode = 0; if (flags & (O_CREAT | O_TMPFILE)) { va_list rest; va_start(rest, flags); mode = va_arg(rest, mode_t); va_end(rest); } mode; })

int open(const char *name, int flags, ...) { return open_at(AT_FDCWD, name, flags, MODE(flags)); }
int open64(const char *name, int flags, ...) { return open_at(AT_FDCWD, name, flags, MODE(flags)); }
int openat(int from, const char *name, int flags, ...) { return open_at(from, name, flags, MODE(flags)); }
int openat64(int from, const char *name, int flags, ...) { return open_at(from, name, flags, MODE(flags)); }

int rename(const char *from, const char *to) {
    char first[PATH_MAX], second[PATH_MAX];
    pthread_mutex_lock(&turn);
    int is_ours = realpath(from, first) && is_below(first);
    int done = (int)syscall(SYS_renameat, AT_FDCWD, from, AT_FDCWD, to);
    int why = errno;
    if (!done && is_ours && realpath(to, second) && is_below(second)) note('R', first, second, 0, 0, 0);
    pthread_mutex_unlock(&turn);
    errno = why;
    return done;
}

int unlink(const char *name) {
    char path[PATH_MAX];
    pthread_mutex_lock(&turn);
    int is_ours = realpath(name, path) && is_below(path) && is_kept(path);
    int done = (int)syscall(SYS_unlinkat, AT_FDCWD, name, 0);
    int why = errno;
    if (!done && is_ours) note('U', path, 0, 0, 0, 0);
    pthread_mutex_unlock(&turn);
    errno = why;
    return done;
}
