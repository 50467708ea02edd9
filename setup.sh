#!/usr/bin/env bash
# Prepares this folder: system packages where that is allowed, then a virtual environment in .venv.
#
#   ./setup.sh run    what `make demo` needs
#   ./setup.sh dev    the same, and everything the tests need (torch for the training code, checkers, real videos)
#   ./setup.sh editors   the same, and the editors `make test-kdenlive` runs: Kdenlive on a virtual screen, libopenshot (1 GB)
#
# Works as root, with passwordless sudo, and without either: what cannot be installed is named, with the command.
set -euo pipefail
cd "$(dirname "$0")"

profile=${1:-run}
case $profile in run | dev | editors) ;; *) echo "usage: ./setup.sh [run|dev|editors]" >&2; exit 2 ;; esac

venv=.venv
torch=torch==2.13.0 # tested with; TORCH_INDEX names another place to get it from, such as PyTorch's own CPU wheels

say() { printf '\n== %s\n' "$*" >&2; }

# --- system packages -------------------------------------------------------------------------------------------

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi
}

may_install() {
    command -v apt-get > /dev/null && { [ "$(id -u)" = 0 ] || sudo -n true 2> /dev/null; }
}

missing=()

# needs PACKAGE WHY TEST...: notes PACKAGE as missing where TEST fails
needs() {
    local package=$1 why=$2
    shift 2
    "$@" > /dev/null 2>&1 || { missing+=("$package"); printf '   missing: %s (%s)\n' "$package" "$why" >&2; }
}

library() { ldconfig -p 2> /dev/null | grep -q "$1" || /sbin/ldconfig -p | grep -q "$1"; }

say "System packages"
needs musescore-general-soundfont-small "good instruments; without it the small built-in set plays" \
    test -e /usr/share/sounds/sf3/MuseScore_General.sf3 -o -e /usr/share/sounds/sf2/MuseScore_General.sf2
needs libfluidsynth3 "the better player; without it the built-in one plays" library libfluidsynth.so.3
needs libpulse0 "sound of Qt's players" library libpulse.so.0
if [ "$profile" != run ]; then
    needs ffmpeg "tests read what we write with the real FFmpeg; benchmarks compare with it" command -v ffmpeg
    needs melt "tests play what we write in the engine of Kdenlive and Shotcut" command -v melt
fi
if [ "$profile" = editors ]; then
    needs kdenlive "the real editor opens and saves what we write" command -v kdenlive
    needs xvfb "its screen" command -v Xvfb
    needs dbus "its bus" command -v dbus-daemon
    needs xdotool "tells which windows it shows" command -v xdotool
    needs imagemagick "pictures of its window" command -v import
    needs libgl1-mesa-dri "its drawing without a graphics card" test -d /usr/lib/x86_64-linux-gnu/dri -o -d /usr/lib/aarch64-linux-gnu/dri
    needs python3-openshot "OpenShot's engine plays what we write" /usr/bin/python3 -c "import openshot"
fi

if [ ${#missing[@]} -gt 0 ]; then
    if may_install; then
        as_root apt-get update -q >&2 || true # an old list may still be good enough
        as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "${missing[@]}" >&2 ||
            say "Could not install: ${missing[*]}. Shotscore works without; install them later for the full result."
    else
        say "No right to install packages here. Ask for: sudo apt-get install ${missing[*]}"
    fi
fi

# --- the virtual environment -----------------------------------------------------------------------------------

find_python() {
    local candidate
    for candidate in ${PYTHON:+"$PYTHON"} python3 python3.13 python3.12 python3.11; do
        if command -v "$candidate" > /dev/null && "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2> /dev/null; then
            command -v "$candidate"
            return
        fi
    done
    echo "Shotscore needs Python 3.11 or newer; install it, or name one: PYTHON=/path/to/python3 $0 $profile" >&2
    exit 1
}

# Debian's python3 may come without ensurepip (package python3-venv) and refuses `pip install` outside an environment.
# Each way is tried only where the one before cannot work.
make_venv() {
    local python=$1
    if "$python" -c 'import ensurepip, venv' 2> /dev/null; then
        "$python" -m venv "$venv"
    elif "$python" -m venv --without-pip "$venv" 2> /dev/null && "$python" -m pip --python "$venv/bin/python" install -q pip 2> /dev/null; then
        say "This Python has no ensurepip; pip was put into $venv by the pip outside"
    elif "$python" -m pip install -q --target "$venv.tools" virtualenv; then
        PYTHONPATH="$venv.tools" "$python" -m virtualenv -q --clear "$venv"
        rm -rf "$venv.tools"
    elif may_install && as_root apt-get install -y -q --no-install-recommends python3-venv >&2; then
        "$python" -m venv --clear "$venv"
    else
        echo "No virtual environment can be made with $python; install python3-venv or virtualenv and try again." >&2
        exit 1
    fi
}

python=$(find_python)
say "Environment $venv with $python"
[ -x "$venv/bin/python" ] && "$venv/bin/python" -m pip --version > /dev/null 2>&1 || make_venv "$python"

install() { "$venv/bin/python" -m pip install -q --disable-pip-version-check "$@"; }

if [ "$profile" != run ]; then
    say "PyTorch (tests of the training code)"
    install ${TORCH_INDEX:+--index-url "$TORCH_INDEX"} "$torch"
    say "Shotscore and the tools of its tests"
    install -e '.[train,dev]'
else
    say "Shotscore"
    install -e .
fi
touch "$venv/ready-$profile"
say "Ready"
