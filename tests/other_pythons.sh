#!/usr/bin/env bash
# On every other installed Python from 3.11 to 3.13, all at once, each in its own virtual environment, which is kept: imports
# all modules and runs the tests of what a Python can change: syntax, regular expressions, Unicode, parsing, dates, asyncio,
# child processes, and SQLite as Python brings it. Argument: the Python of the full run, which does the rest.
set -euo pipefail
full=$("$1" -c 'import sys; print("%d.%d" % sys.version_info[:2])')

find_python() {
  for candidate in "python$1" "$HOME"/.pyenv/versions/"$1".*/bin/python; do
    if "$candidate" -c "import sys; sys.exit('%d.%d' % sys.version_info[:2] != '$1')" 2>/dev/null; then
      echo "$candidate"
      return
    fi
  done
}

# Arguments: a version and its Python. The checks of types, formats and packages stay out: they are of the full run.
run_tests() {
  local venv=.venv-$1
  if [ ! -e "$venv/.installed" ] || [ constraints.txt -nt "$venv/.installed" ] || [ pyproject.toml -nt "$venv/.installed" ]; then
    "$2" -m venv "$venv"
    "$venv/bin/pip" install --quiet --disable-pip-version-check -c constraints.txt -e '.[demo,mcp,writer]' \
      hypothesis jsonschema psutil pytest pytest-asyncio pytest-randomly trustme
    touch "$venv/.installed"
  fi
  "$venv/bin/python" -c '
import importlib, pkgutil
for package in map(importlib.import_module, ("bot", "storage")):
    for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        if "__main__" not in module.name and "migrations" not in module.name:
            importlib.import_module(module.name)
'
  "$venv/bin/pytest" -q -m "not wire" -k "not postgresql and not linear and not grows" \
    --ignore tests/text/test_quality.py --ignore tests/archive/test_under_stress.py --ignore tests/archive/test_real_digests.py \
    tests/archive tests/core tests/text tests/glossary tests/rendering tests/storage tests/daily/test_{planner,schedule}.py \
    tests/search/test_service.py tests/sources/test_{feed,fetcher}.py
}

started=()
for version in 3.11 3.12 3.13; do
  [ "$version" = "$full" ] && continue
  python=$(find_python "$version")
  if [ -z "$python" ]; then
    echo "Python $version: not found on this machine"
    continue
  fi
  log=$(mktemp)
  run_tests "$version" "$python" >"$log" 2>&1 &
  started+=("$version $! $log")
done
failed=
for run in ${started[@]+"${started[@]}"}; do
  read -r version process log <<<"$run"
  wait "$process" || failed+=" $version"
  echo "Unit tests on Python $version:"
  cat "$log"
  rm "$log"
done
echo "Pythons used: $full (full run)${started[*]:+ and $(printf '%s\n' "${started[@]}" | cut -d' ' -f1 | xargs) (unit tests)}"
[ -z "$failed" ] || { echo "failed on$failed" >&2; exit 1; }
