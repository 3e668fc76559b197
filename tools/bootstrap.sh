#!/bin/sh
# Makes .venv: the newest tested Python from 3.11 on, the locked packages with their hashes, this project in place,
# translations compiled. Usage: tools/bootstrap.sh run|dev. A second run with nothing changed does nothing.
set -eu
cd "$(dirname "$0")/.."
wanted=${1:-run}

say() { echo "setup: $*" >&2; }
fail() { say "$*"; exit 1; }

find_python() {
    for version in 3.13 3.12 3.11 3.14; do # tested ones first
        if command -v "python$version" >/dev/null 2>&1 && "python$version" -c '' 2>/dev/null; then
            echo "python$version"
            return
        fi
    done
    python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo python3
}

install_venv() {
    package="$("$1" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')"
    say "installing $package"
    root=
    if [ "$(id -u)" != 0 ]; then
        root="sudo -n"
        sudo -n true 2>/dev/null || fail "$package is missing. Type: sudo apt-get install -y $package"
    fi
    $root apt-get update -qq && $root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq "$package" >/dev/null ||
        fail "$package is missing and could not be installed. Type: sudo apt-get install -y $package"
}

make_environment() {
    python=$(find_python) || true
    [ -n "$python" ] || fail "Python 3.11 or newer is needed. Type: sudo apt-get install -y python3 python3-venv"
    "$python" -c 'import ensurepip, venv' 2>/dev/null || install_venv "$python"
    say "making .venv with $("$python" --version)"
    rm -rf .venv
    "$python" -m venv .venv
}

# What the environment is made from; another path too, since an environment cannot be moved.
fingerprint() {
    { pwd; cat requirements.lock requirements-dev.lock pyproject.toml tools/bootstrap.sh; } | sha256sum | cut -d' ' -f1
}

compile_translations() {
    [ -d gateway/translations ] || return 0
    find gateway/translations -name '*.po' | while read -r text; do
        if [ ! -e "${text%.po}.mo" ] || [ -n "$(find "$text" -newer "${text%.po}.mo")" ]; then
            .venv/bin/pybabel -q compile -i "$text" -o "${text%.po}.mo"
        fi
    done
}

install_packages() {
    set -- -r requirements.lock
    [ "$wanted" = dev ] && set -- "$@" -r requirements-dev.lock
    say "installing packages"
    .venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes "$@"
    .venv/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
}

is_done() { [ -e ".venv/$1.stamp" ] && [ "$(cat ".venv/$1.stamp")" = "$print" ]; }

print=$(fingerprint)
.venv/bin/python -c '' 2>/dev/null || make_environment
if ! is_done dev && { [ "$wanted" = dev ] || ! is_done run; }; then
    # Moved, or never finished: an environment of another path runs that path's programs.
    if [ -e .venv/path ] && [ "$(cat .venv/path)" != "$(pwd)" ]; then make_environment; fi
    pwd >.venv/path
    install_packages
    echo "$print" >".venv/$wanted.stamp"
    say "ready"
fi
compile_translations
.venv/bin/python tools/assets.py "$wanted"
