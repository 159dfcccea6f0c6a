/*
 * A time of day that jumps, for tests; loaded by LD_PRELOAD into a process and all that it starts. Every so many questions it
 * is another one: a minute, an hour, a day, a year or ten years ahead of the kernel's or behind it, the same for all
 * processes. The monotonic clock and the times of files are as they are: all files have been made just before a jump.
 *
 * GVA_CLOCK_STATE  a file of 8 bytes that all processes share: questions so far
 * GVA_CLOCK_EVERY  questions between two jumps
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static _Atomic long *questions;
static long every = 1;

/* Seconds; the first is of before the first jump. */
static const long offsets[] = { 0, 60, -3600, 86400, -86400, 31536000, -60, 315360000, 3600, -315360000 };

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

__attribute__((constructor)) static void begin(void)
{
	const char *file = getenv("GVA_CLOCK_STATE"), *many = getenv("GVA_CLOCK_EVERY");
	if (!file || !many || atol(many) < 1) return;
	every = atol(many);
	int fd = open(file, O_RDWR | O_CLOEXEC);
	if (fd < 0) return;
	void *shared = mmap(NULL, sizeof *questions, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	if (shared != MAP_FAILED) questions = shared;
}

static long offset(void)
{
	if (!questions) return 0;
	long jumps = atomic_fetch_add(questions, 1) / every;
	return offsets[(unsigned long)jumps % (sizeof offsets / sizeof *offsets)];
}

int clock_gettime(clockid_t clock, struct timespec *now)
{
	int bad = REAL(clock_gettime)(clock, now);
	if (!bad && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) now->tv_sec += offset();
	return bad;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone)
{
	int bad = REAL(gettimeofday)(now, zone);
	if (!bad) now->tv_sec += offset();
	return bad;
}

time_t time(time_t *place)
{
	time_t now = REAL(time)(NULL) + offset();
	if (place) *place = now;
	return now;
}
