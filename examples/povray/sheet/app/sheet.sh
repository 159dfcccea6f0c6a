#!/bin/sh
# sheet.sh FOLDER: puts all frames below the folder on one picture, sheet.png, four in a row; POV-Ray does that, too.
set -eu
columns=4
count=0
scene=sheet.pov
: >tiles
# Folders of points have as many digits each: their order is that of the frames.
for frame in "$1"/*/*/frame.png; do
	[ -e "$frame" ] || continue
	printf 'Tile("%s", %d, %d)\n' "$frame" $((count % columns)) $((count / columns)) >>tiles
	count=$((count + 1))
done
[ "$count" -gt 0 ] || { echo "there are no frames in $1" >&2 && exit 1; }
rows=$(((count + columns - 1) / columns))
cat - tiles >"$scene" <<-POV
	#version 3.7;
	global_settings { assumed_gamma 1.0 }
	camera {
	  orthographic
	  location <$columns / 2, -$rows / 2, -10>
	  look_at <$columns / 2, -$rows / 2, 0>
	  right x * $columns
	  up y * $rows
	}
	#macro Tile(Name, Column, Row)
	  box {
	    <0, 0, 0>, <1, 1, 0.1>
	    pigment { image_map { png Name once } }
	    finish { ambient 0 diffuse 0 emission 1 }
	    translate <Column, -Row - 1, 0>
	  }
	#end
POV
povray "+I$scene" +Osheet.png "+W$((columns * 200))" "+H$((rows * 150))" +WT1 -D 2>sheet.log || {
	cat sheet.log >&2
	exit 1
}
rm tiles
echo "$count frames"
