// A file system that refuses flock, for LD_PRELOAD.
#include <errno.h>
#include <sys/file.h>

int flock(int fd, int operation) {
    (void)fd;
    (void)operation;
    errno = ENOLCK;
    return -1;
}
