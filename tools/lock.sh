#!/bin/sh
# Writes requirements.lock and requirements-dev.lock: every package with its hashes, for any platform, from any index.
set -eu
cd "$(dirname "$0")/.."
tool=$(mktemp -d)
trap 'rm -rf "$tool"' EXIT
.venv/bin/python -m venv "$tool"
"$tool/bin/pip" install --quiet --disable-pip-version-check uv
for name in requirements requirements-dev requirements-node; do
    "$tool/bin/uv" pip compile "$name.in" -o "$name.lock" --quiet --universal --python-version 3.11 \
        --generate-hashes --no-emit-index-url --no-emit-find-links --custom-compile-command "make lock"
done
