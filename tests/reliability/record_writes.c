// For LD_PRELOAD: writes every change of files below the folder RECORD_BELOW, in order, to the file RECORD_TO, so
// that crash_states.py can build the files as a crash between or within two changes would have left them.
// One event: kind, file number, offset, length (u8, u32, u64, u64), then `length` bytes; kinds below.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

enum { WRITE = 1, SIZE, SYNC, CREATE, REMOVE, RENAME, FOLDER_SYNC, EXTEND, DIRECT };
// DIRECT: a write past the page cache, of which other threads may have had some under way at the same time.
// Files are known by their inode, which stays the same when they are renamed.

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void* real(char const* name) {
    return dlsym(RTLD_NEXT, name);
}

static int is_below(char const* path) {
    char const* const folder = getenv("RECORD_BELOW");
    return folder != NULL && strncmp(path, folder, strlen(folder)) == 0;
}

/// The inode of an open file below the folder, or 0.
static uint32_t file_of(int fd) {
    char link[64];
    char path[4096];
    struct stat status;
    int const before = errno;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t const length = readlink(link, path, sizeof path - 1);
    path[length < 0 ? 0 : length] = '\0';
    int const known = length > 0 && is_below(path) && fstat(fd, &status) == 0;
    errno = before;
    return known ? (uint32_t)status.st_ino : 0;
}

static uint32_t inode_of(char const* path) {
    struct stat status;
    return stat(path, &status) == 0 ? (uint32_t)status.st_ino : 0;
}

static void record(uint8_t kind, uint32_t file, uint64_t offset, void const* data, uint64_t length) {
    static int log = -1;
    int const before = errno;
    ssize_t (*write_on)(int, void const*, size_t);
    int (*open_it)(char const*, int, ...);
    *(void**)&write_on = real("write");
    *(void**)&open_it = real("open64");
    pthread_mutex_lock(&lock);
    if (log < 0) log = open_it(getenv("RECORD_TO"), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    char head[21];
    memcpy(head, &kind, 1);
    memcpy(head + 1, &file, 4);
    memcpy(head + 5, &offset, 8);
    memcpy(head + 13, &length, 8);
    if (write_on(log, head, sizeof head) != (ssize_t)sizeof head) abort();
    if (data != NULL && length > 0 && write_on(log, data, length) != (ssize_t)length) abort();
    pthread_mutex_unlock(&lock);
    errno = before;
}

static int open_and_record(char const* name, char const* path, int flags, mode_t mode) {
    int (*go)(char const*, int, ...);
    *(void**)&go = real(name);
    int const existed = !is_below(path) || inode_of(path) != 0;
    int const fd = go(path, flags, mode);
    if (fd >= 0 && is_below(path)) {
        if (!existed) record(CREATE, inode_of(path), 0, path, strlen(path));
        if (existed && (flags & O_TRUNC) != 0) record(SIZE, inode_of(path), 0, NULL, 0);
    }
    return fd;
}

int open(char const* path, int flags, ...) {
    va_list rest;
    va_start(rest, flags);
    mode_t const mode = (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(rest, mode_t) : 0;
    va_end(rest);
    return open_and_record("open", path, flags, mode);
}
int open64(char const* path, int flags, ...) {
    va_list rest;
    va_start(rest, flags);
    mode_t const mode = (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(rest, mode_t) : 0;
    va_end(rest);
    return open_and_record("open64", path, flags, mode);
}

static ssize_t write_and_record(char const* name, int fd, void const* data, size_t bytes, off64_t offset) {
    ssize_t (*go)(int, void const*, size_t, off64_t);
    *(void**)&go = real(name);
    ssize_t const done = go(fd, data, bytes, offset);
    uint32_t const file = done > 0 ? file_of(fd) : 0;
    int const flags = file != 0 ? fcntl(fd, F_GETFL) : 0;
    if (file != 0) record((flags & O_DIRECT) != 0 ? DIRECT : WRITE, file, (uint64_t)offset, data, (uint64_t)done);
    return done;
}
ssize_t pwrite(int fd, void const* data, size_t bytes, off_t offset) {
    return write_and_record("pwrite", fd, data, bytes, offset);
}
ssize_t pwrite64(int fd, void const* data, size_t bytes, off64_t offset) {
    return write_and_record("pwrite64", fd, data, bytes, offset);
}
ssize_t write(int fd, void const* data, size_t bytes) {
    ssize_t (*go)(int, void const*, size_t);
    *(void**)&go = real("write");
    uint32_t const file = file_of(fd);
    off_t const offset = file != 0 ? lseek(fd, 0, SEEK_CUR) : 0;
    ssize_t const done = go(fd, data, bytes);
    if (file != 0 && done > 0) record(WRITE, file, (uint64_t)offset, data, (uint64_t)done);
    return done;
}

static int resize(char const* name, int fd, off64_t bytes) {
    int (*go)(int, off64_t);
    *(void**)&go = real(name);
    int const status = go(fd, bytes);
    uint32_t const file = status == 0 ? file_of(fd) : 0;
    if (file != 0) record(SIZE, file, (uint64_t)bytes, NULL, 0);
    return status;
}
int ftruncate(int fd, off_t bytes) {
    return resize("ftruncate", fd, bytes);
}
int ftruncate64(int fd, off64_t bytes) {
    return resize("ftruncate64", fd, bytes);
}
static int reserve(char const* name, int fd, int mode, off64_t offset, off64_t bytes) {
    int (*go)(int, int, off64_t, off64_t);
    *(void**)&go = real(name);
    int const status = go(fd, mode, offset, bytes);
    uint32_t const file = status == 0 ? file_of(fd) : 0;
    if (file != 0) record(EXTEND, file, (uint64_t)(offset + bytes), NULL, 0);
    return status;
}
int fallocate(int fd, int mode, off_t offset, off_t bytes) {
    return reserve("fallocate", fd, mode, offset, bytes);
}
int fallocate64(int fd, int mode, off64_t offset, off64_t bytes) {
    return reserve("fallocate64", fd, mode, offset, bytes);
}

static int sync_and_record(char const* name, int fd) {
    int (*go)(int);
    *(void**)&go = real(name);
    int const status = go(fd);
    uint32_t const file = file_of(fd);
    struct stat kind;
    if (file != 0 && fstat(fd, &kind) == 0) record(S_ISDIR(kind.st_mode) ? FOLDER_SYNC : SYNC, file, 0, NULL, 0);
    return status;
}
int fsync(int fd) {
    return sync_and_record("fsync", fd);
}
int fdatasync(int fd) {
    return sync_and_record("fdatasync", fd);
}

int unlink(char const* path) {
    int (*go)(char const*);
    *(void**)&go = real("unlink");
    int const status = go(path);
    if (status == 0 && is_below(path)) record(REMOVE, 0, 0, path, strlen(path));
    return status;
}
static void record_rename(char const* from, char const* to) {
    char both[8192];
    int const length = snprintf(both, sizeof both, "%s\n%s", from, to);
    if (is_below(to)) record(RENAME, 0, 0, both, (uint64_t)length);
}
int rename(char const* from, char const* to) {
    int (*go)(char const*, char const*);
    *(void**)&go = real("rename");
    int const status = go(from, to);
    if (status == 0) record_rename(from, to);
    return status;
}
int renameat2(int from_folder, char const* from, int to_folder, char const* to, unsigned flags) {
    int (*go)(int, char const*, int, char const*, unsigned);
    *(void**)&go = real("renameat2");
    int const status = go(from_folder, from, to_folder, to, flags);
    if (status == 0) record_rename(from, to);
    return status;
}
