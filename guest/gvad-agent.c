/*
 * gvad-agent PORT - runs commands for the host while the machine runs (docs/channels.md, "The control channel").
 *
 * PORT is a serial port, virtio:NAME for the port of that name of a virtio serial device, or fd:N for an open descriptor
 * of one digit. On it go frames:
 *
 *   C7 76  type  session  number(4)  size(2)  payload  CRC-32(4, IEEE 802.3, of all between the first two bytes and it)
 *
 * Integers are little-endian. Frames of type 16 and above are numbered, in each direction, and come in that order and
 * once, whatever the line does: who misses one says so (NAK), and all from there are sent again; who hears of nothing sends
 * again after a second. HELLO begins all anew. Of each stream no more bytes are under way than its reader has room for.
 * What is no frame is skipped, so that a host that was half-way through one when it died does no harm, nor does noise.
 *
 * No C library, as in gvad-wake.c.
 */
#include <linux/errno.h>
#include <linux/poll.h>
#include <linux/signal.h>
#include <linux/time.h>
#include "gvad-kernel.h"
#include "gvad-bytes.h"

enum { HELLO = 1, WELCOME, ACK, NAK, EXEC = 16, DATA, END, CREDIT, SIGNAL, EXIT, FAILED, CLOSE };

#define VERSION 1
#define HEADER 10
#define MAX_PAYLOAD 32768
#define MAX_FRAME (HEADER + MAX_PAYLOAD + 4)
/* Frames that are sent and not confirmed yet. */
#define SLOTS 16
#define SESSIONS 8
/* Bytes of a stream that may be under way. */
#define ROOM 262144
#define MAX_WORDS 255

/* --- bytes ------------------------------------------------------------------------------------------------ */

/* At any address. */
struct eight {
	unsigned long bytes;
} __attribute__((packed, may_alias));

/* Eight bytes at a time: under emulation each instruction counts. They may overlap where they go down. */
static void copy(byte *to, const byte *from, long size)
{
	for (; size >= 8; to += 8, from += 8, size -= 8) {
		((struct eight *)to)->bytes = ((const struct eight *)from)->bytes;
		KEEP;
	}
	for (; size > 0; size--) {
		*to++ = *from++;
		KEEP;
	}
}

/* --- what is sent ----------------------------------------------------------------------------------------- */

struct frame {
	long size;
	byte bytes[MAX_FRAME];
};

static int port, only_once;
/* Bytes of a payload that the host wants at most. */
static long max_payload;
/* Numbers of the first frame that is not confirmed, of the next one that goes out, and of the next one made. */
static word confirmed, sending, made;
static struct frame slots[SLOTS];
/* Number of the next frame from the host, and what must be said of it. */
static word expected;
static int must_welcome, must_ack, must_nak, told_nak;
static word epoch;
static int greeted;
static struct frame notice;
/* What is being written. */
static const byte *out;
static long out_left;

static int has_slot(void)
{
	return made - confirmed < SLOTS;
}

static void seal(struct frame *frame, int type, int session, word number, long size)
{
	byte *bytes = frame->bytes;
	bytes[0] = 0xC7;
	bytes[1] = 0x76;
	bytes[2] = (byte)type;
	bytes[3] = (byte)session;
	put32(bytes + 4, number);
	put16(bytes + 8, (word)size);
	put32(bytes + HEADER + size, crc32(bytes + 2, HEADER - 2 + size));
	frame->size = HEADER + size + 4;
}

/* Where the payload of the next numbered frame goes; there must be a slot. */
static byte *payload(void)
{
	return slots[made % SLOTS].bytes + HEADER;
}

static void send_frame(int type, int session, long size)
{
	seal(&slots[made % SLOTS], type, session, made, size);
	made++;
}

/* What goes out next; false where there is nothing. */
static int next_out(void)
{
	if (must_welcome) {
		put32(notice.bytes + HEADER, epoch);
		notice.bytes[HEADER + 4] = VERSION;
		seal(&notice, WELCOME, 0, 0, 5);
		must_welcome = 0;
	} else if (must_nak || must_ack) {
		seal(&notice, must_nak ? NAK : ACK, 0, expected, 0);
		must_nak = must_ack = 0;
	} else if (sending != made) {
		struct frame *frame = &slots[sending++ % SLOTS];
		out = frame->bytes;
		out_left = frame->size;
		return 1;
	} else
		return 0;
	out = notice.bytes;
	out_left = notice.size;
	return 1;
}

static void write_out(void)
{
	while (out_left > 0 || next_out()) {
		long written = call(__NR_write, port, (long)out, out_left, 0, 0);
		if (written <= 0)
			return;
		out += written;
		out_left -= written;
	}
}

static void confirm(word number)
{
	if (number - confirmed > made - confirmed)
		return;
	/* One that is sent again and was heard meanwhile need not go on. */
	if (sending - confirmed < number - confirmed)
		sending = number;
	confirmed = number;
}

/* --- commands --------------------------------------------------------------------------------------------- */

struct stream {
	int file;
	/* Bytes that the host still has room for. */
	long credit;
	int must_end;
};

static struct session {
	/* 0: there is none. */
	int process;
	/* Of the command's standard input: what waits, and how much of it has been taken since that was said. */
	int input;
	int input_ended;
	long waiting, first, taken;
	byte buffer[ROOM];
	struct stream output[2];
	int ended;
	word status;
	int failed;
} sessions[SESSIONS];

static void close_pipe(int *file)
{
	if (*file >= 0)
		close_file(*file);
	*file = -1;
}

static void close_session(struct session *session)
{
	close_pipe(&session->input);
	close_pipe(&session->output[0].file);
	close_pipe(&session->output[1].file);
	if (session->process > 0 && !session->ended)
		call(__NR_kill, -session->process, SIGKILL, 0, 0, 0);
	session->process = 0;
}

static const char *const folders[] = { "/app/", "/usr/local/sbin/", "/usr/local/bin/", "/usr/sbin/", "/usr/bin/", "/sbin/", "/bin/" };

static char **environment;

/* Comes back with why it cannot. */
static long execute(char **words)
{
	static char path[512];
	long size = length(words[0]), result = -ENOENT;
	for (long i = 0; i < size; i++)
		if (words[0][i] == '/')
			return call(__NR_execve, (long)words[0], (long)words, (long)environment, 0, 0);
	for (unsigned i = 0; i < sizeof folders / sizeof *folders && size < 256; i++) {
		long start = length(folders[i]), tried;
		copy((byte *)path, (const byte *)folders[i], start);
		copy((byte *)path + start, (const byte *)words[0], size + 1);
		tried = call(__NR_execve, (long)path, (long)words, (long)environment, 0, 0);
		if (tried != -ENOENT)
			result = tried;
	}
	return result;
}

__attribute__((noreturn)) static void become(char **words, const int *ends, int report)
{
	static const unsigned long none;
	int why;
	call(__NR_setsid, 0, 0, 0, 0, 0);
	call(__NR_rt_sigprocmask, SIG_SETMASK, (long)&none, 0, 8, 0);
	if (call(__NR_chdir, (long)"/output", 0, 0, 0, 0) != 0)
		call(__NR_chdir, (long)"/", 0, 0, 0, 0);
	for (int i = 0; i < 3; i++)
		call(__NR_dup3, ends[i], i, 0, 0, 0);
	why = (int)-execute(words);
	write_all(report, (const char *)&why, sizeof why);
	for (;;)
		call(__NR_exit_group, 127, 0, 0, 0, 0);
}

static int make_pipe(int ends[2])
{
	ends[0] = ends[1] = -1;
	return call(__NR_pipe2, (long)ends, O_CLOEXEC, 0, 0, 0) == 0;
}

/* Starts a command. @returns why it cannot, or 0 */
static int start_command(struct session *session, char **words)
{
	int in[2], outs[2], errs[2], report[2], why = 0;
	int made_all = make_pipe(in);
	made_all &= make_pipe(outs);
	made_all &= make_pipe(errs);
	made_all &= make_pipe(report);
	session->process = made_all ? (int)call(__NR_clone, SIGCHLD, 0, 0, 0, 0) : -EMFILE;
	if (session->process == 0) {
		/* Above the three that they become. */
		int ends[3];
		ends[0] = (int)call(__NR_fcntl, in[0], F_DUPFD_CLOEXEC, 16, 0, 0);
		ends[1] = (int)call(__NR_fcntl, outs[1], F_DUPFD_CLOEXEC, 16, 0, 0);
		ends[2] = (int)call(__NR_fcntl, errs[1], F_DUPFD_CLOEXEC, 16, 0, 0);
		become(words, ends, report[1]);
	}
	close_pipe(&in[0]);
	close_pipe(&outs[1]);
	close_pipe(&errs[1]);
	close_pipe(&report[1]);
	if (session->process < 0)
		why = -session->process;
	else if (call(__NR_read, report[0], (long)&why, sizeof why, 0, 0) != sizeof why)
		why = 0;
	close_pipe(&report[0]);
	session->input = in[1];
	session->output[0].file = outs[0];
	session->output[1].file = errs[0];
	for (int i = 0; i < 3; i++) {
		int file = i == 0 ? in[1] : session->output[i - 1].file;
		if (file >= 0)
			call(__NR_fcntl, file, F_SETFL, O_NONBLOCK, 0, 0);
	}
	return why;
}

static void take_exec(struct session *session, byte *data, long size)
{
	char *words[MAX_WORDS + 1];
	int count = 0, why = EINVAL;
	if (session->process != 0)
		close_session(session);
	session->waiting = session->first = session->taken = 0;
	session->input_ended = session->ended = session->failed = 0;
	session->input = -1;
	for (int i = 0; i < 2; i++) {
		session->output[i].file = -1;
		session->output[i].credit = ROOM;
		session->output[i].must_end = 0;
	}
	for (long i = 0, begin = 0; i < size && count < MAX_WORDS; i++)
		if (data[i] == 0) {
			words[count++] = (char *)data + begin;
			begin = i + 1;
		}
	words[count] = 0;
	if (count > 0 && data[size - 1] == 0)
		why = start_command(session, words);
	if (why == 0)
		return;
	close_session(session);
	/* Until that is said. */
	session->process = -1;
	session->failed = why;
}

static void take_input(struct session *session, const byte *data, long size)
{
	/* A host that sends more than there is room for has lost count. */
	if (session->process <= 0 || size > ROOM - session->waiting)
		return;
	for (long i = 0; i < size;) {
		long place = (session->first + session->waiting) % ROOM;
		long part = ROOM - place < size - i ? ROOM - place : size - i;
		copy(session->buffer + place, data + i, part);
		session->waiting += part;
		i += part;
	}
}

static void write_input(struct session *session)
{
	while (session->waiting > 0 && session->input >= 0) {
		long part = ROOM - session->first < session->waiting ? ROOM - session->first : session->waiting;
		long written = call(__NR_write, session->input, (long)(session->buffer + session->first), part, 0, 0);
		if (written == -EAGAIN)
			return;
		if (written <= 0)
			close_pipe(&session->input);
		else
			part = written;
		session->first = (session->first + part) % ROOM;
		session->waiting -= part;
		session->taken += part;
	}
	/* Nobody reads any more: what comes is taken as read. */
	if (session->input < 0) {
		session->taken += session->waiting;
		session->waiting = 0;
	}
	if (session->input_ended && session->waiting == 0)
		close_pipe(&session->input);
}

/* A frame's worth of what the command says; false where there is nothing more now. */
static int read_output(struct session *session, int index, int number)
{
	struct stream *stream = &session->output[index];
	long most = max_payload - 1 < stream->credit ? max_payload - 1 : stream->credit;
	long count;
	if (stream->file < 0 || most <= 0 || !has_slot())
		return 0;
	count = call(__NR_read, stream->file, (long)(payload() + 1), most, 0, 0);
	if (count == -EAGAIN)
		return 0;
	if (count <= 0) {
		close_pipe(&stream->file);
		stream->must_end = 1;
		return 0;
	}
	stream->credit -= count;
	payload()[0] = (byte)(index + 1);
	send_frame(DATA, number, count + 1);
	return 1;
}

/* Says what is to be said of a command, as far as there are slots. */
static void tell(struct session *session, int number)
{
	if (session->process == 0)
		return;
	if (session->failed) {
		if (!has_slot())
			return;
		put16(payload(), (word)session->failed);
		send_frame(FAILED, number, 2);
		session->process = 0;
		return;
	}
	write_input(session);
	if (session->taken >= ROOM / 4 && has_slot()) {
		payload()[0] = 0;
		put32(payload() + 1, (word)session->taken);
		send_frame(CREDIT, number, 5);
		session->taken = 0;
	}
	for (int i = 0; i < 2; i++) {
		struct stream *stream = &session->output[i];
		while (read_output(session, i, number))
			;
		/* Of one that has ended, what others still have open is not waited for. */
		if (session->ended && stream->file >= 0 && stream->credit > 0 && has_slot()) {
			close_pipe(&stream->file);
			stream->must_end = 1;
		}
		if (stream->must_end && has_slot()) {
			payload()[0] = (byte)(i + 1);
			send_frame(END, number, 1);
			stream->must_end = 0;
		}
	}
	if (!session->ended || !has_slot())
		return;
	for (int i = 0; i < 2; i++)
		if (session->output[i].file >= 0 || session->output[i].must_end)
			return;
	put16(payload(), session->status);
	send_frame(EXIT, number, 2);
	close_session(session);
}

/* Commands, and what they left to process 1 where this is it, that have ended. */
static void bury(void)
{
	int status;
	for (;;) {
		long process = call(__NR_wait4, -1, (long)&status, 1 /* WNOHANG */, 0, 0);
		if (process <= 0)
			return;
		for (int i = 0; i < SESSIONS; i++)
			if (sessions[i].process == process) {
				sessions[i].ended = 1;
				sessions[i].status = (status & 127) ? 128 + (status & 127) : status >> 8 & 255;
			}
	}
}

/* --- what comes ------------------------------------------------------------------------------------------- */

static void take_hello(const byte *data, long size)
{
	if (size != 6)
		return;
	must_welcome = 1;
	/* A host that had no answer yet has asked again: what it has said since holds. */
	if (greeted && epoch == get32(data))
		return;
	greeted = 1;
	epoch = get32(data);
	max_payload = (long)get16(data + 4);
	if (max_payload > MAX_PAYLOAD || max_payload < 64)
		max_payload = 1024;
	for (int i = 0; i < SESSIONS; i++)
		if (sessions[i].process != 0)
			close_session(&sessions[i]);
	confirmed = sending = made = expected = 0;
	must_ack = must_nak = told_nak = 0;
}

static void take_numbered(int type, struct session *session, byte *data, long size)
{
	if (type == EXEC)
		take_exec(session, data, size);
	else if (type == DATA && size > 1)
		take_input(session, data + 1, size - 1);
	else if (type == END)
		session->input_ended = 1;
	else if (type == CREDIT && size == 5 && (data[0] == 1 || data[0] == 2))
		session->output[data[0] - 1].credit += get32(data + 1) & 0xFFFFFF;
	else if (type == SIGNAL && size == 1 && session->process > 0 && !session->ended)
		call(__NR_kill, -session->process, data[0], 0, 0, 0);
	else if (type == CLOSE && session->process > 0) {
		close_session(session);
		session->process = -1;
		session->failed = ECANCELED;
	}
}

static void take_frame(byte *frame, long size)
{
	int type = frame[2];
	word number = get32(frame + 4);
	if (type == HELLO)
		take_hello(frame + HEADER, size);
	else if (type == ACK || type == NAK) {
		confirm(number);
		if (type == NAK)
			sending = confirmed;
	} else if (type >= EXEC && number == expected && frame[3] < SESSIONS) {
		expected++;
		told_nak = 0;
		must_ack = 1;
		take_numbered(type, &sessions[frame[3]], frame + HEADER, size);
	} else if (number - expected > 0x7FFFFFFF)
		/* Known already: the confirmation was lost. */
		must_ack = 1;
	else if (!told_nak)
		must_nak = told_nak = 1;
}

static byte in[2 * MAX_FRAME];
static long in_size;

/* The frames that have come whole. */
static void take_frames(void)
{
	long at = 0;
	while (in_size - at >= HEADER) {
		byte *frame = in + at;
		long size = get16(frame + 8);
		if (frame[0] != 0xC7 || frame[1] != 0x76 || size > MAX_PAYLOAD) {
			at++;
			continue;
		}
		if (in_size - at < HEADER + size + 4)
			break;
		if (get32(frame + HEADER + size) != crc32(frame + 2, HEADER - 2 + size)) {
			/* What looks like the begin of a frame may be in the middle of another one. */
			at++;
			if (!told_nak)
				must_nak = told_nak = 1;
			continue;
		}
		take_frame(frame, size);
		at += HEADER + size + 4;
	}
	/* Most often the frame is not whole yet, and stays where it is. */
	if (at > 0)
		copy(in, in + at, in_size - at);
	in_size -= at;
}

/* False where the port has ended. */
static int read_in(void)
{
	for (;;) {
		long count = call(__NR_read, port, (long)(in + in_size), (long)sizeof in - in_size, 0, 0);
		if (count == -EAGAIN || count == -EINTR)
			return 1;
		if (count <= 0)
			return 0;
		in_size += count;
		take_frames();
	}
}

/* --- the port --------------------------------------------------------------------------------------------- */

static void rest(long milliseconds)
{
	struct __kernel_timespec time;
	time.tv_sec = milliseconds / 1000;
	time.tv_nsec = milliseconds % 1000 * 1000000;
	call(__NR_clock_nanosleep, 1 /* CLOCK_MONOTONIC */, 0, (long)&time, 0, 0);
}

/* Whether the file begins with these words and a line's end. */
static int says(const char *path, const char *text)
{
	char found[64];
	long size = length(text), count;
	int file = open_file(path, O_RDONLY, 0);
	if (file < 0)
		return 0;
	count = call(__NR_read, file, (long)found, sizeof found, 0, 0);
	close_file(file);
	if (count != size + 1 || found[size] != '\n')
		return 0;
	found[size] = 0;
	return is_same(found, text);
}

/* Writes the text to a path's end. @returns the new end */
static char *append(char *end, const char *text)
{
	while (*text)
		*end++ = *text++;
	*end = 0;
	return end;
}

/* Ports are named after the number of their device, among all of virtio, and their own. */
static void name_port(char *end, int device, int number)
{
	char digits[] = "vport00p0";
	if (device < 10)
		digits[5] = (char)('0' + device);
	else {
		digits[5] = (char)('0' + device / 10);
		digits[6] = (char)('0' + device % 10);
	}
	digits[device < 10 ? 6 : 7] = 'p';
	digits[device < 10 ? 7 : 8] = (char)('0' + number);
	digits[device < 10 ? 8 : 9] = 0;
	append(end, digits);
}

/* The port of a virtio serial device by its name; -1 where there is none yet. */
static int open_virtio(const char *name)
{
	char path[64];
	for (int device = 0; device < 32; device++)
		for (int number = 1; number < 8; number++) {
			char *end = append(path, "/sys/class/virtio-ports/");
			name_port(end, device, number);
			append(end + length(end), "/name");
			if (!says(path, name))
				continue;
			name_port(append(path, "/dev/"), device, number);
			return open_file(path, O_RDWR | O_NONBLOCK, 0);
		}
	return -1;
}

/* What follows the prefix; 0 where the text does not begin with it. */
static const char *after(const char *text, const char *prefix)
{
	while (*prefix)
		if (*text++ != *prefix++)
			return 0;
	return text;
}

static int open_port(const char *name)
{
	const char *rest_of_name;
	if ((rest_of_name = after(name, "virtio:")))
		/* Drivers tell of their ports in their own time. */
		for (int tries = 0; tries < 200 && (port = open_virtio(rest_of_name)) < 0; tries++)
			rest(50);
	else if ((rest_of_name = after(name, "fd:"))) {
		port = *rest_of_name - '0';
		only_once = 1;
		call(__NR_fcntl, port, F_SETFL, O_NONBLOCK, 0, 0);
		call(__NR_fcntl, port, F_SETFD, FD_CLOEXEC, 0, 0);
	} else if ((port = open_file(name, O_RDWR | O_NOCTTY | O_NONBLOCK, 0)) >= 0)
		make_raw(port);
	return port >= 0;
}

/* --- the loop --------------------------------------------------------------------------------------------- */

static struct pollfd polled[2 + 3 * SESSIONS];
static long polled_count;

static void want(int file, short events)
{
	if (file < 0)
		return;
	polled[polled_count].fd = file;
	polled[polled_count].events = events;
	polled[polled_count++].revents = 0;
}

static void want_all(int signals)
{
	polled_count = 0;
	want(port, (short)(POLLIN | (out_left > 0 ? POLLOUT : 0)));
	want(signals, POLLIN);
	for (int i = 0; i < SESSIONS; i++) {
		struct session *session = &sessions[i];
		if (session->process <= 0)
			continue;
		if (session->waiting > 0)
			want(session->input, POLLOUT);
		for (int j = 0; j < 2; j++)
			if (session->output[j].credit > 0 && has_slot())
				want(session->output[j].file, POLLIN);
	}
}

static long milliseconds(void)
{
	struct __kernel_timespec time;
	call(__NR_clock_gettime, 1 /* CLOCK_MONOTONIC */, (long)&time, 0, 0, 0);
	return time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

/* Sends all again that has not been confirmed for a second. @returns milliseconds until it is to be called again */
static long send_again(void)
{
	static word before;
	static long since;
	long now = milliseconds();
	if (before != confirmed || confirmed == made)
		since = now;
	before = confirmed;
	if (now - since >= 1000) {
		sending = confirmed;
		since = now;
	}
	return 1000 - (now - since);
}

static void serve(int signals)
{
	static byte told[128];
	for (;;) {
		struct __kernel_timespec time;
		long ready, left = send_again();
		for (int i = 0; i < SESSIONS; i++)
			tell(&sessions[i], i);
		write_out();
		want_all(signals);
		time.tv_sec = left / 1000;
		time.tv_nsec = left % 1000 * 1000000;
		ready = call(__NR_ppoll, (long)polled, polled_count, confirmed == made ? 0 : (long)&time, 0, 0);
		if (ready <= 0)
			continue;
		while (call(__NR_read, signals, (long)told, sizeof told, 0, 0) > 0)
			;
		if (polled[0].revents & (POLLIN | POLLHUP | POLLERR) && !read_in()) {
			/* Nobody is at the other end; somebody may come. Not to a descriptor. */
			if (only_once)
				return;
			rest(200);
		}
		bury();
	}
}

static int run(long count, char **words)
{
	/* A set of signals as the kernel has it. */
	unsigned long child = 1ul << (SIGCHLD - 1), pipe = 1ul << (SIGPIPE - 1), both = child | pipe;
	int signals;
	if (count != 2 || !open_port(words[1]))
		return 1;
	environment = words + count + 1;
	make_table();
	max_payload = 1024;
	call(__NR_rt_sigprocmask, SIG_BLOCK, (long)&both, 0, 8, 0);
	signals = (int)call(__NR_signalfd4, -1, (long)&child, 8, O_CLOEXEC | O_NONBLOCK, 0);
	if (signals < 0)
		return 1;
	serve(signals);
	return 0;
}
