#!/usr/bin/env bash
# Runs the unit tests (pure packages, services, storage on SQLite) on every other installed Python from 3.11 to 3.13, each
# in its own virtual environment, which is kept, and prints the versions. The quality of search is measured in the full run
# alone, as it does not depend on the Python. Argument: the Python of the full run.
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
  "$venv/bin/pytest" -q -n "${WORKERS:-2}" -m "not browser and not wire and not faults" -k "not postgresql" \
    tests/bot/digests tests/bot/text tests/bot/rendering tests/bot/services tests/storage --ignore tests/bot/text/quality
  used+=("$version")
done
echo "Pythons used: $full (full run) ${used[*]:+and ${used[*]} (unit tests)}"
