#!/bin/bash
# fuzz.sh: libFuzzer on every target, or those named, FOR seconds each; then its
# corpus is reduced to what is needed for the same coverage, in test/fuzz/corpus.
# Findings stay in build/fuzz. `make fuzz` calls it.
set -euo pipefail
bin=$1; shift
: "${FOR:=600}" "${LEN:=512}"
targets=("$@")
if [ ${#targets[@]} -eq 0 ]; then
	for d in test/fuzz/corpus/*/; do targets+=("$(basename "$d")"); done
fi
status=0
for t in "${targets[@]}"; do
	keep=test/fuzz/corpus/$t work=build/fuzz/$t
	mkdir -p "$keep" "$work/all" "$work/min"
	rm -rf "$work/min"; mkdir "$work/min"
	if ! YOKE_FUZZ=$t "$bin" -max_total_time="$FOR" -max_len="$LEN" \
		-timeout=60 -rss_limit_mb=1024 -artifact_prefix="$work/" \
		"$work/all" "$keep" >"$work/log" 2>&1; then
		echo "$t: FOUND SOMETHING, see $work"; tail -n 15 "$work/log"
		status=1; continue
	fi
	YOKE_FUZZ=$t "$bin" -merge=1 -max_len="$LEN" "$work/min" "$work/all" \
		"$keep" >"$work/merge.log" 2>&1
	find "$keep" -type f -delete
	find "$work/min" -type f -exec cp -t "$keep" {} +
	echo "$t: $(grep -Eo '^#[0-9]+' "$work/log" | tail -1 | tr -d '#') runs," \
		"$(find "$keep" -type f | wc -l) inputs kept"
done
exit $status
