/*
 * A fault layer for tests, loaded by LD_PRELOAD into a process and all that it starts: counts the file operations on what is
 * below one folder, and makes one of them, or some in a row, fail. Node.js, SQLite and the tools that GVA starts all ask
 * the C library for them.
 *
 * GVA_FAULT_ROOT   the folder, without links in its name
 * GVA_FAULT_STATE  a file that all processes share, zeros at first: operations so far, faults, group of the first process, 8 bytes
 *                  each; with GVA_FAULT_LATE 1.5 MiB more for new names
 * GVA_FAULT_LOG    what was made to fail; with CUT also what was written and synced: "w INODE SIZE", "s INODE SIZE", "c INODE SIZE",
 *                  and what was there before: "b INODE SIZE", and "o INODE OFFSET BYTES" of what is overwritten or cut off
 * GVA_FAULT_KIND   ENOSPC, EMFILE, EIO, EACCES, SHORT (a write writes half), CUT (the group of the first process is killed), NONE;
 *                  of network file systems: ESTALE, ENOLCK, REPLY (done, but its answer was lost: what the same request is
 *                  answered the second time)
 * GVA_FAULT_AT     number of the first operation that fails, from 1; of those that can fail in that way
 * GVA_FAULT_FOR    how many fail in a row; 1 where absent
 * GVA_FAULT_EVERY  one fails in so many, besides
 * GVA_FAULT_LATE   milliseconds before other process groups see a new name; each group stands for a machine
 */
#define _GNU_SOURCE
#include <dirent.h>
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
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum { READING = 1, WRITING = 2, MAKING = 4, DATA = 8, SYNC = 16, RENAME = 32, MKDIR = 64, LINK = 128, SIZE = 256, REMOVE = 512, LOOK = 1024, LIST = 2048, PIPE = 4096, LOCK = 8192 };

static const struct { const char *name; int number; int can; } kinds[] = {
	{ "ENOSPC", ENOSPC, MAKING | DATA | SYNC | RENAME | MKDIR | LINK | SIZE },
	{ "EMFILE", EMFILE, READING | WRITING | MAKING | LIST | PIPE },
	{ "EIO", EIO, READING | WRITING | MAKING | DATA | SYNC | RENAME | MKDIR | LINK | SIZE | REMOVE | LOOK | LIST },
	{ "EACCES", EACCES, READING | WRITING | MAKING | RENAME | MKDIR | LINK | REMOVE | LIST },
	{ "ESTALE", ESTALE, READING | WRITING | DATA | SYNC | RENAME | MKDIR | LINK | REMOVE | LOOK | LIST },
	{ "ENOLCK", ENOLCK, LOCK },
	{ "REPLY", 0, RENAME | MKDIR | LINK | REMOVE },
	{ "SHORT", 0, DATA },
	{ "NONE", 0, 0 },
	{ "CUT", 0, MAKING | DATA | SYNC | RENAME | MKDIR | LINK | SIZE | REMOVE },
};

enum { SLOTS = 1 << 16 };
static struct {
	_Atomic long count, faults, group;
	/* By the digest of the path: whose it is, and until when others do not see it. */
	struct { _Atomic unsigned long path; _Atomic long group, until; } late[];
} *state;
static const char *root;
static size_t root_length;
static int kind = -1, journal = -1, cut, reply;
static long first, amount = 1, every, lateness;

#define REAL(name) ((__typeof__(&name))real(#name))
static void *real(const char *name) { return dlsym(RTLD_NEXT, name); }

__attribute__((constructor)) static void begin(void)
{
	const char *file = getenv("GVA_FAULT_STATE"), *log = getenv("GVA_FAULT_LOG"), *what = getenv("GVA_FAULT_KIND");
	const char *at = getenv("GVA_FAULT_AT"), *many = getenv("GVA_FAULT_FOR");
	const char *often = getenv("GVA_FAULT_EVERY"), *late = getenv("GVA_FAULT_LATE");
	int fd;
	if (!file || !log || !what || !getenv("GVA_FAULT_ROOT")) return;
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
		if (!strcmp(what, kinds[i].name)) kind = (int)i;
	cut = !strcmp(what, "CUT");
	reply = !strcmp(what, "REPLY");
	every = often ? atol(often) : 0;
	lateness = late ? atol(late) : 0;
	first = at ? atol(at) : 0;
	amount = many ? atol(many) : 1;
	if ((fd = REAL(open)(file, O_RDWR | O_CLOEXEC)) < 0) return;
	state = mmap(NULL, sizeof *state + (lateness ? SLOTS * sizeof *state->late : 0), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	REAL(close)(fd);
	/* High, for shells have the low ones for themselves. */
	fd = REAL(open)(log, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
	journal = REAL(fcntl)(fd, F_DUPFD_CLOEXEC, 900);
	REAL(close)(fd);
	if (state == MAP_FAILED || kind < 0) return;
	long nobody = 0;
	atomic_compare_exchange_strong(&state->group, &nobody, (long)getpgrp());
	root = getenv("GVA_FAULT_ROOT");
	root_length = strlen(root);
}

__attribute__((format(printf, 1, 2))) static void note(const char *format, ...)
{
	char line[PATH_MAX + 100];
	va_list arguments;
	va_start(arguments, format);
	int length = vsnprintf(line, sizeof line, format, arguments);
	va_end(arguments);
	if (REAL(write)(journal, line, (size_t)length) < 0) abort();
}

static int below(const char *path) { return root && !strncmp(path, root, root_length) && path[root_length] == '/'; }

/* Whether a name, from a folder that is open, leads below the root; its whole name in `whole`. */
static int inside(int folder, const char *path, char whole[PATH_MAX])
{
	char link[40], base[PATH_MAX] = "";
	ssize_t length;
	if (!root || !path) return 0;
	if (*path != '/') {
		if (folder == AT_FDCWD) strcpy(link, "/proc/self/cwd");
		else snprintf(link, sizeof link, "/proc/self/fd/%d", folder);
		if ((length = readlink(link, base, sizeof base - 1)) < 0) return 0;
		base[length] = '\0';
	}
	snprintf(whole, PATH_MAX, "%.2000s%s%.2000s", base, *path == '/' ? "" : "/", path);
	return below(whole);
}

static int open_inside(int fd, char whole[PATH_MAX])
{
	char link[40];
	ssize_t length;
	if (!root) return 0;
	snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
	if ((length = readlink(link, whole, PATH_MAX - 1)) < 0) return 0;
	whole[length] = '\0';
	return below(whole);
}

/* Counts an operation; whether it is to fail, with errno set. */
static int fails(int operation, const char *name, const char *path)
{
	if (!(kinds[kind].can & operation)) return 0;
	long number = atomic_fetch_add(&state->count, 1) + 1;
	int chosen = number >= first && number < first + amount;
	if (!chosen && (every == 0 || number % every != 0)) return 0;
	atomic_fetch_add(&state->faults, 1);
	note("! %ld %s %s %s\n", number, kinds[kind].name, name, path);
	if (cut) {
		kill(-(pid_t)state->group, SIGKILL);
		pause();
	}
	errno = kinds[kind].number;
	return 1;
}

/* What the server says to the second request, when the answer to the first was lost. */
static int again(int operation) { return operation & (MKDIR | LINK) ? EEXIST : ENOENT; }

static long milliseconds(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static unsigned long digest(const char *path, size_t length)
{
	/* FNV-1a */
	unsigned long value = 14695981039346656037u;
	for (size_t i = 0; i < length; i++) value = (value ^ (unsigned char)path[i]) * 1099511628211u;
	return value;
}

/* A new name: others are to see it later. */
static void appeared(const char *path)
{
	if (!lateness) return;
	unsigned long value = digest(path, strlen(path));
	__typeof__(&state->late[0]) slot = &state->late[value % SLOTS];
	slot->until = milliseconds() + lateness;
	slot->group = getpgrp();
	slot->path = value;
}

/* Whether it, or a folder above it, is not to be seen yet. */
static int hidden(const char *path)
{
	if (!lateness) return 0;
	for (size_t length = root_length + 1;; length++) {
		if (path[length] != '/' && path[length] != '\0') continue;
		unsigned long value = digest(path, length);
		__typeof__(&state->late[0]) slot = &state->late[value % SLOTS];
		if (slot->path == value && slot->group != getpgrp() && slot->until > milliseconds()) {
			errno = ENOENT;
			return 1;
		}
		if (path[length] == '\0') return 0;
	}
}

static int is_new(const char *path) { return (cut || lateness) && REAL(access)(path, F_OK) != 0; }

static void noted(char what, int fd)
{
	struct stat info;
	if (cut && fstat(fd, &info) == 0) note("%c %lu %ld\n", what, (unsigned long)info.st_ino, (long)info.st_size);
}

/* What a file has, before that is overwritten from an offset on. It may have been opened for writing only. */
static void overwritten(int fd, off_t at, size_t size)
{
	char name[40];
	unsigned char old[4096];
	struct stat info;
	ssize_t length;
	if (!cut || fstat(fd, &info) < 0 || !S_ISREG(info.st_mode)) return;
	note("b %lu %ld\n", (unsigned long)info.st_ino, (long)info.st_size);
	if (size == 0 || at >= info.st_size) return;
	snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
	int reader = REAL(open)(name, O_RDONLY | O_CLOEXEC);
	for (; reader >= 0 && size > 0; size -= (size_t)length, at += length) {
		if ((length = REAL(pread64)(reader, old, size < sizeof old ? size : sizeof old, at)) <= 0) break;
		char line[2 * sizeof old + 64];
		int end = snprintf(line, sizeof line, "o %lu %ld ", (unsigned long)info.st_ino, (long)at);
		for (ssize_t i = 0; i < length; i++) end += sprintf(line + end, "%02x", old[i]);
		line[end++] = '\n';
		if (REAL(write)(journal, line, (size_t)end) < 0) abort();
	}
	if (reader >= 0) REAL(close)(reader);
}

/* Where the next write of a file without an offset goes. */
static off_t place(int fd)
{
	int flags = REAL(fcntl)(fd, F_GETFL);
	return flags < 0 || (flags & O_APPEND) ? LONG_MAX : lseek(fd, 0, SEEK_CUR);
}

static size_t total(const struct iovec *parts, int count)
{
	size_t size = 0;
	for (int i = 0; i < count; i++) size += parts[i].iov_len;
	return size;
}

/* What opening a file anew takes away. */
static void emptied(const char *path)
{
	int fd = cut ? REAL(open)(path, O_RDONLY | O_CLOEXEC) : -1;
	if (fd < 0) return;
	overwritten(fd, 0, LONG_MAX);
	REAL(close)(fd);
}

static int opening(int flags)
{
	return flags & O_CREAT ? MAKING : (flags & O_ACCMODE) == O_RDONLY ? READING : WRITING;
}

#define OPEN(name, folder, prototype, call) \
	int name prototype \
	{ \
		char whole[PATH_MAX]; \
		mode_t mode = 0; \
		if (flags & (O_CREAT | O_TMPFILE)) { \
			va_list arguments; \
			va_start(arguments, flags); \
			mode = va_arg(arguments, mode_t); \
			va_end(arguments); \
		} \
		if (!inside(folder, path, whole)) return REAL(name) call; \
		if (hidden(whole) || fails(opening(flags), "open", whole)) return -1; \
		int made = (flags & O_CREAT) && is_new(whole); \
		if (flags & O_TRUNC) emptied(whole); \
		int fd = REAL(name) call; \
		if (fd >= 0 && made) appeared(whole); \
		if (fd >= 0 && made) noted('c', fd); \
		else if (fd >= 0 && (flags & O_TRUNC)) noted('w', fd); \
		return fd; \
	}
OPEN(open, AT_FDCWD, (const char *path, int flags, ...), (path, flags, mode))
OPEN(open64, AT_FDCWD, (const char *path, int flags, ...), (path, flags, mode))
OPEN(openat, folder, (int folder, const char *path, int flags, ...), (folder, path, flags, mode))
OPEN(openat64, folder, (int folder, const char *path, int flags, ...), (folder, path, flags, mode))

/* From `at` on, `size` bytes are written over; `half` is the call that writes half of it. */
#define WRITE(name, prototype, call, at, size, half) \
	ssize_t name prototype \
	{ \
		char whole[PATH_MAX]; \
		if (!open_inside(fd, whole)) return REAL(name) call; \
		int bad = fails(DATA, #name, whole); \
		if (bad && errno != 0) return -1; \
		overwritten(fd, at, size); \
		ssize_t done = bad ? half : REAL(name) call; \
		noted('w', fd); \
		return done; \
	}
#define HALF(size) ((size) > 1 ? (size) / 2 : (size))
WRITE(write, (int fd, const void *data, size_t size), (fd, data, size), place(fd), size, REAL(write)(fd, data, HALF(size)))
WRITE(pwrite, (int fd, const void *data, size_t size, off_t at), (fd, data, size, at), at, size, REAL(pwrite)(fd, data, HALF(size), at))
WRITE(pwrite64, (int fd, const void *data, size_t size, off64_t at), (fd, data, size, at), at, size, REAL(pwrite64)(fd, data, HALF(size), at))
WRITE(writev, (int fd, const struct iovec *parts, int count), (fd, parts, count), place(fd), total(parts, count), REAL(write)(fd, parts->iov_base, HALF(parts->iov_len)))
WRITE(pwritev64, (int fd, const struct iovec *parts, int count, off64_t at), (fd, parts, count, at), at, total(parts, count), REAL(pwrite64)(fd, parts->iov_base, HALF(parts->iov_len), at))
WRITE(copy_file_range, (int in, off64_t *from, int fd, off64_t *to, size_t size, unsigned flags), (in, from, fd, to, size, flags), to ? *to : place(fd), size, REAL(copy_file_range)(in, from, fd, to, HALF(size), flags))
WRITE(sendfile64, (int fd, int in, off64_t *from, size_t size), (fd, in, from, size), place(fd), size, REAL(sendfile64)(fd, in, from, HALF(size)))

#define ON_OPEN(type, name, operation, prototype, call, after) ON_OPEN_WITH(type, name, operation, prototype, call, , after)
#define ON_OPEN_WITH(type, name, operation, prototype, call, before, after) \
	type name prototype \
	{ \
		char whole[PATH_MAX]; \
		if (!open_inside(fd, whole)) return REAL(name) call; \
		if (fails(operation, #name, whole)) return -1; \
		before; \
		type done = REAL(name) call; \
		after; \
		return done; \
	}
ON_OPEN(ssize_t, read, LOOK, (int fd, void *data, size_t size), (fd, data, size), )
ON_OPEN(ssize_t, pread64, LOOK, (int fd, void *data, size_t size, off64_t at), (fd, data, size, at), )
ON_OPEN(int, fsync, SYNC, (int fd), (fd), if (done == 0) noted('s', fd))
ON_OPEN(int, fdatasync, SYNC, (int fd), (fd), if (done == 0) noted('s', fd))
ON_OPEN(int, syncfs, SYNC, (int fd), (fd), if (done == 0 && cut) note("a\n"))
ON_OPEN_WITH(int, ftruncate, SIZE, (int fd, off_t size), (fd, size), overwritten(fd, size, LONG_MAX), noted('w', fd))
ON_OPEN_WITH(int, ftruncate64, SIZE, (int fd, off64_t size), (fd, size), overwritten(fd, size, LONG_MAX), noted('w', fd))
ON_OPEN_WITH(int, fallocate, SIZE, (int fd, int mode, off_t at, off_t size), (fd, mode, at, size), overwritten(fd, at, (size_t)size), noted('w', fd))
ON_OPEN_WITH(int, posix_fallocate, SIZE, (int fd, off_t at, off_t size), (fd, at, size), overwritten(fd, 0, 0), noted('w', fd))

#define ON_NAME(type, bad, name, operation, folder, path, prototype, call) \
	type name prototype \
	{ \
		char whole[PATH_MAX]; \
		if (!inside(folder, path, whole)) return REAL(name) call; \
		int makes = (operation) & (RENAME | MKDIR | LINK), fresh = makes && is_new(whole); \
		if (!makes && hidden(whole)) return bad; \
		int wrong = fails(operation, #name, whole); \
		if (wrong && !reply) return bad; \
		type done = REAL(name) call; \
		if (done == bad) return bad; \
		if (fresh) appeared(whole); \
		if (!wrong) return done; \
		errno = again(operation); \
		return bad; \
	}
ON_NAME(int, -1, rename, RENAME, AT_FDCWD, to, (const char *from, const char *to), (from, to))
ON_NAME(int, -1, mkdir, MKDIR, AT_FDCWD, path, (const char *path, mode_t mode), (path, mode))
ON_NAME(int, -1, mkdirat, MKDIR, folder, path, (int folder, const char *path, mode_t mode), (folder, path, mode))
ON_NAME(char *, NULL, mkdtemp, MKDIR, AT_FDCWD, path, (char *path), (path))
ON_NAME(int, -1, link, LINK, AT_FDCWD, to, (const char *from, const char *to), (from, to))
ON_NAME(int, -1, symlink, LINK, AT_FDCWD, to, (const char *from, const char *to), (from, to))
ON_NAME(int, -1, unlink, REMOVE, AT_FDCWD, path, (const char *path), (path))
ON_NAME(int, -1, rmdir, REMOVE, AT_FDCWD, path, (const char *path), (path))
ON_NAME(DIR *, NULL, opendir, LIST, AT_FDCWD, path, (const char *path), (path))

/* As `scandir64`, without what is not to be seen yet. */
int scandir64(const char *path, struct dirent64 ***list, int (*filter)(const struct dirent64 *), int (*order)(const struct dirent64 **, const struct dirent64 **))
{
	char whole[PATH_MAX], name[PATH_MAX];
	int ours = inside(AT_FDCWD, path, whole) || (root && !strcmp(path, root));
	if (ours && below(whole) && (hidden(whole) || fails(LIST, "scandir64", whole))) return -1;
	int count = REAL(scandir64)(path, list, filter, order), left = 0;
	if (!ours || !lateness) return count;
	for (int i = 0; i < count; i++) {
		snprintf(name, sizeof name, "%.2000s/%.255s", path, (*list)[i]->d_name);
		if (hidden(name)) free((*list)[i]);
		else (*list)[left++] = (*list)[i];
	}
	return count < 0 ? count : left;
}

int access(const char *path, int mode)
{
	char whole[PATH_MAX];
	return inside(AT_FDCWD, path, whole) && hidden(whole) ? -1 : REAL(access)(path, mode);
}

/* Node.js asks the kernel by number how a file is. */
long syscall(long number, ...)
{
	char whole[PATH_MAX];
	long given[6];
	va_list arguments;
	va_start(arguments, number);
	for (int i = 0; i < 6; i++) given[i] = va_arg(arguments, long);
	va_end(arguments);
	if (number == SYS_statx && lateness && inside((int)given[0], (const char *)given[1], whole) && hidden(whole)) return -1;
	return REAL(syscall)(number, given[0], given[1], given[2], given[3], given[4], given[5]);
}

/* Locks of the whole file system: what has none says so of each. */
static int locks(int command) { return command == F_SETLK || command == F_SETLKW || command == F_OFD_SETLK || command == F_OFD_SETLKW; }
#define CONTROL(name) \
	int name(int fd, int command, ...) \
	{ \
		char whole[PATH_MAX]; \
		va_list arguments; \
		va_start(arguments, command); \
		void *argument = va_arg(arguments, void *); \
		va_end(arguments); \
		if (locks(command) && open_inside(fd, whole) && fails(LOCK, #name, whole)) return -1; \
		return REAL(name)(fd, command, argument); \
	}
CONTROL(fcntl)
CONTROL(fcntl64)
ON_OPEN(int, flock, LOCK, (int fd, int operation), (fd, operation), )

/* Descriptors without a name: only when the run is under way, for a program that cannot even start is no news. */
static int too_many(const char *name) { return root && kinds[kind].number == EMFILE && state->count > 0 && fails(PIPE, name, "-"); }
int pipe2(int ends[2], int flags) { return too_many("pipe2") ? -1 : REAL(pipe2)(ends, flags); }
int socketpair(int domain, int type, int protocol, int ends[2]) { return too_many("socketpair") ? -1 : REAL(socketpair)(domain, type, protocol, ends); }
