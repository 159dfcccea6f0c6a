/*
 * gvad-insert DRIVE... -- COMMAND... - has the media that the host brings while the machine runs noticed
 * (docs/guest-contract.md, "Media that come later").
 *
 * A DRIVE is the name of a block device: a CD drive, or a disk that the host rewrites in place. Every 0.4 s the last
 * 2,048 bytes of each are read, past all caches and with nothing left open. Whoever brings a medium writes there, last of all:
 *
 *   0   "GVA-INSERTED 1", a line's end, NUL
 *   16  number of the insertion(8), size of the volume before it(8): whole sectors of 2,048 bytes
 *   32  CRC-32(4) of the volume, CRC-32(4) of all that stands here before it
 *
 * Integers are little-endian. For each number that is new in its drive COMMAND is run once, with the words "inserted", the
 * number and the device; with "damaged" where the volume is not what the sum says; and with "gone" when that is no longer
 * there, until it succeeds. SIGTERM ends it, when the command that runs has ended.
 *
 * No C library, as in gvad-wake.c.
 */
#include <linux/errno.h>
#include <linux/fs.h>
#include <linux/poll.h>
#include <linux/signal.h>
#include <linux/time.h>
#include "gvad-kernel.h"
#include "gvad-bytes.h"

#define SECTOR 2048
#define CHUNK 262144
#define MOST_DRIVES 4
#define MOST_WORDS 8
/* Milliseconds between two looks. */
#define INTERVAL 400
/* Looks at a volume that is not what it should be: it may not be all there yet. */
#define TRIES 5

typedef unsigned long long number;

struct drive {
	char path[64];
	/* What the command was told of; 0 where there is nothing. */
	number shown;
	/* Of what is there, and was found damaged. */
	int tries;
};

struct label {
	number id, size;
	word sum;
};

static struct drive drives[MOST_DRIVES];
static int drive_count;
static byte buffer[CHUNK] __attribute__((aligned(4096)));
static char **environment;
static char *command[MOST_WORDS + 4];
static int command_size;

static number get64(const byte *from)
{
	return get32(from) | (number)get32(from + 4) << 32;
}

/* Without waiting for a medium, or locking it in. */
static int open_drive(const struct drive *drive)
{
	int flags = O_RDONLY | O_NONBLOCK;
	int file = open_file(drive->path, flags | O_DIRECT, 0);
	/* A file system in memory has no cache that one could go past. */
	return file == -EINVAL ? open_file(drive->path, flags, 0) : file;
}

static int read_at(int file, long size, number offset)
{
	return call(__NR_pread64, file, (long)buffer, size, (long)offset, 0) == size;
}

/* Whether there is a label at the end of the medium. */
static int read_label(int file, struct label *label)
{
	static const char magic[16] = "GVA-INSERTED 1\n";
	long end = call(__NR_lseek, file, 0, 2 /* SEEK_END */, 0, 0);
	number last = (number)end / SECTOR;
	if (end < 2 * SECTOR || !read_at(file, SECTOR, --last * SECTOR))
		return 0;
	for (int i = 0; i < 16; i++)
		if (buffer[i] != (byte)magic[i])
			return 0;
	label->id = get64(buffer + 16);
	label->size = get64(buffer + 24);
	label->sum = get32(buffer + 32);
	return get32(buffer + 36) == crc32(buffer, 36) && label->id != 0 && label->size > 0 &&
		label->size % SECTOR == 0 && label->size <= last * SECTOR;
}

static int is_whole(int file, const struct label *label)
{
	word sum = 0;
	number at = 0;
	while (at < label->size) {
		number left = label->size - at;
		long part = left < CHUNK ? (long)left : CHUNK;
		if (!read_at(file, part, at))
			return 0;
		sum = crc32_more(sum, buffer, part);
		at += (number)part;
	}
	return sum == label->sum;
}

static void write_number(char *text, number value)
{
	char reversed[20];
	int count = 0;
	do {
		reversed[count++] = (char)('0' + value % 10);
		value /= 10;
	} while (value > 0);
	while (count > 0)
		*text++ = reversed[--count];
	*text = 0;
}

/* Runs the command to its end. @returns whether it has succeeded */
static int tell(char *what, number id, struct drive *drive)
{
	static char digits[24];
	int status = 1;
	long process;
	write_number(digits, id);
	command[command_size] = what;
	command[command_size + 1] = digits;
	command[command_size + 2] = drive->path;
	process = call(__NR_clone, SIGCHLD, 0, 0, 0, 0);
	if (process == 0) {
		/* sigaction() as the kernel has it; a shell has had it ignore SIGINT and SIGQUIT in the background. */
		static const long by_default[4];
		static const unsigned long none;
		call(__NR_rt_sigaction, SIGINT, (long)by_default, 0, 8, 0);
		call(__NR_rt_sigaction, SIGQUIT, (long)by_default, 0, 8, 0);
		call(__NR_rt_sigprocmask, SIG_SETMASK, (long)&none, 0, 8, 0);
		call(__NR_execve, (long)command[0], (long)command, (long)environment, 0, 0);
		for (;;)
			call(__NR_exit_group, 127, 0, 0, 0, 0);
	}
	if (process > 0)
		call(__NR_wait4, process, (long)&status, 0, 0, 0);
	return status == 0;
}

static void look(struct drive *drive)
{
	struct label label = { 0, 0, 0 };
	int file = open_drive(drive), whole = 0;
	if (file >= 0 && !read_label(file, &label))
		label.id = 0;
	else if (file >= 0 && label.id != drive->shown) {
		whole = is_whole(file, &label);
		/* What the kernel has read of what was there before. */
		control(file, BLKFLSBUF, 0);
	}
	if (file >= 0)
		close_file(file);
	if (label.id == drive->shown)
		return;
	if (drive->shown != 0) {
		if (!tell("gone", drive->shown, drive))
			return;
		drive->shown = 0;
		drive->tries = 0;
		return;
	}
	if (!whole && ++drive->tries < TRIES)
		return;
	drive->tries = 0;
	drive->shown = label.id;
	tell(whole ? "inserted" : "damaged", label.id, drive);
}

static int add_drive(const char *name)
{
	struct drive *drive = &drives[drive_count];
	long size = length(name);
	const char *folder = *name == '/' ? "" : "/dev/";
	char *end = drive->path;
	if (drive_count == MOST_DRIVES || size == 0 || size > 50)
		return 0;
	while (*folder)
		*end++ = *folder++;
	while (*name)
		*end++ = *name++;
	drive_count++;
	return 1;
}

static int run(long count, char **words)
{
	/* A set of signals as the kernel has it. */
	unsigned long term = 1ul << (SIGTERM - 1);
	struct __kernel_timespec time;
	struct pollfd ended;
	long i = 1;
	while (i < count && !is_same(words[i], "--"))
		if (!add_drive(words[i++]))
			return 1;
	for (i++; i < count && command_size < MOST_WORDS; i++)
		command[command_size++] = words[i];
	if (drive_count == 0 || command_size == 0 || i < count)
		return 1;
	environment = words + count + 1;
	make_table();
	call(__NR_rt_sigprocmask, SIG_BLOCK, (long)&term, 0, 8, 0);
	ended.fd = (int)call(__NR_signalfd4, -1, (long)&term, 8, O_CLOEXEC | O_NONBLOCK, 0);
	ended.events = POLLIN;
	if (ended.fd < 0)
		return 1;
	do {
		for (i = 0; i < drive_count; i++)
			look(&drives[i]);
		/* The system call leaves in it what was left of it: nothing. */
		time.tv_sec = 0;
		time.tv_nsec = INTERVAL * 1000000;
	} while (call(__NR_ppoll, (long)&ended, 1, (long)&time, 0, 0) == 0);
	return 0;
}
