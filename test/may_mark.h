/*
 * may_mark: may this process mark its packets (SO_MARK: CAP_NET_ADMIN)? Tests of
 * checks through the VIP can do nothing without.
 */
#ifndef TEST_MAY_MARK_H
#define TEST_MAY_MARK_H

#include <stdbool.h>
#include <sys/socket.h>
#include <unistd.h>

static inline bool
may_mark(void)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), mark = 1;
	bool may = setsockopt(fd, SOL_SOCKET, SO_MARK, &mark,
		       sizeof(mark)) == 0;

	close(fd);
	return may;
}

#endif
