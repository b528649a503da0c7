#!/bin/sh
# layers: dependencies point down only: daemons -> store -> ha -> common, and
# daemons -> watch -> common. schema/ is data for all; a daemon does not include another daemon's headers.
bad=$(
	git grep -nE '^#include "(ha|store|watch|daemons|test)/' -- common
	git grep -nE '^#include "(store|watch|daemons|test)/' -- ha
	git grep -nE '^#include "(watch|daemons|test)/' -- store
	git grep -nE '^#include "(ha|store|daemons|test)/' -- watch
	git grep -nE '^#include "test/' -- daemons
	for d in daemons/*/; do
		name=$(basename "$d")
		git grep -nE '^#include "daemons/' -- "$d" |
			grep -v "\"daemons/$name/"
	done
)
[ -z "$bad" ] && exit 0
echo "layers: these includes point up or sideways:" >&2
echo "$bad" >&2
exit 1
