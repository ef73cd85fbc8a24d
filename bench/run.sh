#!/bin/sh
# Measures Tidemark: see README.md. Arguments are those of the program, such as
# "-size full -write".
set -eu
cd "$(dirname "$0")/.."
exec go run ./bench "$@"
