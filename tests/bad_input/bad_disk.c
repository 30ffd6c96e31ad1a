// A disk that gets full, or that is slow, for LD_PRELOAD. What is written by position to files below the
// folder BAD_DISK fails with ENOSPC, or EDQUOT with BAD_DISK_QUOTA, once that would be more than BAD_DISK_BYTES
// in all. No place can be reserved there beforehand. With SLOW_SYNC a sync there first makes the file of that name, then takes 40 s.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

static int on_bad_disk(int fd) {
    char const* const folder = getenv("BAD_DISK");
    char link[64];
    char path[4096];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t const length = readlink(link, path, sizeof path - 1);
    if (folder == NULL || length < 0) return 0;
    path[length] = '\0';
    return strncmp(path, folder, strlen(folder)) == 0;
}

static ssize_t write_there(char const* name, int fd, void const* data, size_t bytes, off64_t offset) {
    static atomic_llong written;
    char const* const room = getenv("BAD_DISK_BYTES");
    if (room != NULL && on_bad_disk(fd) &&
        atomic_fetch_add(&written, (long long)bytes) + (long long)bytes > atoll(room)) {
        errno = getenv("BAD_DISK_QUOTA") != NULL ? EDQUOT : ENOSPC;
        return -1;
    }
    ssize_t (*real)(int, void const*, size_t, off64_t);
    void* const found = dlsym(RTLD_NEXT, name);
    memcpy(&real, &found, sizeof real);
    return real(fd, data, bytes, offset);
}

static int reserve_there(char const* name, int fd, int mode, off64_t offset, off64_t bytes) {
    if (on_bad_disk(fd)) {
        errno = EOPNOTSUPP;
        return -1;
    }
    int (*real)(int, int, off64_t, off64_t);
    void* const found = dlsym(RTLD_NEXT, name);
    memcpy(&real, &found, sizeof real);
    return real(fd, mode, offset, bytes);
}

ssize_t pwrite(int fd, void const* data, size_t bytes, off_t offset) {
    return write_there("pwrite", fd, data, bytes, offset);
}
ssize_t pwrite64(int fd, void const* data, size_t bytes, off64_t offset) {
    return write_there("pwrite64", fd, data, bytes, offset);
}
int fsync(int fd) {
    char const* const sign = getenv("SLOW_SYNC");
    if (sign != NULL && on_bad_disk(fd)) {
        int const made = open(sign, O_WRONLY | O_CREAT, 0666);
        if (made >= 0) close(made);
        sleep(40);
    }
    int (*real)(int);
    void* const found = dlsym(RTLD_NEXT, "fsync");
    memcpy(&real, &found, sizeof real);
    return real(fd);
}
int fallocate(int fd, int mode, off_t offset, off_t bytes) {
    return reserve_there("fallocate", fd, mode, offset, bytes);
}
int fallocate64(int fd, int mode, off64_t offset, off64_t bytes) {
    return reserve_there("fallocate64", fd, mode, offset, bytes);
}
