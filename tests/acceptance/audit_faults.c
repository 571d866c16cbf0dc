/* Preloaded into a server: breaks system calls by which it writes the record of changes.
 *
 * RECORD is the record's directory, TRACE a file that is told each such call, FAULT_AT the number of the first one to break (from
 * 1; 0: none), FAULTS how many after each other, and FAULT how: EIO and ENOSPC fail, HALF writes half and then has no room,
 * KILL_BEFORE and KILL_AFTER are kill -9, and HANG lasts until there is a file TRACE.goes-on. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

static pthread_mutex_t one_by_one = PTHREAD_MUTEX_INITIALIZER;
static int so_far;

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

enum fault { NONE, FAILS, HALF, KILL_AFTER };

/* What is to become of a call on this path; errno is set where it fails. */
static enum fault fate(const char *call, const char *path) {
    const char *record = getenv("RECORD"), *trace = getenv("TRACE"), *at = getenv("FAULT_AT"), *fault = getenv("FAULT");
    const char *faults = getenv("FAULTS");
    if (record == NULL || trace == NULL || strncmp(path, record, strlen(record)) != 0)
        return NONE;
    pthread_mutex_lock(&one_by_one);
    int number = ++so_far;
    char line[4200];
    int length = snprintf(line, sizeof line, "%d %s %s\n", number, call, path + strlen(record));
    int file = REAL(open64)(trace, O_WRONLY | O_CREAT | O_APPEND, 0600);
    if (REAL(write)(file, line, length) != length)
        abort();
    close(file);
    pthread_mutex_unlock(&one_by_one);
    if (at == NULL || faults == NULL || fault == NULL || atoi(at) == 0)
        return NONE;
    if (number < atoi(at) || number >= atoi(at) + atoi(faults))
        return NONE;
    if (strcmp(fault, "KILL_BEFORE") == 0)
        raise(SIGKILL);
    if (strcmp(fault, "KILL_AFTER") == 0)
        return KILL_AFTER;
    if (strcmp(fault, "HANG") == 0) {
        char goes_on[4200];
        snprintf(goes_on, sizeof goes_on, "%s.goes-on", trace);
        while (access(goes_on, F_OK) != 0)
            usleep(10000);
        return NONE;
    }
    errno = strcmp(fault, "EIO") == 0 ? EIO : ENOSPC;
    return strcmp(fault, "HALF") == 0 && strcmp(call, "write") == 0 ? HALF : FAILS;
}

static enum fault fate_of(const char *call, int descriptor) {
    char name[64], path[4096];
    snprintf(name, sizeof name, "/proc/self/fd/%d", descriptor);
    ssize_t length = readlink(name, path, sizeof path - 1);
    if (length < 0)
        return NONE;
    path[length] = 0;
    return fate(call, path);
}

/* Once the call has been made. */
static long made(enum fault fault, long result) {
    if (fault == KILL_AFTER)
        raise(SIGKILL);
    return result;
}

ssize_t write(int descriptor, const void *bytes, size_t count) {
    enum fault fault = fate_of("write", descriptor);
    if (fault == FAILS)
        return -1;
    if (fault == HALF) {
        REAL(write)(descriptor, bytes, count / 2);
        errno = ENOSPC;
        return -1;
    }
    return made(fault, REAL(write)(descriptor, bytes, count));
}

int fdatasync(int descriptor) {
    enum fault fault = fate_of("fdatasync", descriptor);
    return fault == FAILS ? -1 : (int)made(fault, REAL(fdatasync)(descriptor));
}

int fsync(int descriptor) {
    enum fault fault = fate_of("fsync", descriptor);
    return fault == FAILS ? -1 : (int)made(fault, REAL(fsync)(descriptor));
}

int ftruncate64(int descriptor, off64_t length) {
    enum fault fault = fate_of("ftruncate", descriptor);
    return fault == FAILS ? -1 : (int)made(fault, REAL(ftruncate64)(descriptor, length));
}

int open64(const char *path, int flags, ...) {
    va_list more;
    va_start(more, flags);
    mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(more, mode_t) : 0;
    va_end(more);
    enum fault fault = flags & (O_WRONLY | O_RDWR) ? fate("open", path) : NONE;
    return fault == FAILS ? -1 : (int)made(fault, REAL(open64)(path, flags, mode));
}
