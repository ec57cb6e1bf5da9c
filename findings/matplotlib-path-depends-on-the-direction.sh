#!/bin/sh
# matplotlib gives another mask when the points of a contour are listed the other way round.
#
# Expectation: the area inside a contour does not depend on its direction, and a positive radius makes it larger, as
# the documentation says.
# Behaviour: Path.contains_points with the radius 1 adds half a pixel around a contour that runs one way and takes
# half a pixel off one that runs the other way; with 1e-9, a usual way to include the boundary, it includes or
# excludes all of it. Directions differ between the contours of one RTSTRUCT, so do then the masks.
# Versions: numpy==2.4.6, matplotlib==3.11.2.
# Source: documentation of matplotlib.path.Path.contains_points, radius; matplotlib/matplotlib #6199. Found by comparing
# masks.
# Output seen: radius 1: 25 and 9 pixels; 1e-09: 25 and 9; 0: 20 and 12 of a square of 4 x 4
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check numpy==2.4.6 matplotlib==3.11.2
cd "$folder"
PATH="$folder/venv/bin:$PATH" "$folder/venv/bin/python" - <<'EOF'
import numpy as np
from matplotlib.path import Path

square = [(2, 2), (6, 2), (6, 6), (2, 6)]
pixels = np.stack(np.meshgrid(range(9), range(9)), -1).reshape(-1, 2)
seen = {
    radius: [int(Path(contour).contains_points(pixels, radius=radius).sum()) for contour in (square, square[::-1])]
    for radius in (1, 1e-9, 0)
}
print(seen)
assert seen == {1: [25, 9], 1e-9: [25, 9], 0: [20, 12]}, "the behaviour has changed"
EOF
