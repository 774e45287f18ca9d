// SPDX-License-Identifier: Apache-2.0
/*
 * dpctl-cni: the CNI plugin. It hands the runtime's call to the agent's socket and prints the answer; this
 * takes less than a millisecond, where starting Node takes fifty. All decisions are the agent's
 * (src/runtimes/cni). Without an agent it becomes `dpctl cni`, so that DEL always works.
 *
 * Sources: CNI specification 1.1.0, section 2; RFC 9112 (HTTP/1.1).
 */
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

/* As large as a request of the API may be, less what is around it. */
#define CONFIG_MAX (200 * 1024)
/* The agent's answers are small; a chain's prevResult is part of them. */
#define ANSWER_MAX (1024 * 1024)
/* A living agent shows it once a second. DPCTL_AGENT_TIMEOUT says otherwise. */
#define SILENCE_MS 10000
/* "try again later" (CNI specification, section 5). */
#define CNI_TRY_AGAIN 11
#define CNI_IO_FAILURE 5

/* What became of the attempt to ask the agent. */
enum asked {
	ASKED_ANSWERED,
	/* It has not begun: the command can be carried out here. */
	ASKED_NOBODY,
};

struct text {
	char *bytes;
	size_t length;
	size_t room;
};

static void text_add(struct text *text, const char *bytes, size_t length)
{
	if (text->length + length + 1 > text->room) {
		text->room = (text->length + length + 1) * 2;
		text->bytes = realloc(text->bytes, text->room);
		if (!text->bytes)
			exit(1);
	}
	memcpy(text->bytes + text->length, bytes, length);
	text->length += length;
	text->bytes[text->length] = '\0';
}

__attribute__((format(printf, 2, 3)))
static void text_format(struct text *text, const char *format, ...)
{
	char line[512];
	va_list values;
	int length;

	va_start(values, format);
	length = vsnprintf(line, sizeof(line), format, values);
	va_end(values);
	text_add(text, line, length < (int)sizeof(line) ? (size_t)length : sizeof(line) - 1);
}

/* A JSON string (RFC 8259, section 7). The agent refuses what is not UTF-8. */
static void text_add_json(struct text *text, const char *bytes, size_t length)
{
	text_add(text, "\"", 1);
	for (size_t i = 0; i < length; i++) {
		unsigned char byte = bytes[i];

		if (byte == '"' || byte == '\\')
			text_format(text, "\\%c", byte);
		else if (byte < 0x20)
			text_format(text, "\\u%04x", byte);
		else
			text_add(text, &bytes[i], 1);
	}
	text_add(text, "\"", 1);
}

static void add_member(struct text *body, const char *name, const char *value)
{
	if (!value)
		return;
	text_format(body, ",\"%s\":", name);
	text_add_json(body, value, strlen(value));
}

/* A runtime reads errors from standard output. */
static void __attribute__((noreturn)) fail(int code, const char *message, const char *details)
{
	struct text out = {};

	text_format(&out, "{\"cniVersion\":\"1.1.0\",\"code\":%d,\"msg\":", code);
	text_add_json(&out, message, strlen(message));
	text_add(&out, ",\"details\":", 11);
	text_add_json(&out, details, strlen(details));
	text_add(&out, "}\n", 2);
	fwrite(out.bytes, 1, out.length, stdout);
	fflush(stdout);
	exit(1);
}

static void read_config(struct text *config)
{
	char block[16384];
	ssize_t length;

	text_add(config, "", 0);
	while ((length = read(STDIN_FILENO, block, sizeof(block))) != 0) {
		if (length < 0 && errno == EINTR)
			continue;
		if (length < 0)
			fail(CNI_IO_FAILURE, "standard input cannot be read", strerror(errno));
		text_add(config, block, length);
		if (config->length > CONFIG_MAX)
			fail(CNI_IO_FAILURE, "the network configuration is too long", "200 KiB at most");
	}
}

/* Which file the path of the namespace is here: the agent may be in another mount namespace. */
static void add_netns(struct text *body, const char *netns)
{
	struct stat file;

	if (!netns || !*netns)
		return;
	add_member(body, "netns", netns);
	if (stat(netns, &file) == 0)
		text_format(body, ",\"netnsFile\":\"%llu:%llu\"", (unsigned long long)file.st_dev,
			    (unsigned long long)file.st_ino);
}

static void make_request(struct text *request, const struct text *config)
{
	const char *command = getenv("CNI_COMMAND");
	struct text body = {};

	text_add(&body, "{\"command\":", 11);
	text_add_json(&body, command ? command : "", command ? strlen(command) : 0);
	add_member(&body, "containerId", getenv("CNI_CONTAINERID"));
	add_netns(&body, getenv("CNI_NETNS"));
	add_member(&body, "ifname", getenv("CNI_IFNAME"));
	add_member(&body, "args", getenv("CNI_ARGS"));
	add_member(&body, "path", getenv("CNI_PATH"));
	text_add(&body, ",\"config\":", 10);
	text_add_json(&body, config->bytes, config->length);
	text_add(&body, "}", 1);
	text_format(request,
		    "POST /v1/cni HTTP/1.1\r\nhost: dpctl\r\nconnection: close\r\n"
		    "content-type: application/json\r\ncontent-length: %zu\r\n\r\n",
		    body.length);
	text_add(request, body.bytes, body.length);
	free(body.bytes);
}

/* @return a connection, or -1: no agent listens */
static int connect_agent(void)
{
	const char *root = getenv("DPCTL_ROOT");
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int length, fd;

	length = snprintf(address.sun_path, sizeof(address.sun_path), "%s/run/dpctl/agent.sock",
			  root ? root : "");
	/* Longer paths are the Node command's affair. */
	if (length >= (int)sizeof(address.sun_path))
		return -1;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -1;
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0)
		return fd;
	close(fd);
	return -1;
}

static bool send_all(int fd, const struct text *request)
{
	for (size_t sent = 0; sent < request->length;) {
		ssize_t length = send(fd, request->bytes + sent, request->length - sent, MSG_NOSIGNAL);

		if (length < 0 && errno == EINTR)
			continue;
		if (length < 0)
			return false;
		sent += length;
	}
	return true;
}

static int silence_ms(void)
{
	const char *asked = getenv("DPCTL_AGENT_TIMEOUT");
	int ms = asked ? atoi(asked) : 0;

	return ms > 0 ? ms : SILENCE_MS;
}

/* @return more bytes were read; false at the end of the connection */
static bool read_more(int fd, struct text *answer)
{
	struct pollfd waits = { .fd = fd, .events = POLLIN };
	char block[16384];
	ssize_t length;
	int ready;

	do
		ready = poll(&waits, 1, silence_ms());
	while (ready < 0 && errno == EINTR);
	if (ready == 0)
		fail(CNI_TRY_AGAIN, "the agent of dpctl shows no life", "systemctl restart dpctl-agent");
	do
		length = read(fd, block, sizeof(block));
	while (length < 0 && errno == EINTR);
	if (length <= 0)
		return false;
	text_add(answer, block, length);
	if (answer->length > ANSWER_MAX)
		fail(CNI_IO_FAILURE, "the agent's answer is too long", "");
	return true;
}

static size_t body_length(const char *head, const char *end)
{
	static const char NAME[] = "\r\ncontent-length:";

	for (const char *at = head; at < end; at++)
		if (strncasecmp(at, NAME, sizeof(NAME) - 1) == 0)
			return strtoul(at + sizeof(NAME) - 1, NULL, 10);
	return 0;
}

/*
 * Print the answer and exit with its code. Interim responses (status 1xx) show that the agent has begun and
 * lives.
 */
static enum asked print_answer(int fd)
{
	struct text answer = {};
	size_t start = 0;
	bool begun = false;

	text_add(&answer, "", 0);
	for (;;) {
		char *end = strstr(answer.bytes + start, "\r\n\r\n");
		int status;
		size_t length;

		if (!end) {
			if (read_more(fd, &answer))
				continue;
			if (!begun)
				return ASKED_NOBODY;
			fail(CNI_TRY_AGAIN, "the agent of dpctl ended before it answered",
			     "what was asked may be half done: DEL, then ADD");
		}
		if (sscanf(answer.bytes + start, "HTTP/1.%*d %d", &status) != 1)
			return ASKED_NOBODY;
		if (status >= 100 && status < 200) {
			begun = true;
			start = end + 4 - answer.bytes;
			continue;
		}
		/* An older agent does not know this path: it has done nothing. */
		if (status == 404 || status == 405)
			return ASKED_NOBODY;
		length = body_length(answer.bytes + start, end);
		start = end + 4 - answer.bytes;
		while (answer.length - start < length)
			if (!read_more(fd, &answer))
				fail(CNI_TRY_AGAIN, "the agent's answer is cut off", "DEL, then ADD");
		if (status != 200 && status != 204 && status != 422)
			fail(CNI_IO_FAILURE, "the agent refused the call", answer.bytes + start);
		fwrite(answer.bytes + start, 1, length, stdout);
		if (fflush(stdout))
			_exit(1);
		_exit(status == 422);
	}
}

/* Become `dpctl cni`, with the configuration as standard input again. */
static void __attribute__((noreturn)) run_dpctl(const struct text *config)
{
	const char *program = getenv("DPCTL_PROGRAM");
	char *words[] = { "dpctl", "cni", NULL };
	int fd = memfd_create("config", 0);

	if (fd < 0 || write(fd, config->bytes, config->length) != (ssize_t)config->length ||
	    lseek(fd, 0, SEEK_SET) != 0 || dup2(fd, STDIN_FILENO) < 0)
		fail(CNI_IO_FAILURE, "the configuration cannot be handed on", strerror(errno));
	close(fd);
	if (program && *program)
		execvp(program, words);
	execvp("dpctl", words);
	/* Runtimes may have a short PATH. */
	execv("/usr/local/bin/dpctl", words);
	execv("/usr/bin/dpctl", words);
	fail(CNI_TRY_AGAIN, "no agent of dpctl answers, and there is no program dpctl",
	     "systemctl start dpctl-agent");
}

int main(void)
{
	struct text config = {}, request = {};
	int fd;

	read_config(&config);
	fd = connect_agent();
	if (fd >= 0) {
		make_request(&request, &config);
		if (send_all(fd, &request))
			print_answer(fd);
		close(fd);
	}
	run_dpctl(&config);
}
