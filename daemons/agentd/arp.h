/*
 * arp: which addresses this machine has, on which cards, and whether a card
 * answers ARP for what is not its own. That decides whether methods dr and tun
 * work; `yoke init check` asks for it (GET /arp) and judges.
 */
#ifndef AGENTD_ARP_H
#define AGENTD_ARP_H

#include <stddef.h>

/* As JSON: "interfaces", each with name, up, arp (it speaks ARP or neighbour
 * discovery at all), arp_ignore and arp_announce as they are in force (the
 * larger one of the card's and of "all": ip-sysctl.rst; left out when they
 * cannot be read), addresses; "whole": none was left out for want of room.
 * root stands in front of /proc. Caller free()s. NULL: no memory. */
char *arp_json(const char *root, size_t *ret_len);

#endif
