#!/bin/sh
# promtool: holds the golden metrics (which test_metrics holds the program to) to
# Prometheus' own tool: its linter for the older text format, and its parser of
# OpenMetrics, which wants a time with each sample.
set -e
promtool=${PROMTOOL:-promtool}
golden=test/golden/metrics-active
command -v "$promtool" >/dev/null || {
	echo "promtool: not here (apt-get install prometheus)" >&2
	exit 1
}
"$promtool" check metrics <$golden-plain.txt
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
sed '/^#/!s/$/ 1700000000.0/' $golden.txt >"$dir/metrics"
"$promtool" tsdb create-blocks-from openmetrics "$dir/metrics" "$dir" >/dev/null
echo "promtool: both formats are right"
