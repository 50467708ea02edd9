#!/usr/bin/env bash
# Real Blenders for the tests: the module bpy from PyPI, each version in an environment of its own.
#
#   tests/editors/setup_blender.sh [VERSION...]    5.0.1, 4.3.0 (older names) and 4.2.23 (oldest, without sound) where none is named; about 400 MB each
#
# Says the Pythons on standard output, parted by `:`, as SHOTSCORE_BPY wants them. bpy needs exactly its own Python: 3.11.
set -euo pipefail
folder=${SHOTSCORE_BPY_FOLDER:-${XDG_CACHE_HOME:-$HOME/.cache}/shotscore-test}
[ $# -gt 0 ] || set -- 5.0.1 4.3.0 4.2.23
python=$(command -v python3.11) || { echo "bpy needs Python 3.11; install it." >&2; exit 1; }
found=()
for version in "$@"; do
    place=$folder/bpy-$version
    if [ ! -e "$place/ready" ]; then
        echo "== bpy $version" >&2
        rm -rf "$place"
        "$python" -m venv "$place"
        "$place/bin/python" -m pip install -q --disable-pip-version-check "bpy==$version" >&2
        sound=$("$place/bin/python" -c 'import bpy, sys; sys.stderr.write(f"{bpy.app.build_options.audaspace}")' 2>&1 >/dev/null)
        case $sound in *False) touch "$place/silent" ;; *True) ;; *) echo "$sound" >&2; exit 1 ;; esac
        touch "$place/ready"
    fi
    found+=("$place/bin/python")
done
(IFS=:; echo "${found[*]}")
