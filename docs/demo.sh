#!/usr/bin/env bash
# Shows agentq at work with its built-in shell agent, in a temporary folder that is gone afterwards.
# What it tells is checked as it goes: it ends with 0 if all went as told, else it says what differed.
#
# usage: docs/demo.sh PATH/TO/agentq [ARGUMENT…]
#
# `agentq demo` plays it too: it is part of agentq-server.
set -euo pipefail

binary=("$(cd "$(dirname "$1")" && pwd)/$(basename "$1")" "${@:2}")
folder=$(mktemp -d)
output=$(mktemp)

# The demo has a queue of its own, whatever queue the caller is in.
export AGENTQ_ROOT=$folder
bold='' plain=''
if [[ -t 1 && -z ${NO_COLOR:-} ]]; then bold=$'\033[1m' plain=$'\033[0m'; fi
export NO_COLOR=1
cd "$folder"

leave() {
  local code=$? i
  trap - EXIT
  "${binary[@]}" run --stop >/dev/null 2>&1 || true
  "${binary[@]}" cancel --all >/dev/null 2>&1 || true
  cd /
  # The last supervisor may just write a file there.
  for ((i = 0; i < 100; i++)); do
    if rm -rf "$folder" "$output" 2>/dev/null; then break; fi
    sleep 0.05
  done
  exit "$code"
}
trap leave EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

tell() { printf '\n%s# %s%s\n' "$bold" "$*" "$plain"; }

differs() {
  printf '\nThe demo did not go as told: %s\n' "$*" >&2
  exit 1
}

# agentq CODES ARGUMENTS…: shows the command, runs it, shows what it printed (kept in $output), and expects
# one of CODES, written as 0 or 0,3.
agentq() {
  local codes=$1 code=0 argument line='$ agentq'
  shift
  for argument in "$@"; do
    case $argument in
      *[!A-Za-z0-9_./=-]*) line+=" '$argument'" ;;
      *) line+=" $argument" ;;
    esac
  done
  printf '%s\n' "$line"
  "${binary[@]}" "$@" >"$output" 2>&1 </dev/null || code=$?
  cat "$output"
  [[ ,$codes, == *",$code,"* ]] || differs "it ended with code $code, not $codes."
}

# start ARGUMENTS…: `agentq start shell … --quiet`; sets id to what it printed.
start() {
  agentq 0 start shell "$@" --quiet
  id=$(cat "$output")
  [[ $id =~ ^task_[A-Za-z0-9-]+$ ]] || differs "--quiet printed '$id', which is not the id of a task."
}

# The task file is public, and plain JSON: asking it needs no tool.
expect_state() {
  local state
  state=$(sed -n 's/.*"status": *"\([a-z]*\)".*/\1/p' ".agents/tasks/$1.json")
  [[ $state == "$2" ]] || differs "$1 is '$state', not '$2'."
}

expect_output() {
  grep -qiE -- "$1" "$output" || differs "the output above says nothing like '$1'."
}

tell 'A queue is a folder. Tasks are files in it; nothing runs yet.'
agentq 0 init
start 'sleep 2; echo apples' --name apples
apples=$id
start 'sleep 2; echo pears' --name pears
pears=$id
start 'sleep 2; echo plums' --name plums
plums=$id
agentq 0 status

tell 'Three at once: six seconds of work in two.'
begin=$SECONDS
agentq 0 run --parallel 3 --wait
took=$((SECONDS - begin))
[[ $took -lt 6 ]] || differs "three tasks of 2 s took $took s: they did not run at once."
for id in "$apples" "$pears" "$plums"; do expect_state "$id" complete; done
agentq 0 logs "$pears"
expect_output pears

tell 'A failure keeps its reason, and the exit code says that the work failed (3).'
start 'echo "data.csv: no such file" >&2; exit 3' --name broken
agentq 3 run "$id" --wait
expect_state "$id" failed
agentq 0 show "$id"
expect_output 'code 3'

tell 'A time limit is enforced: a sleep of 30 s may take one.'
start 'sleep 30' --timeout 1 --name slow
begin=$SECONDS
agentq 3 run "$id" --wait
took=$((SECONDS - begin))
[[ $took -lt 20 ]] || differs "the task was to be ended after 1 s and took $took s."
expect_state "$id" failed
agentq 0 show "$id"
expect_output 'timed out|timeout'

tell 'A task that fails once and is retried by itself, after a second.'
start 'test -e tried || { touch tried; echo "the first time it fails"; exit 1; }' --auto-retry --name flaky
# The first attempt failed and its retry did not: whether that counts as failed is not what is shown here.
agentq 0,3 run --drain --wait
expect_state "$id" failed
retry=$(grep -lE "\"parentTaskId\": *\"$id\"" .agents/tasks/*.json || true)
[[ -n $retry && $retry != *$'\n'* ]] || differs "there is not exactly one retry of $id."
expect_state "$(basename "$retry" .json)" complete

tell 'And this is what became of them all.'
agentq 0 status
for word in apples pears plums broken slow flaky; do expect_output "$word"; done
