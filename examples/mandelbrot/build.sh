#!/bin/sh
# Compiles the program into the appliance's app/, if it is older than its source.
# build.sh [FILE]: into FILE instead.
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
program=${1:-$here/app/mandelbrot}
# musl's library makes a static program of 46 KB, glibc's one of 690 KB; both compute the same bytes.
compiler=${CC:-$(command -v musl-gcc || echo cc)}

if [ -x "$program" ]; then
    newer=$(find "$here/mandelbrot.c" "$here/build.sh" -newer "$program")
    [ -n "$newer" ] || exit 0
fi

fail() {
    echo "build.sh: $1" >&2
    echo "A C compiler and the static C library are needed. Debian, Ubuntu: apt-get install gcc musl-tools, or gcc libc6-dev" >&2
    exit 69
}

command -v "$compiler" >/dev/null || fail "there is no C compiler ($compiler)"
mkdir -p -- "$(dirname -- "$program")"
# Beside app/ and not in it: everything in app/ is part of the appliance.
new=$here/.mandelbrot.$$
trap 'rm -f -- "$new"' EXIT
trap 'exit 130' HUP INT TERM
# Static, because the base has no C library. No contraction to fused instructions: every machine that follows
# IEEE 754 computes the same bytes.
"$compiler" -std=c11 -O2 -ffp-contract=off -static -s -o "$new" "$here/mandelbrot.c" ||
    fail "$compiler cannot compile the program"
mv -f -- "$new" "$program"
