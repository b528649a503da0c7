/*
 * loopserver: a web server that does nothing but loop, as in P2's experiment:
 * so many times for each request, one request after another.
 *
 *	loopserver PORT NAME FILE
 *
 * FILE has the number of times; it is read again when it changes (looked at
 * once a second). Answers with NAME.
 */
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static unsigned long
read_times(const char *file)
{
	unsigned long n = 0;
	FILE *f = fopen(file, "r");

	if (f != NULL) {
		if (fscanf(f, "%lu", &n) != 1)
			n = 0;
		fclose(f);
	}
	return n;
}

static void
serve(int fd, const char *name, unsigned long times)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	char buf[2048];
	int n;

	if (poll(&p, 1, 1000) > 0 && recv(fd, buf, sizeof(buf), 0) > 0) {
		while (times-- > 0)
			__asm__ volatile("" : "+r"(times));
		n = snprintf(buf, sizeof(buf), "HTTP/1.1 200 OK\r\n"
		    "Content-Length: %zu\r\nConnection: close\r\n\r\n%s\n",
		    strlen(name) + 1, name);
		(void)!send(fd, buf, (size_t)n, MSG_NOSIGNAL);
	}
	close(fd);
}

int
main(int argc, char **argv)
{
	struct sockaddr_in in = { .sin_family = AF_INET };
	unsigned long times;
	time_t looked = 0;
	int fd, c, on = 1;

	if (argc != 4)
		return 2;
	in.sin_port = htons((uint16_t)atoi(argv[1]));
	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (fd < 0 || bind(fd, (struct sockaddr *)&in, sizeof(in)) < 0 ||
	    listen(fd, 1024) < 0) {
		perror("loopserver");
		return 1;
	}
	times = read_times(argv[3]);
	for (;;) {
		c = accept4(fd, NULL, NULL, SOCK_CLOEXEC);
		if (time(NULL) != looked) {
			looked = time(NULL);
			times = read_times(argv[3]);
		}
		if (c >= 0)
			serve(c, argv[2], times);
	}
}
