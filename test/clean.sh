#!/bin/sh
# clean.sh COMMAND...: runs it with a $TMPDIR of its own, and fails when the
# command does or leaves anything there. In memory where that may hold programs.
for tmp in ${TMPDIR:-/dev/shm} /tmp; do
	tmp=$(mktemp -d "$tmp/yoke-check-XXXXXX") || continue
	printf '#!/bin/sh\n' >"$tmp/program" && chmod +x "$tmp/program"
	"$tmp/program" 2>/dev/null && break
	rm -rf "$tmp"
done
trap 'rm -rf "$tmp"' EXIT
trap 'exit 1' HUP INT TERM
rm "$tmp/program" || exit 1
TMPDIR=$tmp "$@" || exit
left=$(ls -A "$tmp")
[ -z "$left" ] || { echo "left behind in \$TMPDIR:" $left >&2; exit 1; }
