#!/bin/sh
# Remove the output of deleted sources from dist/: tsc does not, and a deleted test would still run.
set -eu
cd "$(dirname "$0")/.."
for room in loader src test scripts; do
	[ -d "dist/$room" ] || continue
	find "dist/$room" \( -name '*.js' -o -name '*.js.map' -o -name '*.bpf.o' -o -name '*.bpf.d' \) |
		while read -r built; do
			source=${built#dist/}
			case $source in
			*.js.map) source=${source%.js.map}.ts ;;
			*.js) source=${source%.js}.ts ;;
			*.bpf.?) source=${source%.bpf.?}.bpf.c ;;
			esac
			[ -e "$source" ] || rm -f "$built"
		done
done
