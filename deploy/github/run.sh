#!/usr/bin/env bash
# One run of Paperround whose database is kept, encrypted, on a branch of this repository (docs/no-server.md).
#   run.sh        take the database from the branch, do what is due, and store what changed
#   run.sh save   store it: the run calls this between planning and sending
set -euo pipefail

branch=paperround-state
work=${RUNNER_TEMP:-/tmp}/paperround
database=$work/paperround.db
lease=$work/lease # the commit that this run took or stored last; empty if the branch did not exist
tried=$work/tried # the commits that this run has tried to store
report=${RUNNER_TEMP:-/tmp}/paperround-report
credentials=$work/credentials # git's, for the branch alone: what reads foreign texts has no token in its environment or the checkout
push_token=${PUSH_TOKEN:-}
unset PUSH_TOKEN
if [ -n "${WEBHOOK:-}" ]; then export DISCORD_WEBHOOK=$WEBHOOK; fi
unset WEBHOOK
secrets=()
for name in DISCORD_TOKEN "${!DISCORD_WEBHOOK@}"; do
  value=${!name:-}
  value=${value//[[:space:]]/} value=${value#[\"\']} value=${value%[\"\']} # what was pasted may end with a line end, or be quoted
  if [ -n "$value" ]; then export "$name=$value" && secrets+=("$value"); else unset "$name"; fi
done

say() { echo "state: $*"; }

# Ask the repository, for two minutes at most.
ask() { timeout "${ASK_SECONDS:-120}" git -c include.path="$credentials" "$@"; }

# Each secret in what is read, also the last part of an address alone, becomes ***.
hide() {
  local line secret last
  while IFS= read -r line || [ -n "$line" ]; do
    for secret in "${secrets[@]}"; do
      last=${secret%%\?*} last=${last%/} last=${last##*/}
      line=${line//"$secret"/***} line=${line//"$last"/***}
    done
    printf '%s\n' "$line"
  done
}

cipher() { STATE_KEY=$1 openssl enc -aes-256-cbc -pbkdf2 -pass env:STATE_KEY "${@:2}"; }

# What the database has, as a hash. Of how sources were read only the date and failures count, so that a run which found nothing
# stores nothing: GitHub keeps what a push replaces.
fingerprint() {
  python3 - "$database" << 'END'
import hashlib, sqlite3, sys
found = hashlib.sha256()
database = sqlite3.connect(sys.argv[1])
for (table,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name").fetchall():
    names = [row[1] for row in database.execute(f'PRAGMA table_info("{table}")')]
    if table in ("sources", "source_pages"):
        names = [name for name in names if name not in ("status", "reading")]
        wanted = [f"substr({name}, 1, 10)" if name.endswith("_at") else name for name in names]
    else:
        wanted = [f'"{name}"' for name in names]
    for row in database.execute(f'SELECT {", ".join(wanted)} FROM "{table}"'):
        if table != "sender_lease" and row[0] != "requested:arxiv":
            found.update(f"{table} {row}".encode())
print(found.hexdigest())
END
}

# Take the database from the branch, if there is one. A repository that does not answer ends the run.
load() {
  local status=0 secret
  rm -rf "$work" && mkdir -p "$work"
  (umask 077 && : > "$credentials")
  if [ -n "$push_token" ]; then
    printf '[http "%s/"]\n\textraheader = AUTHORIZATION: basic %s\n' "${GITHUB_SERVER_URL:-https://github.com}" \
      "$(printf 'x-access-token:%s' "$push_token" | base64 -w 0)" > "$credentials"
  fi
  : > "$lease"
  : > "$tried"
  ask ls-remote --exit-code --quiet origin "refs/heads/$branch" > /dev/null || status=$?
  if [ "$status" = 2 ]; then return 0; fi # no such branch: the first run
  if [ "$status" != 0 ] || ! ask fetch --quiet --depth 1 origin "refs/heads/$branch"; then
    say "failed because the repository does not answer. Nothing was read or sent."
    return 1
  fi
  git rev-parse FETCH_HEAD > "$lease"
  for secret in "${secrets[@]}"; do
    if git cat-file blob FETCH_HEAD:state | cipher "$secret" -d 2> /dev/null | gzip -d > "$database" 2> /dev/null; then return 0; fi
  done
  say "failed because no secret opens the branch $branch. Nothing was sent. If you replaced the token or, without one," \
    "the webhook's address of the first secret, delete that branch: the next run starts again, and a post of today may come again if one came."
  return 1
}

# Store the database as the branch's only commit, unless another run has replaced the commit that this one took. Whether a push
# arrived is asked for longer than a push is repeated.
save() {
  local note blob tree commit stored attempt most=3
  note=$(echo "The database of Paperround, which its workflow replaces. It is encrypted with the token or the webhook's address." \
    | git hash-object -w --stdin) || return 1
  blob=$(gzip --no-name --stdout "$database" | cipher "${secrets[0]}" | git hash-object -w --stdin) || return 1
  tree=$(printf '100644 blob %s\tREADME\n100644 blob %s\tstate\n' "$note" "$blob" | git mktree) || return 1
  commit=$(git -c user.name=Paperround -c user.email=paperround@localhost commit-tree "$tree" -m "State of Paperround") || return 1
  echo "$commit" >> "$tried"
  for ((attempt = 1; attempt <= most; attempt++)); do
    if [ "$attempt" != 1 ]; then sleep "${PUSH_PAUSE:-10}"; fi
    if ask push --quiet --force-with-lease="refs/heads/$branch:$(< "$lease")" origin "$commit:refs/heads/$branch"; then
      stored=$commit
    else # perhaps only the answer was lost, of this push or of one before it
      most=10
      stored=$(ask ls-remote origin "refs/heads/$branch" | cut -f 1) || continue
      most=$((attempt < 3 ? 3 : attempt))
    fi
    if [ "$stored" = "$commit" ]; then
      echo "$commit" > "$lease"
      return 0
    elif [ "$stored" != "$(< "$lease")" ]; then
      if ! grep -qxF "$stored" "$tried"; then
        say "failed because another run has replaced it."
        return 1
      fi
      echo "$stored" > "$lease"
      most=$((attempt + 3))
    fi
  done
  say "failed because it could not be pushed."
  return 1
}

# The set-up file, or without one a post of the five papers with most votes.
read_set_up() {
  if [ -f posts.toml ]; then
    cat posts.toml
  else
    printf '[[sources]]\nsource = "https://huggingface.co"\n\n[[posts]]\nwebhook = "${DISCORD_WEBHOOK}"\n'
    printf 'at = "%s"\ntimezone = "%s"\nlocale = "%s"\n' "${POST_AT:-09:00}" "${POST_TIMEZONE:-Asia/Seoul}" "${POST_LOCALE:-en}"
  fi
}

# The set-up file with the secrets in the place of their names.
fill_in() {
  local text name quoted='"([^"\]|\\.)*"'
  # A secret that only a comment names is not needed.
  text=$(read_set_up | sed -E "s/^(([^\"'#]|$quoted|'[^']*')*)#.*/\1#/")
  for name in "${!DISCORD_WEBHOOK@}"; do text=${text//"\${$name}"/"${!name}"}; done
  if [[ $text =~ \$\{(DISCORD_WEBHOOK[A-Z0-9_]*)\} ]]; then
    name=${BASH_REMATCH[1]}
    echo "set-up: failed because the secret $name does not reach this run. Nothing was sent. It needs the line" \
      "\`$name: \${{ secrets.$name }}\` below \`env:\` in .github/workflows/paperround.yml, and the secret itself in Settings >" \
      "Secrets and variables > Actions."
    return 1
  fi
  (umask 077 && printf '%s\n' "$text" > "$work/posts.toml")
}

run() {
  local status=0 site=() before=new
  if [ "${#secrets[@]}" = 0 ]; then
    echo "set-up: failed because there is no secret: add DISCORD_WEBHOOK or DISCORD_TOKEN in Settings > Secrets and variables > Actions."
    return 1
  fi
  load && fill_in || return 1
  if [ -s "$lease" ]; then before=$(fingerprint) || before=unknown; fi
  if [ -n "${SITE_URL:-}" ]; then site=(--site public --base-url "$SITE_URL"); fi
  PAPERROUND_DATABASE_URL=sqlite+aiosqlite:///$database paperround run --once --set-up "$work/posts.toml" \
    --before-sending "bash '$0' save" "${site[@]}" || status=$?
  if [ "$status" -gt 1 ] || [ -s "$database-wal" ]; then
    # Killed, or with wrong settings: what was stored before sending stays, and the next run doubts what it announced.
    say "not stored again, since the run ended with status $status."
  elif [ "$before" = new ] && [ "$status" = 1 ] && [ ! -s "$tried" ]; then
    # The key may be a mistyped secret.
    say "not stored, since it is the first run, and it failed before sending. The next one begins anew."
  elif [ ! -s "$tried" ] && [ "$before" = "$(fingerprint)" ]; then
    : # nothing to store
  elif ! save; then
    say "what this run did is not stored. The next one asks Discord what was sent; what a webhook may have sent it names, and does not send again."
    status=1
  fi
  return "$status"
}

if [ "${1:-}" = save ]; then
  save
else
  status=0
  # Titles and reasons are others' words: none is a command to the runner.
  stop=$(openssl rand -hex 16)
  echo "::stop-commands::$stop"
  run 2>&1 | hide | tee "$report" || status=${PIPESTATUS[0]}
  echo "::$stop::"
  if [ -n "${GITHUB_STEP_SUMMARY:-}" ]; then
    # Nor does one end the fence.
    { echo '```' && sed 's/```/~~~/g' "$report" && echo '```'; } >> "$GITHUB_STEP_SUMMARY"
  fi
  exit "$status"
fi
