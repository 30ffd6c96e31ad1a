// A disk that gets full, for LD_PRELOAD: what is written by position to files below the folder FULL_DISK fails with
// ENOSPC once that would be more than FULL_DISK_BYTES in all. No place can be reserved there beforehand.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

static int on_full_disk(int fd) {
    char const* const folder = getenv("FULL_DISK");
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
    char const* const room = getenv("FULL_DISK_BYTES");
    if (room != NULL && on_full_disk(fd) && atomic_fetch_add(&written, (long long)bytes) + (long long)bytes > atoll(room)) {
        errno = ENOSPC;
        return -1;
    }
    ssize_t (*real)(int, void const*, size_t, off64_t);
    void* const found = dlsym(RTLD_NEXT, name);
    memcpy(&real, &found, sizeof real);
    return real(fd, data, bytes, offset);
}

static int reserve_there(char const* name, int fd, int mode, off64_t offset, off64_t bytes) {
    if (on_full_disk(fd)) {
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
int fallocate(int fd, int mode, off_t offset, off_t bytes) {
    return reserve_there("fallocate", fd, mode, offset, bytes);
}
int fallocate64(int fd, int mode, off64_t offset, off64_t bytes) {
    return reserve_there("fallocate64", fd, mode, offset, bytes);
}
