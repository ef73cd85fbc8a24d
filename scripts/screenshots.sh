#!/bin/sh
# Takes pictures of the dashboard of a demo into a folder:
# "screenshots.sh docs/img". make screenshots builds what it needs first.
set -eu
cd "$(dirname "$0")/.."
out=${1:-docs/img}
work=$(mktemp -d)
server=
stop() {
	[ -z "$server" ] || kill "$server" 2>/dev/null || :
	[ -z "$server" ] || wait "$server" 2>/dev/null || :
	rm -rf "$work"
}
trap stop EXIT
"${TIDEMARK_BINARY:-bin/tidemark}" demo --json --data-dir "$work/data" --listen 127.0.0.1:0 >"$work/facts" 2>"$work/log" &
server=$!
node scripts/screenshots.mjs "$work/facts" "$out" || {
	tail -n 20 "$work/log" >&2
	exit 1
}
