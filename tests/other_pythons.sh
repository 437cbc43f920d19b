#!/usr/bin/env bash
# On every other installed Python from 3.11 to 3.13, each in its own virtual environment, which is kept: imports all modules
# and runs the tests that a Python can change. Those are the pure packages (syntax, regular expressions, Unicode, parsing),
# storage on SQLite, and the services with the most asyncio. Argument: the Python of the full run, which does the rest.
set -euo pipefail
full=$("$1" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
used=()
for version in 3.11 3.12 3.13; do
  [ "$version" = "$full" ] && continue
  python=
  for candidate in "python$version" "$HOME"/.pyenv/versions/"$version".*/bin/python; do
    if "$candidate" -c "import sys; sys.exit('%d.%d' % sys.version_info[:2] != '$version')" 2>/dev/null; then
      python=$candidate
      break
    fi
  done
  if [ -z "$python" ]; then
    echo "Python $version: not found on this machine"
    continue
  fi
  venv=.venv-$version
  if [ ! -e "$venv/.installed" ] || [ constraints.txt -nt "$venv/.installed" ] || [ pyproject.toml -nt "$venv/.installed" ]; then
    "$python" -m venv "$venv"
    "$venv/bin/pip" install --quiet --disable-pip-version-check -c constraints.txt -e '.[demo,dev]'
    touch "$venv/.installed"
  fi
  echo "Unit tests: $("$venv/bin/python" --version)"
  "$venv/bin/python" -c '
import importlib, pkgutil
for package in map(importlib.import_module, ("bot", "storage")):
    for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        if "__main__" not in module.name and "migrations" not in module.name:
            importlib.import_module(module.name)
'
  "$venv/bin/pytest" -q -n "${WORKERS:-2}" -m "not wire" -k "not postgresql" --ignore tests/text/test_quality.py \
    tests/archive tests/text tests/glossary tests/rendering tests/storage tests/outbox \
    tests/daily/test_{planner,schedule}.py tests/search/test_service.py tests/sources/test_poller.py
  used+=("$version")
done
echo "Pythons used: $full (full run) ${used[*]:+and ${used[*]} (unit tests)}"
