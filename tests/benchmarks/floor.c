/* The floor in C: publish, and claim + read + done with a sidecar, in a directory given.
 * floor DIR publish|take COUNT FIRST SYNC: prints nanoseconds for one task. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static char payload[200], sidecar[208];

static void must(int ok, const char *what) {
    if (!ok) {
        perror(what);
        exit(1);
    }
}

static void make(const char *path, const char *data, size_t size, int sync) {
    int handle = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    must(handle >= 0, path);
    must(write(handle, data, size) == (ssize_t)size, "write");
    if (sync) must(fsync(handle) == 0, "fsync");
    close(handle);
}

static void sync_directory(const char *path) {
    int handle = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    must(handle >= 0 && fsync(handle) == 0, path);
    close(handle);
}

int main(int argc, char **argv) {
    char one[400], two[400], three[400], read_into[256];
    if (argc != 6) return 2;
    long count = atol(argv[3]), first = atol(argv[4]);
    int sync = atoi(argv[5]), takes = strcmp(argv[2], "take") == 0;
    struct timespec began, ended;
    memset(payload, 'x', sizeof payload);
    memset(sidecar, ' ', sizeof sidecar);
    must(chdir(argv[1]) == 0, argv[1]);
    clock_gettime(CLOCK_MONOTONIC, &began);
    for (long number = first; number < first + count; number++) {
        if (!takes) {
            snprintf(one, sizeof one, "%s/drafts/c-4711-%010ld.task", argv[1], number);
            snprintf(two, sizeof two, "%s/ready/5-20261124T093000000000-%08ld", argv[1], number);
            make(one, payload, sizeof payload, sync);
            must(rename(one, two) == 0, two);
            if (sync) sync_directory("ready");
            continue;
        }
        snprintf(one, sizeof one, "%s/leased/c-4711-%010ld.lease", argv[1], number);
        make(one, sidecar, sizeof sidecar, 0);
        snprintf(two, sizeof two, "%s/ready/5-20261124T093000000000-%08ld", argv[1], number);
        snprintf(three, sizeof three, "%s/leased/5-20261124T093000000000-%08ld.1.c-4711-%010ld",
                 argv[1], number, number);
        must(rename(two, three) == 0, three);
        int handle = open(three, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
        must(handle >= 0 && read(handle, read_into, sizeof read_into) > 0, three);
        close(handle);
        snprintf(two, sizeof two, "%s/done/5-20261124T093000000000-%08ld", argv[1], number);
        must(rename(three, two) == 0, two);
        if (sync) sync_directory("done");
        must(unlink(one) == 0, one);
    }
    clock_gettime(CLOCK_MONOTONIC, &ended);
    printf("%ld\n", ((ended.tv_sec - began.tv_sec) * 1000000000L + ended.tv_nsec - began.tv_nsec) / count);
    return 0;
}
