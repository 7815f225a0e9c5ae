#!/usr/bin/env bash
# Resolves the extras of pyproject.toml into requirements/<extra>.txt: exact versions with hashes, one resolution for
# every Python that is supported, no index in the files (whoever installs brings their own). `dev` holds everything and
# is resolved first; the others are cut from it, so that an image runs what the tests ran.
#
# Usage: lock.sh [bench]      bench: only requirements/bench.txt
# UV names the uv to use; `make lock` passes the virtual environment's.
set -euo pipefail
cd "$(dirname "$0")/.."

lock() { # EXTRA [more options of uv]
  local extra=$1; shift
  "${UV:-uv}" pip compile pyproject.toml --extra "$extra" --output-file "requirements/$extra.txt" --quiet \
    --universal --python-version 3.11 --generate-hashes \
    --no-emit-index-url --no-emit-find-links --no-header --no-annotate "$@"
}

# What the worker is measured beside: an environment of its own, so that nothing of it is in ours.
bench() { lock bench --constraint requirements/dev.txt; }

if [ "${1:-}" = bench ]; then bench; exit; fi
lock dev
for extra in operator sim; do
  lock "$extra" --constraint requirements/dev.txt
done
lock worker --extra otel --extra cli --constraint requirements/dev.txt
bench
