#!/usr/bin/env bash
# Prints docs/commands.md: the help of every verb, as the program itself tells it.
set -euo pipefail
cd "$(dirname "$0")/.."
export COLUMNS=80 TERM=dumb NO_COLOR=1
program=.venv/bin/byoi-tools

names() { "$program" "$@" --help | sed -n '/^Commands:/,/^$/s/^  \([a-z-]\+\) .*/\1/p'; }

block() {
    printf '\n## %s\n\n```\n$ byoi-tools %s --help\n' "$*" "$*"
    "$program" "$@" --help | sed -e :a -e '/^\n*$/{$d;N;ba' -e '}'
    printf '```\n'
}

printf '# Commands\n\nThe help of every verb. `make docs` writes this page.\n'
for verb in $(names); do
    block "$verb"
    for part in $(names "$verb"); do block "$verb" "$part"; done
done
