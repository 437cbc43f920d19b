#!/usr/bin/env bash
# One run of Paperround whose database is kept, encrypted, on a branch of this repository (docs/no-server.md).
#   run.sh        take the database from the branch, do what is due, and store it again
#   run.sh save   store it: the run calls this between planning and sending
set -euo pipefail

branch=paperround-state
work=${RUNNER_TEMP:-/tmp}/paperround
database=$work/paperround.db
lease=$work/lease # the commit that this run took or stored last; empty if the branch did not exist
report=${RUNNER_TEMP:-/tmp}/paperround-report
secrets=()
for name in DISCORD_TOKEN "${!DISCORD_WEBHOOK@}"; do
  value=${!name:-}
  value=${value//[[:space:]]/} # what was pasted may end with a line end
  if [ -n "$value" ]; then export "$name=$value" && secrets+=("$value"); else unset "$name"; fi
done

say() { echo "state: $*"; }

# Ask the repository, for two minutes at most.
ask() { timeout "${ASK_SECONDS:-120}" git "$@"; }

# Each secret in what is read, also the last part of an address alone, becomes ***.
hide() {
  local line secret last
  while IFS= read -r line || [ -n "$line" ]; do
    for secret in "${secrets[@]}"; do
      last=${secret%%\?*} last=${last##*/}
      line=${line//"$secret"/***} line=${line//"$last"/***}
    done
    printf '%s\n' "$line"
  done
}

cipher() { STATE_KEY=$1 openssl enc -aes-256-cbc -pbkdf2 -pass env:STATE_KEY "${@:2}"; }

# Take the database from the branch, if there is one. A repository that does not answer ends the run.
load() {
  local status=0 secret
  rm -rf "$work" && mkdir -p "$work"
  : > "$lease"
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
  say "failed because no secret opens the branch $branch. Nothing was sent. If you replaced the token or the webhook, delete that branch:" \
    "the next run begins anew, and a post of today may come again."
  return 1
}

# Store the database as the branch's only commit, unless another run has replaced the commit that this one took.
save() {
  local note blob tree commit stored attempt
  note=$(echo "The database of Paperround, which its workflow replaces. It is encrypted with the token or the webhook's address." \
    | git hash-object -w --stdin) || return 1
  blob=$(gzip --no-name --stdout "$database" | cipher "${secrets[0]}" | git hash-object -w --stdin) || return 1
  tree=$(printf '100644 blob %s\tREADME\n100644 blob %s\tstate\n' "$note" "$blob" | git mktree) || return 1
  commit=$(git -c user.name=Paperround -c user.email=paperround@localhost commit-tree "$tree" -m "State of Paperround") || return 1
  for attempt in 1 2 3; do
    if ask push --quiet --force-with-lease="refs/heads/$branch:$(< "$lease")" origin "$commit:refs/heads/$branch"; then
      stored=$commit
    else # perhaps only the answer was lost
      stored=$(ask ls-remote origin "refs/heads/$branch" | cut -f 1) || stored=unknown
    fi
    if [ "$stored" = "$commit" ]; then
      echo "$commit" > "$lease"
      return 0
    elif [ "$stored" != unknown ] && [ "$stored" != "$(< "$lease")" ]; then
      say "failed because another run has replaced it."
      return 1
    fi
    if [ "$attempt" != 3 ]; then sleep "${PUSH_PAUSE:-10}"; fi
  done
  say "failed because it could not be pushed."
  return 1
}

# The set-up file with the secrets in the place of their names.
fill_in() {
  local text name
  if [ ! -f posts.toml ]; then
    say "failed because the repository has no file posts.toml at its top."
    return 1
  fi
  text=$(sed 's/^[[:blank:]]*#.*/#/' posts.toml) # a secret that only a comment names is not needed
  for name in "${!DISCORD_WEBHOOK@}"; do text=${text//"\${$name}"/"${!name}"}; done
  if [[ $text =~ \$\{(DISCORD_WEBHOOK[A-Z0-9_]*)\} ]]; then
    say "failed because the secret ${BASH_REMATCH[1]} is not set. Add it in Settings > Secrets and variables > Actions."
    return 1
  fi
  (umask 077 && printf '%s\n' "$text" > "$work/posts.toml")
}

run() {
  local status=0 site=()
  if [ "${#secrets[@]}" = 0 ]; then
    say "failed because there is no secret: add DISCORD_WEBHOOK or DISCORD_TOKEN in Settings > Secrets and variables > Actions."
    return 1
  fi
  load && fill_in || return 1
  if [ -n "${SITE_URL:-}" ]; then site=(--site public --base-url "$SITE_URL"); fi
  PAPERROUND_DATABASE_URL=sqlite+aiosqlite:///$database paperround run --once --set-up "$work/posts.toml" \
    --before-sending "bash '$0' save" "${site[@]}" || status=$?
  if [ "$status" -gt 1 ] || [ -s "$database-wal" ]; then
    # Killed, or with wrong settings: what was stored before sending stays, and the next run doubts what it announced.
    say "not stored again, since the run ended with status $status."
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
  run 2>&1 | hide | tee "$report" || status=${PIPESTATUS[0]}
  if [ -n "${GITHUB_STEP_SUMMARY:-}" ]; then
    { echo '```' && cat "$report" && echo '```'; } >> "$GITHUB_STEP_SUMMARY"
  fi
  exit "$status"
fi
