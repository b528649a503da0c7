/*
 * lock_memory: keeps a process in memory, so that it never waits for a disk.
 */
#ifndef COMMON_LOCK_MEMORY_H
#define COMMON_LOCK_MEMORY_H

/* The program and its libraries whole, and whatever it touches from now on; of
 * the few libraries that lock_memory.c names, what is touched only. 0 or
 * -errno. */
int lock_memory(void);

#endif
