#!/bin/sh
# Estimates pi by random numbers in sixteen virtual machines, and writes a report and a plot of the results.
# demo.sh [OPTION...]: options are those of `gva sweep run`, such as --vmm qemu or -j 4.
# The results go into the folder monte-carlo-results/ of the checkout, or where MONTE_CARLO_RESULTS says.
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
root=$(CDPATH='' cd -- "$here/../.." && pwd)
results=${MONTE_CARLO_RESULTS:-$root/monte-carlo-results}

"$root/bin/gva" base build "$here"
"$root/bin/gva" sweep run "$here/plan.yaml" --out "$results" --force "$@"
"$root/bin/gva" report "$results" -o "$results/report.html" --force >/dev/null
"$root/bin/gva" report "$results" --svg "$results/error.svg" --kind lines --x samples --y error --log-x --log-y --force >/dev/null
echo
echo "The estimates: $results/results.csv"
echo "Their errors by the number of samples: $results/error.svg, $results/report.html"
