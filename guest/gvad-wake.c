/*
 * gvad-wake PORT LINE - makes a machine that was copied while it ran one of its own (docs/guest-contract.md, "Waking").
 *
 * Says LINE on the serial port PORT and waits there for one line from the host, however long that takes:
 *
 *   wake SECONDS NANOSECONDS SEED ID HOSTNAME MACHINE-ID BOOT-ID [MEDIUM=DEVICE...]
 *
 * Then, before any other process can draw a random number: seeds the kernel's generator, sets the clock, the host
 * name and the ids, forgets what was read of the devices, and says on PORT what of that was done. Then it mounts the
 * media, each only where its device has the right label, and prints MEDIUM=DEVICE for each that is mounted. A line that
 * is not exactly of this form is ignored.
 *
 * gvad-wake --beat PORT SECONDS says every so many seconds that GVAD is alive, and waits on PORT for lines that a machine
 * gets which goes on from a checkpoint, or stood still for one:
 *
 *   resume SECONDS NANOSECONDS SEED
 *
 * It seeds the kernel's generator, sets the clock, and says so.
 *
 * gvad-wake -- PROGRAM [ARGUMENT...] starts a program with the signals of the keyboard as they are by default; a shell
 * that does not speak to a person has what it starts in the background ignore them.
 *
 * One process and no C library: each process costs milliseconds under emulation, and the C library's own start-up
 * would draw random numbers. Compiled with -nostdlib for the kernel's own interface.
 */
#include <linux/fs.h>
#include <linux/mount.h>
#include <linux/poll.h>
#include <linux/random.h>
#include <linux/signal.h>
#include <linux/time.h>
#include "gvad-kernel.h"

static int is_between(char c, char low, char high)
{
	return c >= low && c <= high;
}

static int hex_digit(char c)
{
	if (is_between(c, '0', '9'))
		return c - '0';
	return is_between(c, 'a', 'f') ? c - 'a' + 10 : -1;
}

static int is_digit(char c)
{
	return is_between(c, '0', '9');
}

static int is_hex(char c)
{
	return hex_digit(c) >= 0;
}

static int is_name(char c)
{
	return is_digit(c) || is_between(c, 'a', 'z') || is_between(c, 'A', 'Z') || c == '-' || c == '_' || c == '.';
}

static int is_uuid(char c)
{
	return is_hex(c) || c == '-';
}

/* The next word of the line, of so many such characters; 0 where there is none. The line is cut there. */
static char *word(char **rest, int (*allowed)(char), long least, long most)
{
	char *begin = *rest;
	char *end = begin;
	while (*end && *end != ' ')
		if (!allowed(*end++))
			return 0;
	if (end - begin < least || end - begin > most)
		return 0;
	*rest = *end ? end + 1 : end;
	/* A blank at the end of the line, or two of them, make an empty word. */
	if (*end && !**rest)
		return 0;
	*end = 0;
	return begin;
}

static long number(const char *digits)
{
	long value = 0;
	while (*digits)
		value = value * 10 + (*digits++ - '0');
	return value;
}

/* A medium as GVAD mounts it, and where its label is: of ext4, and of ISO 9660 (ECMA-119 8.4.8, padded with blanks). */
struct medium {
	const char *name, *label, *folder, *type;
	long label_offset;
	unsigned long flags;
	const char *options;
};

static const struct medium media[] = {
	{ "app", "GVA-APP", "/app", "ext4", 1144, MS_NOATIME, 0 },
	{ "data", "GVA-DATA", "/data", "ext4", 1144, MS_NOATIME, 0 },
	{ "output", "GVA-OUT", "/output", "ext4", 1144, MS_NOATIME, "noinit_itable" },
	{ "cdrom", "OVF ENV", "/cdrom", "iso9660", 32808, MS_RDONLY, 0 },
};

#define MEDIA_COUNT ((int)(sizeof media / sizeof *media))

struct wake {
	char *seconds, *nanoseconds, *seed, *id, *hostname, *machine_id, *boot_id;
	/* By medium; 0 where there is none. */
	char *devices[MEDIA_COUNT];
};

static int is_pair(char c)
{
	return is_name(c) || c == '=';
}

/* NAME=DEVICE; a medium that is not known, or comes twice, is none. */
static int parse_device(char *pair, struct wake *wake)
{
	char *device = pair;
	while (*device && *device != '=')
		device++;
	if (!*device)
		return 0;
	*device++ = 0;
	for (const char *c = device; *c; c++)
		if (!is_name(*c) || *c == '.')
			return 0;
	for (int i = 0; i < MEDIA_COUNT; i++)
		if (is_same(media[i].name, pair) && *device && !wake->devices[i]) {
			wake->devices[i] = device;
			return 1;
		}
	return 0;
}

static int parse(char *line, struct wake *wake)
{
	char *keyword = word(&line, is_name, 4, 4);
	if (!keyword || !is_same(keyword, "wake"))
		return 0;
	if (!(wake->seconds = word(&line, is_digit, 1, 12)) || !(wake->nanoseconds = word(&line, is_digit, 1, 9)) ||
	    !(wake->seed = word(&line, is_hex, 64, 64)) || !(wake->id = word(&line, is_name, 1, 128)) ||
	    !(wake->hostname = word(&line, is_name, 1, 63)) || !(wake->machine_id = word(&line, is_hex, 32, 32)) ||
	    !(wake->boot_id = word(&line, is_uuid, 36, 36)))
		return 0;
	for (int i = 0; i < MEDIA_COUNT; i++) {
		wake->devices[i] = 0;
		KEEP;
	}
	while (*line) {
		char *pair = word(&line, is_pair, 3, 31);
		if (!pair || !parse_device(pair, wake))
			return 0;
	}
	return 1;
}

/* Adds 32 bytes to the kernel's pool and has all that is drawn from now on follow from them. */
static int reseed(const char *seed)
{
	struct {
		int entropy_count;
		int buf_size;
		unsigned char buf[32];
	} pool;
	int file, done;
	pool.entropy_count = 256;
	pool.buf_size = 32;
	for (int i = 0; i < 32; i++)
		pool.buf[i] = (unsigned char)(hex_digit(seed[2 * i]) << 4 | hex_digit(seed[2 * i + 1]));
	file = open_file("/dev/urandom", O_WRONLY, 0);
	if (file < 0)
		return 0;
	done = control(file, RNDADDENTROPY, &pool) == 0 && control(file, RNDRESEEDCRNG, 0) == 0;
	close_file(file);
	return done;
}

static int set_clock(const char *seconds, const char *nanoseconds)
{
	struct __kernel_timespec time;
	time.tv_sec = number(seconds);
	time.tv_nsec = number(nanoseconds);
	return call(__NR_clock_settime, 0 /* CLOCK_REALTIME */, (long)&time, 0, 0, 0) == 0;
}

/*
 * Has a file stand before another one: what it says lasts as long as the machine, and where the other is on a disk that
 * disk need not be written.
 */
static int replace(const char *path, const char *by, char *text, long size)
{
	int file = open_file(by, O_WRONLY | O_CREAT | O_TRUNC, 0444);
	int done;
	if (file < 0)
		return 0;
	/* In the place of the word's end, which the parser has read by then. */
	text[size] = '\n';
	done = write_all(file, text, size + 1);
	text[size] = 0;
	close_file(file);
	return done && call(__NR_mount, (long)by, (long)path, 0, MS_BIND, 0) == 0;
}

/* Lines are put together before they are written: each write costs a cold processor much. */
struct text {
	char bytes[512];
	long size;
};

static void add(struct text *text, const char *word)
{
	for (long i = 0; word[i] && text->size < (long)sizeof text->bytes; i++)
		text->bytes[text->size++] = word[i];
}

static void add_number(struct text *text, long value, int digits)
{
	char reversed[20];
	int count = 0;
	do {
		reversed[count++] = (char)('0' + value % 10);
		value /= 10;
	} while (value > 0 || count < digits);
	while (count > 0 && text->size < (long)sizeof text->bytes)
		text->bytes[text->size++] = reversed[--count];
}

static void add_flag(struct text *text, const char *name, int done)
{
	add(text, name);
	add(text, done ? "=1" : "=0");
}

static int open_device(const char *name)
{
	struct text path;
	path.size = 0;
	add(&path, "/dev/");
	add(&path, name);
	path.bytes[path.size] = 0;
	return open_file(path.bytes, O_RDONLY, 0);
}

/* What the kernel has read of devices that now are other disks. */
static int forget(const struct wake *wake)
{
	int done = 1;
	for (int i = 0; i < MEDIA_COUNT; i++) {
		int file;
		if (!wake->devices[i])
			continue;
		file = open_device(wake->devices[i]);
		done &= file >= 0 && control(file, BLKFLSBUF, 0) == 0;
		if (file >= 0)
			close_file(file);
	}
	return done;
}

/* NAME and what follows it, as one line. */
static void say(int port, const char *name, struct text *rest)
{
	struct __kernel_timespec up;
	struct text line;
	line.size = 0;
	call(__NR_clock_gettime, 7 /* CLOCK_BOOTTIME */, (long)&up, 0, 0, 0);
	add(&line, "@gva1 ");
	add(&line, name);
	add(&line, " t=");
	add_number(&line, up.tv_sec, 1);
	add(&line, ".");
	add_number(&line, up.tv_nsec / 10000000, 2);
	rest->bytes[rest->size] = 0;
	add(&line, rest->bytes);
	add(&line, "\n");
	write_all(port, line.bytes, line.size);
}

static void wake_up(const struct wake *wake, int port)
{
	struct text event;
	event.size = 0;
	add_flag(&event, " reseeded", reseed(wake->seed));
	add_flag(&event, " clock", set_clock(wake->seconds, wake->nanoseconds));
	add_flag(&event, " hostname",
		 call(__NR_sethostname, (long)wake->hostname, length(wake->hostname), 0, 0, 0) == 0);
	add_flag(&event, " machine-id", replace("/etc/machine-id", "/run/gvad-machine-id", wake->machine_id, 32));
	add_flag(&event, " boot-id",
		 replace("/proc/sys/kernel/random/boot_id", "/run/gvad-boot-id", wake->boot_id, 36));
	add_flag(&event, " flushed", forget(wake));
	add(&event, " id=");
	add(&event, wake->id);
	say(port, "wake", &event);
}

static int has_label(const char *device, const struct medium *medium)
{
	char found[16];
	long size = length(medium->label);
	int file = open_device(device);
	long count;
	if (file < 0)
		return 0;
	count = call(__NR_pread64, file, (long)found, sizeof found, medium->label_offset, 0);
	close_file(file);
	if (count != sizeof found)
		return 0;
	for (long i = 0; i < size; i++)
		if (found[i] != medium->label[i])
			return 0;
	return found[size] == 0 || found[size] == ' ';
}

static void mount_media(const struct wake *wake)
{
	struct text mounted;
	mounted.size = 0;
	for (int i = 0; i < MEDIA_COUNT; i++) {
		const struct medium *medium = &media[i];
		const char *device = wake->devices[i];
		struct text path;
		if (!device || !has_label(device, medium))
			continue;
		path.size = 0;
		add(&path, "/dev/");
		add(&path, device);
		path.bytes[path.size] = 0;
		call(__NR_mkdirat, AT_FDCWD, (long)medium->folder, 0755, 0, 0);
		if (call(__NR_mount, (long)path.bytes, (long)medium->folder, (long)medium->type, (long)medium->flags,
			 (long)medium->options) != 0)
			continue;
		/* For what scripts say; GVAD would start a process for it. */
		if (is_same(medium->name, "output"))
			call(__NR_mkdirat, AT_FDCWD, (long)"/output/.gva", 0755, 0, 0);
		add(&mounted, medium->name);
		add(&mounted, "=");
		add(&mounted, device);
		add(&mounted, " ");
	}
	write_all(1, mounted.bytes, mounted.size);
}

#define MAX_LINE 2048

/* A line that comes piece by piece. Of one that is too long the rest is no line. */
struct input {
	char line[MAX_LINE + 1];
	long used;
	int too_long;
};

/* Reads what there is, and gives each line to a function until that is content: 1. 0 where none was good, -1 where the port ends. */
static int read_lines(int port, struct input *input, int (*take)(char *line, void *with), void *with)
{
	char chunk[256];
	long count = call(__NR_read, port, (long)chunk, sizeof chunk, 0, 0);
	if (count <= 0)
		return -1;
	for (long i = 0; i < count; i++) {
		int done;
		if (chunk[i] != '\n') {
			input->too_long |= input->used == MAX_LINE;
			if (!input->too_long)
				input->line[input->used++] = chunk[i];
			continue;
		}
		input->line[input->used] = 0;
		done = !input->too_long && take(input->line, with);
		input->used = 0;
		input->too_long = 0;
		if (done)
			return 1;
	}
	return 0;
}

static struct input input;

static int take_wake(char *line, void *wake)
{
	return parse(line, wake);
}

/* Reads lines until one is a good one; false where the port ends. */
static int await(int port, struct wake *wake)
{
	int found;
	do
		found = read_lines(port, &input, take_wake, wake);
	while (found == 0);
	return found > 0;
}

static int take_resume(char *line, void *port)
{
	struct text event;
	char *keyword = word(&line, is_name, 6, 6);
	char *seconds, *nanoseconds, *seed;
	if (!keyword || !is_same(keyword, "resume") || !(seconds = word(&line, is_digit, 1, 12)) ||
	    !(nanoseconds = word(&line, is_digit, 1, 9)) || !(seed = word(&line, is_hex, 64, 64)) || *line)
		return 0;
	event.size = 0;
	add_flag(&event, " reseeded", reseed(seed));
	add_flag(&event, " clock", set_clock(seconds, nanoseconds));
	say(*(int *)port, "resume", &event);
	return 1;
}

__attribute__((noreturn)) static void beat(int port, const char *interval)
{
	struct pollfd wanted;
	struct text nothing;
	nothing.size = 0;
	make_raw(port);
	/* Before others: what they draw and ask for must not be of the moment of the checkpoint. */
	call(__NR_setpriority, 0 /* PRIO_PROCESS */, 0, -20, 0, 0);
	wanted.fd = port;
	wanted.events = POLLIN;
	for (;;) {
		struct __kernel_timespec time;
		long ready;
		time.tv_sec = number(interval);
		time.tv_nsec = 0;
		ready = call(__NR_ppoll, (long)&wanted, 1, (long)&time, 0, 0);
		if (ready == 0)
			say(port, "heartbeat", &nothing);
		/* One that nothing can be read from is left alone: poll() looks at no negative descriptor. */
		else if (ready < 0 || read_lines(port, &input, take_resume, &port) < 0)
			wanted.fd = -1;
	}
}

/* Comes back only where it cannot be started. */
static int execute(char **program, char **environment)
{
	/* sigaction() as the kernel has it: handler, flags, restorer, mask; zeros are the default. */
	static const long by_default[4];
	call(__NR_rt_sigaction, SIGINT, (long)by_default, 0, 8, 0);
	call(__NR_rt_sigaction, SIGQUIT, (long)by_default, 0, 8, 0);
	call(__NR_execve, (long)program[0], (long)program, (long)environment, 0, 0);
	return 126;
}

static int run(long count, char **words)
{
	struct wake wake;
	int port;
	if (count > 2 && is_same(words[1], "--"))
		return execute(words + 2, words + count + 1);
	if (count == 4 && is_same(words[1], "--beat") && (port = open_file(words[2], O_RDWR | O_NOCTTY, 0)) >= 0)
		beat(port, words[3]);
	if (count != 3 || (port = open_file(words[1], O_RDWR | O_NOCTTY, 0)) < 0)
		return 1;
	make_raw(port);
	if (!write_all(port, words[2], length(words[2])) || !write_all(port, "\n", 1) || !await(port, &wake))
		return 1;
	wake_up(&wake, port);
	/* Who comes now need not wait; who waits is told when the media are there. */
	call(__NR_renameat2, AT_FDCWD, (long)"/run/gvad/awake.file", AT_FDCWD, (long)"/run/gvad/awake", 0);
	mount_media(&wake);
	return 0;
}
