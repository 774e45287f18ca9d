/*
 * Preloaded into a process, it makes system calls of the main thread fail at random, as if
 * descriptors, memory or space had run out. The process itself sets the rate: it loads this
 * library a second time by its path, and gets the loaded instance.
 *
 * Only calls whose failure a caller can handle fail: not those on which libuv aborts (reads of
 * its own eventfd), and none on its other threads.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static uint64_t state = 1;
/* Failures in a million calls; 0: none. */
static unsigned int rate;
static unsigned int failed;

void faults_seed(unsigned int seed)
{
	state = 0x9e3779b97f4a7c15ULL ^ seed;
}

void faults_rate(unsigned int per_million)
{
	rate = per_million;
}

unsigned int faults_count(void)
{
	return failed;
}

static uint64_t next(void)
{
	/* splitmix64 */
	uint64_t z = (state += 0x9e3779b97f4a7c15ULL);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
	return z ^ (z >> 31);
}

#define COUNT(list) (sizeof(list) / sizeof((list)[0]))

/* Whether this call fails; errno is then one of the list. */
static int fails(const int *list, unsigned int count)
{
	static pid_t pid;

	if (rate == 0)
		return 0;
	if (pid == 0)
		pid = getpid();
	if (gettid() != pid || next() % 1000000 >= rate)
		return 0;
	failed++;
	errno = list[next() % count];
	return 1;
}

#define FAILS(...) ({ static const int list[] = { __VA_ARGS__ }; fails(list, COUNT(list)); })
#define REAL(name) \
	static __typeof__(&name) real; \
	if (!real) \
		real = (__typeof__(&name))dlsym(RTLD_NEXT, #name)

int socket(int domain, int type, int protocol)
{
	REAL(socket);
	return FAILS(EMFILE, ENOBUFS, ENOMEM) ? -1 : real(domain, type, protocol);
}

int connect(int fd, const struct sockaddr *address, socklen_t length)
{
	REAL(connect);
	return FAILS(ENOMEM, EINTR) ? -1 : real(fd, address, length);
}

int setsockopt(int fd, int level, int name, const void *value, socklen_t length)
{
	REAL(setsockopt);
	return FAILS(ENOMEM, ENOBUFS) ? -1 : real(fd, level, name, value, length);
}

ssize_t send(int fd, const void *data, size_t length, int flags)
{
	REAL(send);
	return FAILS(ENOBUFS, ENOMEM, EINTR) ? -1 : real(fd, data, length, flags);
}

ssize_t recvfrom(int fd, void *data, size_t length, int flags, struct sockaddr *from, socklen_t *size)
{
	REAL(recvfrom);
	return FAILS(ENOBUFS, ENOMEM, EINTR) ? -1 : real(fd, data, length, flags, from, size);
}

/* libbpf's own netlink. */
ssize_t recvmsg(int fd, struct msghdr *message, int flags)
{
	REAL(recvmsg);
	return FAILS(ENOBUFS, ENOMEM) ? -1 : real(fd, message, flags);
}

int setns(int fd, int type)
{
	int (*real)(int, int) = (int (*)(int, int))dlsym(RTLD_NEXT, "setns");

	return FAILS(ENOMEM) ? -1 : real(fd, type);
}

int flock(int fd, int operation)
{
	int (*real)(int, int) = (int (*)(int, int))dlsym(RTLD_NEXT, "flock");

	return FAILS(ENOLCK, EINTR) ? -1 : real(fd, operation);
}

int ioctl(int fd, unsigned long request, ...)
{
	int (*real)(int, unsigned long, void *) =
		(int (*)(int, unsigned long, void *))dlsym(RTLD_NEXT, "ioctl");
	va_list list;
	void *data;

	va_start(list, request);
	data = va_arg(list, void *);
	va_end(list);
	return FAILS(ENOMEM, EINTR, EIO) ? -1 : real(fd, request, data);
}

static int opening(const char *name, const char *path, int flags, mode_t mode)
{
	int (*real)(const char *, int, mode_t) =
		(int (*)(const char *, int, mode_t))dlsym(RTLD_NEXT, name);

	if ((flags & O_CREAT) ? FAILS(EMFILE, ENFILE, ENOMEM, EIO, ENOSPC) :
				FAILS(EMFILE, ENFILE, ENOMEM, EIO, EINTR))
		return -1;
	return real(path, flags, mode);
}

#define OPENING(name) \
	int name(const char *path, int flags, ...) \
	{ \
		va_list list; \
		mode_t mode; \
		va_start(list, flags); \
		mode = va_arg(list, mode_t); \
		va_end(list); \
		return opening(#name, path, flags, mode); \
	}
#undef open64
OPENING(open)
OPENING(open64)

int fsync(int fd)
{
	REAL(fsync);
	return FAILS(EIO, ENOSPC) ? -1 : real(fd);
}

int rename(const char *from, const char *to)
{
	REAL(rename);
	return FAILS(EIO, ENOSPC, ENOMEM) ? -1 : real(from, to);
}

int unlink(const char *path)
{
	REAL(unlink);
	return FAILS(EIO, ENOMEM) ? -1 : real(path);
}

ssize_t write(int fd, const void *data, size_t length)
{
	struct stat found;
	REAL(write);

	/* Pipes and eventfds are libuv's. */
	if (rate && fstat(fd, &found) == 0 && S_ISREG(found.st_mode) && FAILS(ENOSPC, EIO))
		return -1;
	return real(fd, data, length);
}

/* bpf(2) of libbpf and of dpctl. A close that fails has closed the descriptor all the same. */
long syscall(long number, ...)
{
	long (*real)(long, long, long, long, long, long, long) =
		(long (*)(long, long, long, long, long, long, long))dlsym(RTLD_NEXT, "syscall");
	long a[6], result;
	va_list list;

	va_start(list, number);
	for (int i = 0; i < 6; i++)
		a[i] = va_arg(list, long);
	va_end(list);
	if (number == SYS_bpf && FAILS(ENOMEM, EMFILE, ENOSPC, EIO))
		return -1;
	result = real(number, a[0], a[1], a[2], a[3], a[4], a[5]);
	/* Node itself ends the process if a close fails by anything but EINTR. */
	if (number == SYS_close && result == 0 && FAILS(EINTR))
		return -1;
	return result;
}
