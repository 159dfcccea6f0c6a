#!/bin/sh
# Renders an animation in twelve virtual machines, and one more puts the frames on one picture.
# demo.sh [OPTION...]: options are those of `gva sweep run`, such as --vmm qemu or -j 4.
# The results go into the folder povray-results/ of the checkout, or where POVRAY_RESULTS says; POVRAY_PLAN is another plan.
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
root=$(CDPATH='' cd -- "$here/../.." && pwd)
results=${POVRAY_RESULTS:-$root/povray-results}

"$root/bin/gva" base build "$here"
"$root/bin/gva" sweep run "${POVRAY_PLAN:-$here/plan.yaml}" --out "$results" --force "$@"
echo
echo "The frames: $results/points/*/*/output/frame.png"
echo "All of them on one picture: $results/gather/output/sheet.png"
