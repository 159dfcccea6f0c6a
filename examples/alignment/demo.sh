#!/bin/sh
# Aligns families of proteins by Clustal Omega, each in a virtual machine of its own, and writes a report and a plot.
# demo.sh [OPTION...]: options are those of `gva sweep run`, such as --vmm qemu or -j 4.
# The results go into the folder alignment-results/ of the checkout, or where ALIGNMENT_RESULTS says; ALIGNMENT_PLAN is another plan.
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
root=$(CDPATH='' cd -- "$here/../.." && pwd)
results=${ALIGNMENT_RESULTS:-$root/alignment-results}

"$root/bin/gva" base build "$here"
"$root/bin/gva" sweep run "${ALIGNMENT_PLAN:-$here/plan.yaml}" --out "$results" --force "$@"
"$root/bin/gva" report "$results" -o "$results/report.html" --force >/dev/null
"$root/bin/gva" report "$results" --svg "$results/identity.svg" --kind lines --x family --y identity --colour iterations --force >/dev/null
echo
echo "The alignments: $results/points/*/*/output/alignment.fasta"
echo "Identity by family: $results/results.csv, $results/identity.svg, $results/report.html"
