#!/bin/sh
# Looks for the tools that building and testing need, and installs the small
# ones on Debian when run as root: "tools.sh build" or "tools.sh test".
set -eu
cd "$(dirname "$0")/.."
. scripts/need.sh

fail() {
	echo "$1" >&2
	exit 1
}

command -v go >/dev/null 2>&1 || fail "Go is missing: see https://go.dev/doc/install; go.mod says which version"
command -v node >/dev/null 2>&1 || fail "Node is missing: version 20 or newer is needed"
command -v npm >/dev/null 2>&1 || fail "npm is missing: it comes with Node"
major=$(node -p 'process.versions.node.split(".")[0]')
[ "$major" -ge 20 ] || fail "Node $major is too old: version 20 or newer is needed"
command -v "${CC:-cc}" >/dev/null 2>&1 || need_package "a C compiler" gcc g++ libc6-dev
# DuckDB is linked from a static C++ library.
command -v "${CXX:-c++}" >/dev/null 2>&1 || need_package "a C++ compiler" g++

if [ "${1:-build}" = test ]; then
	if [ -z "${CHROMIUM:-}" ] && ! command -v chromium >/dev/null 2>&1; then
		need_package "Chromium (or set CHROMIUM to its path)" chromium fonts-dejavu-core fonts-noto-color-emoji
	fi
	# Tests run a real Apache Kafka: Maven fetches it, Java 17 or newer runs it.
	need_command java default-jdk-headless
	need_command mvn maven
	version=$(java -XshowSettings:properties -version 2>&1 | sed -n 's/.*java.specification.version = //p')
	[ "${version%%.*}" -ge 17 ] || fail "Java $version is too old: version 17 or newer is needed"
	# Debian keeps the server's programs out of the PATH.
	if ! command -v initdb >/dev/null 2>&1 && ! ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1; then
		need_package "PostgreSQL (its server, for tests of the registry)" postgresql
	fi
	ls /usr/lib/*/faketime/libfaketime.so.1 >/dev/null 2>&1 ||
		need_package "libfaketime (tests set the clock of PostgreSQL)" libfaketime
	# Tests fetch the engine of ClickHouse with npm; a small program in C and Go serves it.
	command -v tar >/dev/null 2>&1 || need_package tar tar
	# Tests run a real S3 server, which is built from its module: here, so that it is
	# not part of the time that a test may take.
	go test -count=1 -run '^TestProgramIsBuilt$' ./internal/testkit/objectserver >/dev/null ||
		fail "the S3 server of the tests cannot be built: go test -run TestProgramIsBuilt ./internal/testkit/objectserver says why"
fi
