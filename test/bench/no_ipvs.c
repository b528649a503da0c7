/*
 * no_ipvs: preloaded into keepalived, so that its checkers run where the kernel
 * has no IPVS: what it asks of the kernel's table succeeds and does nothing.
 * It falls back from netlink to these socket options.
 */
#include <dlfcn.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#define IP_VS_BASE 1152 /* 64 + 1024 + 64, <linux/ip_vs.h> */
#define IP_VS_LAST (IP_VS_BASE + 64)

int
setsockopt(int fd, int level, int name, const void *value, socklen_t len)
{
	int (*real)(int, int, int, const void *, socklen_t) =
	    (int (*)(int, int, int, const void *, socklen_t))dlsym(
		RTLD_NEXT, "setsockopt");

	if (level == IPPROTO_IP && name >= IP_VS_BASE && name < IP_VS_LAST)
		return 0;
	return real(fd, level, name, value, len);
}

int
getsockopt(int fd, int level, int name, void *restrict value,
    socklen_t *restrict len)
{
	int (*real)(int, int, int, void *, socklen_t *) =
	    (int (*)(int, int, int, void *, socklen_t *))dlsym(
		RTLD_NEXT, "getsockopt");

	if (level == IPPROTO_IP && name >= IP_VS_BASE && name < IP_VS_LAST) {
		memset(value, 0, *len);
		*(unsigned *)value = 0x010201; /* IPVS 1.2.1 */
		return 0;
	}
	return real(fd, level, name, value, len);
}
