/*
 * status_get: fields of a status document, whatever it holds; durations for
 * people.
 */
#ifndef WATCH_STATUS_GET_H
#define WATCH_STATUS_GET_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#define DURATION_LEN 32

const json_t *get_at(const json_t *j, const char *key);	  /* NULL: not there */
const char *get_str_at(const json_t *j, const char *key); /* "" */
int64_t get_num_at(const json_t *j, const char *key);	  /* 0 */
bool get_bool_at(const json_t *j, const char *key);	  /* false */
bool get_there(const json_t *j, const char *key);	  /* and not null */

/* "40 us" "0.3 ms" "31 ms" "3.2 s" "2m13s" "3h05m" "12d04h"; buf has
 * DURATION_LEN. Returns buf. */
const char *duration(int64_t us, char *buf);
const char *duration_ms_at(const json_t *j, const char *key, char *buf);

#endif
