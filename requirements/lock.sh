#!/usr/bin/env bash
# Resolves the extras of pyproject.toml into requirements/<extra>.txt: exact versions with hashes, one resolution for
# every Python that is supported, no index in the files (whoever installs brings their own). `dev` holds everything and
# is resolved first; the others are cut from it, so that an image runs what the tests ran.
#
# Usage: lock.sh [bench|celery]      bench: only requirements/bench.txt; celery: only requirements/celery/
# UV names the uv to use; `make lock` passes the virtual environment's.
set -euo pipefail
cd "$(dirname "$0")/.."

lock() { # EXTRA [more options of uv]
  local extra=$1; shift
  "${UV:-uv}" pip compile pyproject.toml --extra "$extra" --output-file "requirements/$extra.txt" --quiet \
    --universal --python-version 3.11 --generate-hashes \
    --no-emit-index-url --no-emit-find-links --no-header --no-annotate "$@"
}

# Celery's other releases that the worker is tested with: for each minor one the first and the newest, with the oldest and
# the newest of what both the release and pyproject.toml's bounds allow. Installed over requirements/dev.txt.
celery() { # NAME REQUIREMENT...
  printf '%s\n' "${@:2}" | "${UV:-uv}" pip compile - --no-deps --output-file "requirements/celery/$1.txt" --quiet \
    --universal --python-version 3.11 --generate-hashes \
    --no-emit-index-url --no-emit-find-links --no-header --no-annotate
}
celeries() {
  celery 5.5.0 celery==5.5.0 kombu==5.5.2 amqp==5.4.2 billiard==4.3.0 tzdata==2025.2
  celery 5.5 'celery==5.5.*' 'kombu==5.5.*' 'amqp<5.5' 'billiard<4.4' 'tzdata>=2025.2'
  celery 5.6.0 celery==5.6.0 kombu==5.6.0 amqp==5.4.2 billiard==4.3.0 'tzdata>=2025.2' 'exceptiongroup>=1.3'
  celery 5.6 'celery==5.6.*' 'kombu<5.8' 'amqp<5.5' 'billiard<4.4'
}

# What the worker is measured beside: an environment of its own, so that nothing of it is in ours.
# uv resolves for every Python that a marker could mean; psycopg's binary has wheels for CPython, which is what we run.
bench() {
  lock bench --constraint requirements/dev.txt \
    --override <(echo "psycopg-binary ; platform_python_implementation == 'CPython'")
}

case ${1:-} in
  bench) bench; exit ;;
  celery) celeries; exit ;;
esac
lock dev
for extra in operator sim; do
  lock "$extra" --constraint requirements/dev.txt
done
lock worker --extra otel --extra cli --constraint requirements/dev.txt
bench
celeries
