#!/bin/sh
# Makes .venv in the current directory, on the distribution's Python so that python3-guestfs can be imported in it, and
# installs this project there, with the tools of its developers. Run again, it brings an old .venv up to date.
set -eu

if ! .venv/bin/python -c 'import sys; sys.exit(sys.base_prefix != "/usr")' 2>/dev/null; then
    /usr/bin/python3 -m venv --clear --system-site-packages .venv
fi
echo "set-up: installing Python packages into .venv" >&2
.venv/bin/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev,rehearsal]'
