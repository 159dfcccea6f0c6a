#!/bin/sh
# Computes the Mandelbrot set in eight virtual machines and shows what that costs.
# demo.sh [OPTION...]: options are those of `gva sweep run`, such as --vmm qemu or -j 4.
# The results go into the folder mandelbrot-results/ of the checkout, or where MANDELBROT_RESULTS says.
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
root=$(CDPATH='' cd -- "$here/../.." && pwd)
results=${MANDELBROT_RESULTS:-$root/mandelbrot-results}

sh "$here/build.sh"
scratch=$(mktemp -d)
trap 'rm -rf -- "$scratch"' EXIT
trap 'exit 130' HUP INT TERM

"$root/bin/gva" sweep run "$here/plan.yaml" --out "$results" --force "$@"
node "$here/join.mjs" "$results" "$results/mandelbrot.png"
echo
node "$here/times.mjs" "$results" "$here/app/mandelbrot" "$scratch"
echo
echo "The picture: $results/mandelbrot.png"
