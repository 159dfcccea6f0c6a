/*
 * What GVAD's programs have in the place of a C library: the kernel's own interface, and where they start. To be included
 * once, in front of a program with a function run(count, words) that gives its exit status.
 */
#include <asm/ioctls.h>
#include <asm/termbits.h>
#include <asm/unistd.h>
#include <linux/fcntl.h>

static long call(long number, long a, long b, long c, long d, long e)
{
#if defined(__x86_64__)
	long result;
	register long r10 __asm__("r10") = d;
	register long r8 __asm__("r8") = e;
	__asm__ volatile("syscall"
			 : "=a"(result)
			 : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8)
			 : "rcx", "r11", "memory");
	return result;
#elif defined(__aarch64__)
	register long x8 __asm__("x8") = number;
	register long x0 __asm__("x0") = a;
	register long x1 __asm__("x1") = b;
	register long x2 __asm__("x2") = c;
	register long x3 __asm__("x3") = d;
	register long x4 __asm__("x4") = e;
	__asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4) : "memory");
	return x0;
#else
#error "this processor's system calls are not known"
#endif
}

/* A loop of its own would be made a call of the C library's memset or strlen. */
#define KEEP __asm__ volatile("" ::: "memory")

static int open_file(const char *path, int flags, int mode)
{
	return (int)call(__NR_openat, AT_FDCWD, (long)path, flags | O_CLOEXEC, mode, 0);
}

static long control(int file, unsigned long request, void *argument)
{
	return call(__NR_ioctl, file, (long)request, (long)argument, 0, 0);
}

static void close_file(int file)
{
	call(__NR_close, file, 0, 0, 0, 0);
}

static long length(const char *text)
{
	long count = 0;
	while (text[count]) {
		count++;
		KEEP;
	}
	return count;
}

static inline int write_all(int file, const char *text, long left)
{
	while (left > 0) {
		long written = call(__NR_write, file, (long)text, left, 0, 0);
		if (written <= 0)
			return 0;
		text += written;
		left -= written;
	}
	return 1;
}

static int is_same(const char *a, const char *b)
{
	while (*a && *a == *b) {
		a++;
		b++;
	}
	return *a == *b;
}

/* No echo, no editing, and a speed at which the emulated port does not wait milliseconds for a line's end. */
static inline void make_raw(int port)
{
	struct termios settings;
	if (control(port, TCGETS, &settings) != 0)
		return;
	settings.c_iflag = 0;
	settings.c_oflag = 0;
	settings.c_lflag = 0;
	settings.c_cflag = CS8 | CREAD | CLOCAL | B115200;
	settings.c_cc[VMIN] = 1;
	settings.c_cc[VTIME] = 0;
	control(port, TCSETS, &settings);
}

static int run(long count, char **words);

/* The kernel has put the count of words, and the words, on the stack. */
__attribute__((noreturn, used)) static void start(long *stack)
{
	int status = run(stack[0], (char **)(stack + 1));
	for (;;)
		call(__NR_exit_group, status, 0, 0, 0, 0);
}

#if defined(__x86_64__)
__asm__(".globl _start\n_start: xor %ebp,%ebp\n mov %rsp,%rdi\n and $-16,%rsp\n call start\n");
#elif defined(__aarch64__)
__asm__(".globl _start\n_start: mov x0,sp\n b start\n");
#endif
