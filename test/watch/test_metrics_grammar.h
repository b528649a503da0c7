/*
 * test_metrics_grammar: OpenMetrics 1.0 (the specification's ABNF and its rules
 * for types), strictly: what it lets pass every reader can read.
 */
#ifndef TEST_METRICS_GRAMMAR_H
#define TEST_METRICS_GRAMMAR_H

#include <stddef.h>

/* NULL: right. Else what is wrong with it; *ret_line is where. */
const char *openmetrics_check(const char *text, unsigned *ret_line);

#endif
