#!/bin/sh
# Writes what is generated from other sources: the Go code of the protobuf
# records and the reference of dimensions and metrics. "generate.sh check"
# writes nothing and fails when something is out of date.
set -eu
cd "$(dirname "$0")/.."
mode=${1:-write}
. scripts/need.sh
need_command protoc protobuf-compiler

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
GOBIN=$work/bin go install google.golang.org/protobuf/cmd/protoc-gen-go@v1.36.12
GOBIN=$work/bin go install github.com/planetscale/vtprotobuf/cmd/protoc-gen-go-vtproto@v0.6.0
PATH=$work/bin:$PATH

stale=0
for proto in internal/event/record.proto internal/fold/client.proto; do
	folder=$(dirname "$proto")
	# Both are read out of buffers that stay: texts need not be copied.
	features=marshal+unmarshal+size+unmarshal_unsafe
	pools=
	if [ "$folder" = internal/event ]; then
		# The fold decodes every event into the same one, with what hangs on it.
		features=$features+pool
		for message in Event Geo Param; do
			pools=$pools,pool=tidemark/internal/event.$message
		done
	fi
	mkdir -p "$work/$folder"
	protoc -I "$folder" \
		--go_out="$work/$folder" --go_opt=paths=source_relative \
		--go-vtproto_out="$work/$folder" --go-vtproto_opt=paths=source_relative,features=$features$pools \
		"$(basename "$proto")"
	for made in "$work/$folder"/*.go; do
		kept=$folder/$(basename "$made")
		# The compiler's own version is a comment that may differ.
		grep -v '^//.*protoc  *v' "$made" >"$work/made"
		grep -v '^//.*protoc  *v' "$kept" >"$work/kept" 2>/dev/null || : >"$work/kept"
		if cmp -s "$work/made" "$work/kept"; then
			continue
		fi
		if [ "$mode" = check ]; then
			echo "$kept is out of date" >&2
			stale=1
		else
			cp "$made" "$kept"
			echo "wrote $kept"
		fi
	done
done

if [ "$mode" = check ]; then
	go test -count=1 -run 'TestC3ReferenceTextIsCurrent' ./internal/catalog >"$work/reference" 2>&1 || {
		cat "$work/reference" >&2
		stale=1
	}
	if [ "$stale" != 0 ]; then
		echo "run: make generate" >&2
	fi
	exit "$stale"
fi
go generate ./internal/catalog
