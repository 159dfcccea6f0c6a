#!/bin/sh
# frame.sh FRAME FRAMES WIDTH: renders one frame of the animation into frame.png.
set -eu
clock=$(awk "BEGIN { print $1 / $2 }")
povray +I/app/scene.pov +Oframe.png "+W$3" "+H$(($3 * 3 / 4))" "+K$clock" +A0.3 +WT1 -D 2>frame.log || {
	cat frame.log >&2
	exit 1
}
