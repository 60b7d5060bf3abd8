/*
 * A disk that stalls, without a change of the program that writes to it: preloaded, it holds up fsync, fdatasync and writes to descriptors that were opened with O_DSYNC
 * for STALL_MS milliseconds, at moments drawn at random, STALL_EVERY_MS apart on average. Each stall appends a byte to the file STALL_LOG.
 * dlsym is answered too, because .NET looks libc's functions up by handle, past any preloaded library.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

static void *(*true_dlsym)(void *, const char *);
static int (*true_fsync)(int);
static int (*true_fdatasync)(int);
static ssize_t (*true_pwrite)(int, const void *, size_t, off_t);

static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
static unsigned seed;
static long stall_ms, every_ms, next_at;
static int log_fd = -1;

static long now_ms(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000L + t.tv_nsec / 1000000L;
}

static long number(const char *name, long otherwise) {
    const char *text = getenv(name);
    return text ? atol(text) : otherwise;
}

/* 0.5 to 1.5 times the average. */
static long draw(void) { return every_ms / 2 + (long)(rand_r(&seed) % (unsigned)every_ms); }

static void resolve(void) {
    if (true_dlsym) return;
    const char *versions[] = { "GLIBC_2.34", "GLIBC_2.17", "GLIBC_2.2.5" };
    for (int i = 0; i < 3 && !true_dlsym; i++) true_dlsym = (void *(*)(void *, const char *))dlvsym(RTLD_NEXT, "dlsym", versions[i]);
    true_fsync = (int (*)(int))true_dlsym(RTLD_NEXT, "fsync");
    true_fdatasync = (int (*)(int))true_dlsym(RTLD_NEXT, "fdatasync");
    true_pwrite = (ssize_t (*)(int, const void *, size_t, off_t))true_dlsym(RTLD_NEXT, "pwrite");
}

__attribute__((constructor)) static void begin(void) {
    resolve();
    stall_ms = number("STALL_MS", 500);
    every_ms = number("STALL_EVERY_MS", 5000);
    seed = (unsigned)getpid();
    next_at = now_ms() + draw();
    const char *path = getenv("STALL_LOG");
    if (path) log_fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
}

static void maybe_stall(void) {
    pthread_mutex_lock(&gate);
    int due = now_ms() >= next_at;
    if (due) {
        struct timespec t = { stall_ms / 1000, stall_ms % 1000 * 1000000L };
        if (log_fd >= 0 && write(log_fd, "s", 1) < 0) log_fd = -1;
        nanosleep(&t, NULL); /* With the gate held: a disk that stalls, stalls for all. */
        next_at = now_ms() + draw();
    }
    pthread_mutex_unlock(&gate);
}

int fsync(int fd) {
    resolve();
    maybe_stall();
    return true_fsync(fd);
}

int fdatasync(int fd) {
    resolve();
    maybe_stall();
    return true_fdatasync(fd);
}

ssize_t pwrite(int fd, const void *bytes, size_t count, off_t at) {
    resolve();
    if (fcntl(fd, F_GETFL) & O_DSYNC) maybe_stall();
    return true_pwrite(fd, bytes, count, at);
}

ssize_t pwrite64(int fd, const void *bytes, size_t count, off_t at) { return pwrite(fd, bytes, count, at); }

void *dlsym(void *handle, const char *name) {
    resolve();
    if (handle != RTLD_NEXT) {
        if (!strcmp(name, "fsync")) return (void *)fsync;
        if (!strcmp(name, "fdatasync")) return (void *)fdatasync;
        if (!strcmp(name, "pwrite") || !strcmp(name, "pwrite64")) return (void *)pwrite;
    }
    return true_dlsym(handle, name);
}
