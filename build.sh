#!/usr/bin/env bash
# Everything a developer or a CI does with agentq; `./build.sh help` lists it. build.ps1 is the same list.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

artifacts=$PWD/artifacts
binary=$artifacts/agentq
server=$artifacts/agentq-server
empty=$artifacts/empty
work=$artifacts/build

export DOTNET_NOLOGO=1 DOTNET_CLI_TELEMETRY_OPTOUT=1
# A bare machine may lack ICU, which nothing here needs, and a service may lack a home.
export DOTNET_SYSTEM_GLOBALIZATION_INVARIANT=1
[[ -n ${HOME:-} ]] || export HOME=$work/home DOTNET_CLI_HOME=$work/home

help() {
  cat <<'TEXT'
./build.sh             build and publish the executables artifacts/agentq and artifacts/agentq-server
./build.sh demo        show it at work, in a temporary folder
./build.sh test        everything CI runs; --fast stops after the fast tests
./build.sh agents      install the agents that people use, and the clients of the Model Context Protocol, into
                       artifacts/agents, with npm, for the tests that drive them; names for some: folders in
                       tests/RealAgents, and mcp-inspector
./build.sh faults      inject every fault of docs/faults.md and print the table; F6 S8 … for some of them,
                       --long for an hour of it, --fast for what needs no process
./build.sh guards      take away what guards against them, one at a time, and show what breaks; names for some
./build.sh mutants     break src/AgentQueue/Tasks and Scheduling in small ways and count what the fast tests notice;
                       FOLDER or FILE… for a part of it, --long also with the slow tests (docs/mutation.md)
./build.sh bench       measure it, print the tables and draw docs/bench.svg (10 minutes); --quick for less,
                       --check against bench/baseline.json, --update-baseline, --only PART, --json
./build.sh install     put it into ~/.local/bin; --prefix DIR for DIR/bin
./build.sh uninstall   take it away again; --prefix DIR as above
./build.sh pack        make the .NET tool package in artifacts/
./build.sh package     make the .tar.gz, the .zip and, on Debian's kin, the .deb in artifacts/; --into DIR for
                       elsewhere, --executable FILE to pack that file as it is
./build.sh format      format the sources
./build.sh clean       remove artifacts/
./build.sh help        this list
TEXT
}

say() { printf '%s\n' "$*"; }

# A sentence for a person, and the end.
fail() {
  printf 'build.sh: %s\n' "$1" >&2
  exit "${2:-1}"
}

# quietly WHAT COMMAND…: says WHAT and how long it took; what the command prints is shown only if it fails.
# stdin and stdout are never handed on: a build server that stays behind must not hold the caller's pipes.
quietly() {
  local what=$1 log begin=$SECONDS
  shift
  mkdir -p "$work"
  log=$(mktemp "$work/log.XXXXXX")
  if "$@" >"$log" 2>&1 </dev/null; then
    rm -f "$log"
    say "$what ($((SECONDS - begin)) s)"
  else
    cat "$log"
    rm -f "$log"
    say "$what: FAILED"
    return 1
  fi
}

need_sdk() {
  if ! command -v dotnet >/dev/null; then
    fail "there is no 'dotnet' here: install the .NET SDK 10.0 (package dotnet-sdk-10.0, or https://dot.net/download) and try again."
  fi
  # Not `| grep -q`: with pipefail, grep's early end would make dotnet's SIGPIPE our error.
  local sdks
  sdks=$(dotnet --list-sdks 2>/dev/null || true)
  if ! grep -q '^10\.' <<<"$sdks"; then
    fail "this needs the .NET SDK 10.0, and 'dotnet --list-sdks' has none: install it (package dotnet-sdk-10.0, or https://dot.net/download) and try again."
  fi
}

# This machine's runtime identifier: linux-x64, linux-musl-arm64, osx-arm64, …
host_rid() {
  local system machine
  case $(uname -s) in
    Linux) system=linux ;;
    Darwin) system=osx ;;
    *) fail "$(uname -s) is not a system that build.sh knows; on Windows use build.ps1." ;;
  esac
  case $(uname -m) in
    x86_64 | amd64) machine=x64 ;;
    aarch64 | arm64) machine=arm64 ;;
    *) fail "$(uname -m) is not a processor that .NET compiles native code for here." ;;
  esac
  if [[ $system == linux ]] && compgen -G '/lib/ld-musl-*' >/dev/null; then system=linux-musl; fi
  printf '%s-%s' "$system" "$machine"
}

# Native code is linked with clang or gcc; having the command is not enough, libc's own files must be there.
find_linker() {
  local candidate trial
  mkdir -p "$work"
  trial=$(mktemp "$work/link.XXXXXX")
  for candidate in clang gcc; do
    if command -v "$candidate" >/dev/null &&
      printf 'int main(void) { return 0; }' | "$candidate" -x c - -o "$trial" 2>/dev/null; then
      rm -f "$trial"
      printf '%s' "$candidate"
      return
    fi
  done
  rm -f "$trial"
}

# Sets `kind` to the best executable that can be made here: net10.0 or net9.0 (native code compiled from that
# framework), else self-contained. Asking costs seconds, so the answer is kept until SDK or linker change.
choose_kind() {
  local rid=$1 linker key candidate
  linker=$(find_linker)
  key="$(dotnet --version) $rid ${linker:-none}"
  if [[ -f $work/native-kind ]] && [[ $(sed -n 2p "$work/native-kind") == "$key" ]]; then
    kind=$(sed -n 1p "$work/native-kind")
    return
  fi

  kind=self-contained
  if [[ -z $linker ]]; then
    say "No C linker here (neither clang nor gcc links a program): install gcc and libc6-dev for native code." \
      "Falling back to a self-contained file."
  else
    for candidate in net10.0 net9.0; do
      if dotnet restore src/AgentQueue.Cli -r "$rid" "-p:Native=$candidate" -v quiet >/dev/null 2>&1 </dev/null; then
        kind=$candidate
        break
      fi
      say "The native compiler for $candidate cannot be restored here; trying the next kind."
    done
  fi
  printf '%s\n%s\n' "$kind" "$key" >"$work/native-kind"
}

describe_kind() {
  case $kind in
    self-contained) printf 'self-contained file (ReadyToRun, starts slower)' ;;
    *) printf 'native executable (AOT, %s)' "$kind" ;;
  esac
}

# The commit that stands here, -dirty if the tree is not as it was committed. Nothing without git, and nothing
# where the sources were unpacked inside a checkout of something else.
commit() {
  local name
  name=$(git rev-parse --short=7 HEAD 2>/dev/null) || return 0
  [[ -z $(git rev-parse --show-prefix) ]] || return 0
  [[ -z $(git --no-optional-locks status --porcelain) ]] || name+=-dirty
  printf '%s' "$name"
}

# When it is built, as `agentq --version` says it.
built() {
  local seconds=${SOURCE_DATE_EPOCH:-$(date +%s)} shape=+%Y-%m-%dT%H:%M:%SZ
  [[ $seconds =~ ^[0-9]+$ ]] || fail "SOURCE_DATE_EPOCH is '$seconds', not a number of seconds." 2
  date -u -d "@$seconds" "$shape" 2>/dev/null || date -u -r "$seconds" "$shape"
}

# publish_project PROJECT NAME TARGET: publishes PROJECT, whose executable is called NAME, as the file TARGET.
publish_project() {
  local project=$1 name=$2 target=$3 rid switch folder time
  time=$(built)
  mkdir -p "$work"
  rid=$(host_rid)
  choose_kind "$rid"
  case $kind in
    self-contained) switch=-p:Variant=self-contained ;;
    *) switch=-p:Native=$kind ;;
  esac
  # The time stamp is taken before: a source saved during the publish is newer than the result.
  touch "$target.stamp"
  folder=$work/publish/$name
  rm -rf "$folder"
  quietly "publish $name as a $(describe_kind)" \
    dotnet publish "$project" -c Release -r "$rid" "$switch" "-p:Commit=$(commit)" "-p:Built=$time" \
    -o "$folder" -v quiet || {
    rm -f "$target.stamp"
    return 1
  }
  # By way of a rename, so that a running executable is replaced and not written into.
  cp "$folder/$name" "$target.new"
  touch -r "$target.stamp" "$target.new"
  mv -f "$target.new" "$target"
  rm -f "$target.stamp"
}

# up_to_date TARGET SOURCES…: folders count too, for a file that was deleted.
up_to_date() {
  local target=$1
  shift
  [[ -x $target ]] &&
    [[ -z $(find "$@" Directory.Build.props Directory.Packages.props global.json -newer "$target" -print -quit) ]]
}

publish() {
  if up_to_date "$binary" src/*.* src/AgentQueue src/AgentQueue.Cli adapters assistants docs/agent-config.schema.json; then
    say "artifacts/agentq is up to date"
  else
    publish_project src/AgentQueue.Cli agentq "$binary"
  fi
  if up_to_date "$server" src/*.* src/AgentQueue src/AgentQueue.Server docs/demo.sh; then
    say "artifacts/agentq-server is up to date"
  else
    publish_project src/AgentQueue.Server agentq-server "$server"
  fi
}

publish_empty() {
  up_to_date "$empty" bench/EmptyAot src/Publish.props || publish_project bench/EmptyAot empty "$empty"
}

# --- test ---------------------------------------------------------------------------------------------------

passed=0 failed=0 skipped=0

# Always the last line, whatever happened; a step that failed without a test counts as one failure.
close_tests() {
  local code=$?
  trap - EXIT
  if [[ $code -ne 0 && $failed -eq 0 ]]; then failed=1; fi
  say "$passed passed, $failed failed, $skipped skipped"
  exit "$code"
}

# run_tests WHAT PROJECT: runs the tests that are built, and adds up what their report says.
run_tests() {
  local what=$1 project=$2 report=$work/$1-tests.trx code=0
  local total=0 executed=0 ok=0 counters
  rm -f "$report"
  quietly "$what tests" dotnet test "$project" --no-build -v quiet \
    --logger "trx;LogFileName=$report" --logger "console;verbosity=minimal" || code=1
  if [[ -f $report ]]; then
    counters=$(grep -o '<Counters [^>]*>' "$report" || true)
    total=$(counter total "$counters")
    executed=$(counter executed "$counters")
    ok=$(counter passed "$counters")
  fi
  # The report has no count of skipped tests; they are those that were not executed.
  passed=$((passed + ok))
  failed=$((failed + executed - ok))
  skipped=$((skipped + total - executed))
  say "  $ok passed, $((executed - ok)) failed, $((total - executed)) skipped"
  if [[ -f $report ]]; then
    # Whoever sees only the end of this must see what failed.
    grep '<UnitTestResult ' "$report" | grep 'outcome="Failed"' | sed 's/.* testName="\([^"]*\)".*/  failed: \1/' || true
  fi
  return "$code"
}

counter() {
  local value
  value=$(sed -n "s/.* $1=\"\([0-9]*\)\".*/\1/p" <<<"$2")
  printf '%s' "${value:-0}"
}

# How much longer agentq takes to say its version than the empty program to do nothing; in whole runs of 50.
start_up_ratio() {
  local TIMEFORMAT=%R a b
  a=$({ time for _ in {1..50}; do "$binary" --version >/dev/null 2>&1 || true; done; } 2>&1)
  b=$({ time for _ in {1..50}; do "$empty" >/dev/null 2>&1 || true; done; } 2>&1)
  awk -v a="$a" -v b="$b" 'BEGIN { printf "%.1f", a / b }'
}

test_all() {
  local fast=false
  case ${1:-} in
    '') ;;
    --fast) fast=true ;;
    *) fail "'test' knows --fast, not '$1'." 2 ;;
  esac

  trap close_tests EXIT
  need_sdk
  quietly "restore the tools" dotnet tool restore
  quietly "check the format (./build.sh format mends it)" dotnet csharpier check .
  quietly "build, warnings are errors, packages as locked" \
    dotnet build AgentQueue.sln -v quiet -p:RestoreLockedMode=true
  rm -rf "$reports"
  export AGENTQ_FAULT_REPORTS=$reports
  run_tests fast tests/AgentQueue.Tests
  if $fast; then return; fi

  publish
  make_packages "$binary" "$artifacts"
  # What cannot be installed here is not tested here: its tests say so by name.
  agents || true
  AGENTQ_BINARY=$binary run_tests end-to-end tests/AgentQueue.EndToEnd
  fault_table
  # The ordinary build has looked for what Native AOT cannot do; asking again here, or making something that
  # starts, would need the runtimes.
  for rid in win-x64 osx-arm64 linux-musl-x64; do
    quietly "compile for $rid" dotnet build src/AgentQueue.Cli -r "$rid" "-p:Variant=$rid" \
      -p:IsAotCompatible=false -p:UseAppHost=false -v quiet
  done
  say "size of artifacts/agentq: $(($(wc -c <"$binary") / 1024)) KiB"
  if [[ -x $empty ]]; then
    say "start-up: $(start_up_ratio) times an empty program"
  fi
}

# --- agents -------------------------------------------------------------------------------------------------

# agents [NAME…]: by the lock files in tests/RealAgents and tests/McpClient, which name no registry. For a new version: the number in
# package.json, and beside it a new lock file (--package-lock-only --omit-lockfile-registry-resolved). npm ci wants an
# entry of every optional package: one that the registry lacks is added by hand, with its os and cpu.
agents() {
  local name code=0
  local -a names=("$@")
  if [[ $# -eq 0 ]]; then
    for name in tests/RealAgents/*/; do names+=("$(basename "$name")"); done
    names+=(mcp-inspector)
  fi
  for name in "${names[@]}"; do
    [[ -f $(lock_folder "$name")/package-lock.json ]] || fail "there is no agent '$name'; tests/RealAgents lists them." 2
  done
  for name in "${names[@]}"; do install_agent "$name" || code=1; done
  return "$code"
}

lock_folder() {
  if [[ $1 == mcp-inspector ]]; then printf tests/McpClient; else printf 'tests/RealAgents/%s' "$1"; fi
}

# Ends with 1 and a sentence where it cannot; the tests that need it find the sentence in NAME.missing.
install_agent() {
  local name=$1 folder=$artifacts/agents/$1 begin=$SECONDS why='' locked
  locked=$(lock_folder "$name")
  if cmp -s "$locked/package-lock.json" "$folder/installed.json"; then
    say "artifacts/agents/$name is up to date"
    return
  fi
  rm -rf "$folder" "$folder.missing"
  mkdir -p "$folder/home"
  cp "$locked"/package*.json "$folder"
  # Where the registry that locked them had no package of another platform, the lock has no hash of it.
  if [[ $(host_rid) != linux-x64 ]]; then why="its packages are locked for Linux on x64 only"
  elif ! command -v node >/dev/null; then why="there is no 'node' here (package nodejs, 20 or later)"
  elif ! command -v npm >/dev/null; then why="there is no 'npm' here (package npm)"
  elif ! install_packages "$folder" && ! install_packages "$folder"; then
    why="npm ci says: $(npm_complaint "$folder/npm.log")"
  elif ! HOME=$folder/home bounded 60 "$folder/node_modules/.bin/$name" --version >"$folder/npm.log" 2>&1 </dev/null; then
    why="it does not start here: $(head -1 "$folder/npm.log")"
  fi
  rm -rf "$folder/home"
  if [[ -n $why ]]; then
    rm -rf "$folder"
    say "$name is not installed: $why" | tee "$folder.missing"
    return 1
  fi
  cp "$folder/package-lock.json" "$folder/installed.json"
  say "install $name ($((SECONDS - begin)) s)"
}

# What npm could not reach stands behind the word reason; else its first sentence.
npm_complaint() {
  local said
  said=$(sed -n 's/^npm [eE][rR][rR][^ ]* //p' "$1" | grep -vE '^(code|syscall|errno|address|port|type) |^$' || true)
  { grep 'reason: ' <<<"$said" || cat <<<"$said"; } | head -1
}

install_packages() {
  (cd "$1" && bounded 180 npm ci --no-audit --no-fund --no-progress --fetch-timeout 60000 \
    --fetch-retries 1 --fetch-retry-mintimeout 2000 --fetch-retry-maxtimeout 5000 >npm.log 2>&1 </dev/null)
}

# bounded SECONDS COMMAND…: without timeout(1), as on macOS, it takes as long as it takes.
bounded() {
  if command -v timeout >/dev/null; then timeout -k 5 "$@"; else "${@:2}"; fi
}

# --- faults -------------------------------------------------------------------------------------------------

reports=$work/faults

# What cannot be injected on this machine, a word and a sentence a line; nothing is installed from here.
missing_tools() {
  strace -qq -o /dev/null true 2>/dev/null ||
    say "strace	strace is missing, or may not trace: apt-get install strace"
  unshare --mount --pid --fork --mount-proc true 2>/dev/null ||
    say "root	there is no right to make namespaces: run it as root, with unshare (package util-linux)"
  command -v faketime >/dev/null ||
    say "faketime	faketime is missing: apt-get install faketime"
}

# fault_table [FAULTS…]: what the tests reported, one line a fault; fails if one was broken or never injected.
fault_table() {
  local missing
  missing=$(missing_tools)
  if [[ -n $missing ]]; then
    cut -f 2 <<<"$missing" | sed 's/^/skipped in part: /'
    say
  fi
  cat "$reports"/* 2>/dev/null |
    awk -F '\t' -v only=" $* " -v missing=" $(cut -f 1 <<<"$missing" | tr '\n' ' ')" '
      FNR == NR && FILENAME != "-" { order[++n] = $1; title[$1] = $2; need[$1] = $3; next }
      { injected[$1] += $2; broken[$1] += $3; if ($4 != "") seed[$1] = $4 }
      END {
        print "| | fault | injections | violations | seed |"
        print "|---|---|--:|--:|--:|"
        for (i = 1; i <= n; i++) {
          id = order[i]
          if (only != "  " && !index(only, " " id " ")) continue
          kinds++; all += injected[id]; wrong += broken[id]; note = ""
          if (!injected[id] && need[id] != "" && index(missing, " " need[id] " ")) { note = " (skipped)"; kinds-- }
          else if (!injected[id]) { wrong++; note = " (never injected)" }
          printf "| %s | %s%s | %d | %d | %s |\n", id, title[id], note, injected[id], broken[id], seed[id]
        }
        printf "\nfaults: %d kinds, %d injections, %d violations\n", kinds, all, wrong
        exit wrong > 0
      }' tests/Shared/faults.tsv -
}

faults() {
  local filter='Fault~F|Fault~S' code=0
  local -a only=() projects=(AgentQueue.Tests AgentQueue.EndToEnd)
  while [[ $# -gt 0 ]]; do
    case $1 in
      --long) export AGENTQ_FAULTS=long ;;
      --fast) projects=(AgentQueue.Tests) ;;
      [FS][0-9]*)
        grep -q "^$1	" tests/Shared/faults.tsv || fail "there is no fault $1; tests/Shared/faults.tsv lists them." 2
        only+=("$1")
        ;;
      *) fail "'faults' knows --long, --fast and the names of faults, not '$1'." 2 ;;
    esac
    shift
  done
  if [[ ${#only[@]} -gt 0 ]]; then filter=$(printf '|Fault=%s' "${only[@]}") filter=${filter#|}; fi

  need_sdk
  [[ ${#projects[@]} -eq 1 ]] || publish
  for project in "${projects[@]}"; do
    quietly "build $project" dotnet build "tests/$project" -v quiet
  done
  rm -rf "$reports"
  export AGENTQ_FAULT_REPORTS=$reports AGENTQ_BINARY=$binary
  for project in "${projects[@]}"; do
    quietly "inject, $project" dotnet test "tests/$project" --no-build -v quiet --filter "$filter" \
      --logger "console;verbosity=minimal" || code=1
  done
  say
  fault_table "${only[@]}" || code=1
  return "$code"
}

# guards [NAME…]: takes one guard after the other out of a copy of the sources, and shows that its fault breaks
# something then. Each is a patch in tests/Guards with two lines above it: what it takes away, and which faults
# are to tell.
guards() {
  local patch name broken root=$PWD code=0
  local -a wanted=("$@") what=()
  need_sdk
  for patch in tests/Guards/*.patch; do
    name=$(basename "$patch" .patch)
    if [[ ${#wanted[@]} -gt 0 && " ${wanted[*]} " != *" $name "* ]]; then continue; fi
    read -r -a what <<<"$(sed -n 's/^Faults: //p' "$patch")"
    say "$name: without $(sed -n 's/^Guard: //p' "$patch")"
    mkdir -p "$work/guards/$name"
    git ls-files -z | tar --null --ignore-failed-read -T - -c 2>/dev/null | tar -x -m -C "$work/guards/$name"
    (cd "$work/guards/$name" && GIT_CEILING_DIRECTORIES=$work/guards git apply "$root/$patch") ||
      fail "$patch does not apply any more: make it anew."
    say "  ./build.sh faults ${what[*]}"
    if broken=$("$work/guards/$name/build.sh" faults "${what[@]}" 2>&1); then
      say "  nothing broke: the guard is not tested"
      code=1
    elif grep -qE '^faults: .* [1-9][0-9]* violations$' <<<"$broken"; then
      grep -m 1 -oE '(I[0-9]+: |InvariantBroken|Assert\.|seed [0-9]+: |F[0-9]+: ).*' <<<"$broken" | cut -c 1-140 | sed 's/^/  /' || true
      grep -E '^faults: ' <<<"$broken" | sed 's/^/  /'
    else
      tail -5 <<<"$broken"
      code=1
    fi
    rm -rf "${work:?}/guards/$name"
  done
  return "$code"
}

# --- mutants ------------------------------------------------------------------------------------------------

stryker_version=5.1.0

# Prints each file's score and every mutant that survived; fails under the threshold in stryker-config.json.
mutants() {
  local tests=$PWD/tests/AgentQueue.Tests config path
  local -a only=()
  config=$tests/stryker-config.json
  export AGENTQ_SEEDS=${AGENTQ_SEEDS:-60}
  while [[ $# -gt 0 ]]; do
    path=${1#"$PWD"/} path=${path#./} path=${path#src/AgentQueue/} path=${path%/}
    case $path in
      --long)
        mkdir -p "$work"
        grep -v '"test-case-filter"' "$config" >"$work/stryker-long.json"
        config=$work/stryker-long.json AGENTQ_SEEDS=1000
        ;;
      *)
        if [[ -d src/AgentQueue/$path ]]; then only+=(--mutate "**/$path/**/*.cs")
        elif [[ -f src/AgentQueue/$path ]]; then only+=(--mutate "**/$path")
        else fail "'mutants' knows --long, and folders and files in src/AgentQueue, not '$1'." 2; fi
        ;;
    esac
    shift
  done

  need_sdk
  # Not a tool of the manifest: 45 MB that CI would fetch each time for a verb that it does not run.
  if [[ ! -x $artifacts/stryker/dotnet-stryker ]]; then
    quietly "fetch Stryker.NET $stryker_version" \
      dotnet tool install dotnet-stryker --version "$stryker_version" --tool-path "$artifacts/stryker"
  fi
  # A build of its own: the mutated library never lies where the ordinary tests look for theirs.
  (cd "$tests" && Variant=mutants "$artifacts/stryker/dotnet-stryker" \
    --config-file "$config" --output "$artifacts/mutants" ${only[@]+"${only[@]}"} </dev/null)
}

# --- packages -----------------------------------------------------------------------------------------------

# The same files make the same bytes, whoever packs them and when: everything is sorted, belongs to root and is as
# old as the build. All it takes is tar and gzip; ar and zip archives are simple enough to be written here.

# package [--into DIR] [--executable FILE]
package() {
  local into=$artifacts executable=''
  while [[ $# -gt 0 ]]; do
    [[ $1 != --into && $1 != --executable ]] || [[ -n ${2:-} ]] || fail "$1 needs a name." 2
    case $1 in
      --into) into=$2 ;;
      --executable) executable=$2 ;;
      *) fail "'$1' is not an option of package; it knows --into DIR and --executable FILE." 2 ;;
    esac
    shift 2
  done
  [[ $into == /* ]] || into=$caller/$into
  [[ -z $executable || $executable == /* ]] || executable=$caller/$executable

  if [[ -z $executable ]]; then
    # Refuses a SOURCE_DATE_EPOCH that is none; below, in a condition, nobody would hear of it.
    built >/dev/null
    build
    executable=$binary
    if ! is_from_here; then
      publish_project src/AgentQueue.Cli agentq "$binary"
      publish_project src/AgentQueue.Server agentq-server "$server"
    fi
  fi
  make_packages "$executable" "$into"
}

# Whether the executable says the commit that stands here, and the time that was asked for.
is_from_here() {
  local name time=''
  name=$(commit)
  [[ -z ${SOURCE_DATE_EPOCH:-} ]] || time=$(built)
  [[ $("$binary" --version) == *"(commit ${name:-unknown}, built ${time:-2}"* ]]
}

# make_packages EXECUTABLE FOLDER: what is packed is that file, and agentq-server beside it; its version and time are
# what it says itself.
make_packages() {
  local executable=$1 into=$2 rid facts version name time owner file
  local stage=$work/package
  rid=$(host_rid)
  facts=$("$executable" --version) || fail "$executable does not say its version."
  version=$(cut -d ' ' -f 2 <<<"$facts")
  time=$(sed -n 's/.* built \(.*\))$/\1/p' <<<"$facts")
  [[ -n $time ]] || time=$(built)
  name=agentq-$version-$rid
  rm -rf "$stage"
  mkdir -p "$stage/$name/completions" "$into"
  # Nobody shall take an older one for this one; elsewhere they are not ours.
  if [[ $into == "$artifacts" ]]; then
    rm -f "$into"/agentq-*.tar.gz "$into"/agentq-*.zip "$into"/agentq_*.deb
  fi

  [[ -x ${executable%/*}/agentq-server ]] || fail "there is no agentq-server beside $executable."
  cp "$executable" "$stage/$name/agentq"
  cp "${executable%/*}/agentq-server" "$stage/$name/agentq-server"
  cp README.md CHANGELOG.md LICENSE "$stage/$name"
  copy_documents "$stage/$name"
  "$executable" completion bash >"$stage/$name/completions/agentq.bash"
  "$executable" completion zsh >"$stage/$name/completions/_agentq"
  "$executable" completion fish >"$stage/$name/completions/agentq.fish"
  same_everywhere "$stage/$name" agentq agentq-server

  zip_file "$stage" "$name" "$into/$name.zip"
  case $(tar --version 2>&1) in
    *'GNU tar'*) owner=(--owner=0 --group=0 --numeric-owner) ;;
    *bsdtar*) owner=(--uid 0 --gid 0 --numeric-owner) ;;
    *)
      say "skipped: .tar.gz and .deb, because this tar cannot set an owner: install GNU tar or bsdtar"
      return
      ;;
  esac
  tar_gz "$stage" "$name" "$into/$name.tar.gz"
  make_deb "$stage/$name" "$version" "$into"
}

# copy_documents FOLDER: what the README points to.
copy_documents() {
  mkdir -p "$1/docs/adr" "$1/examples"
  cp docs/*.md docs/*.json docs/*.svg "$1/docs"
  cp docs/adr/*.md "$1/docs/adr"
  cp examples/*.yaml "$1/examples"
}

# same_everywhere FOLDER [EXECUTABLE…]: sets modes and times. Uses `time`.
same_everywhere() {
  local digits=${time//[!0-9]/} executable
  find "$1" -type d -exec chmod 755 {} +
  find "$1" -type f -exec chmod 644 {} +
  for executable in "${@:2}"; do chmod 755 "$1/$executable"; done
  find "$1" -exec env TZ=UTC0 touch -t "${digits:0:12}.${digits:12:2}" {} +
}

packed() { say "packed ${1#"$PWD"/} ($((($(wc -c <"$1") + 1023) / 1024)) KiB)"; }

# tar_gz FOLDER NAME TARGET: uses `owner`.
tar_gz() {
  (cd "$1" && find "$2" | LC_ALL=C sort >"$work/package.list" &&
    tar -cf - --format=ustar "${owner[@]}" --no-recursion -T "$work/package.list") | gzip -n >"$3"
  [[ $3 == "$work"/* ]] || packed "$3"
}

# make_deb TREE VERSION FOLDER: uses `owner`, `rid` and `time`.
make_deb() {
  local tree=$1 version=$2 into=$3 stage=$work/package/deb architecture depends file size target
  case $rid in
    linux-x64) architecture=amd64 ;;
    linux-arm64) architecture=arm64 ;;
    *)
      say "skipped: .deb, because it is for Linux with glibc, and this is $rid"
      return
      ;;
  esac
  if ! command -v ldd >/dev/null || ! command -v md5sum >/dev/null; then
    say "skipped: .deb, because ldd or md5sum is missing, which tell what it depends on and its checksums"
    return
  fi
  depends=$(depends_of "$tree/agentq" "$tree/agentq-server")

  local data=$stage/data share=$stage/data/usr/share
  mkdir -p "$stage/control" "$data/usr/bin" "$share/bash-completion/completions" \
    "$share/zsh/vendor-completions" "$share/fish/vendor_completions.d" "$share/doc/agentq"
  cp "$tree/agentq" "$tree/agentq-server" "$data/usr/bin"
  cp "$tree/completions/agentq.bash" "$share/bash-completion/completions/agentq"
  cp "$tree/completions/_agentq" "$share/zsh/vendor-completions"
  cp "$tree/completions/agentq.fish" "$share/fish/vendor_completions.d"
  cp "$tree/README.md" "$share/doc/agentq"
  copy_documents "$share/doc/agentq"
  gzip -n <"$tree/CHANGELOG.md" >"$share/doc/agentq/changelog.gz"
  { cat LICENSE && say && cat docs/third-party.md; } >"$share/doc/agentq/copyright"
  same_everywhere "$data" usr/bin/agentq usr/bin/agentq-server

  (cd "$data" && find . -type f | sed 's:^\./::' | LC_ALL=C sort | xargs md5sum) >"$stage/control/md5sums"
  # As dpkg counts: each file in whole KiB, each folder as one.
  size=$(find "$data" -type d | wc -l)
  while IFS= read -r file; do
    size=$((size + ($(wc -c <"$file") + 1023) / 1024))
  done < <(find "$data" -type f)
  cat >"$stage/control/control" <<TEXT
Package: agentq
Version: $version
Architecture: $architecture
Maintainer: agentq contributors
Installed-Size: $size
Depends: $depends
Recommends: libssl3 | libssl3t64
Section: utils
Priority: optional
Description: task queue for AI coding agents
 A queue is a folder of files in the project: no daemon, no database. Every
 task is a file that a person can read. Each running agent has a small
 supervisor that enforces its limits, records how it ended and ends all of
 its processes.
TEXT
  same_everywhere "$stage/control"

  printf '2.0\n' >"$stage/debian-binary"
  tar_gz "$stage/control" . "$stage/control.tar.gz"
  tar_gz "$data" . "$stage/data.tar.gz"
  target=$into/agentq_${version}_$architecture.deb
  {
    printf '!<arch>\n'
    for file in debian-binary control.tar.gz data.tar.gz; do
      size=$(wc -c <"$stage/$file")
      printf '%-16s%-12s%-6s%-6s%-8s%-10s`\n' "$file" 0 0 0 100644 $((size))
      cat "$stage/$file"
      ((size % 2 == 0)) || printf '\n'
    done
  } >"$target"
  packed "$target"
}

# depends_of EXECUTABLE…: the packages of the libraries that they are linked with, and the oldest glibc that will do.
depends_of() {
  local library glibc packages=''
  glibc=$(LC_ALL=C grep -aoh 'GLIBC_2\.[0-9]*' "$@" | sort -u -t . -k 2 -n | tail -n 1)
  for library in $(ldd "$@" | awk '!/:$/ { print $1 }'); do
    case ${library##*/} in
      linux-vdso.*) ;;
      libc.so.* | libm.so.* | libdl.so.* | librt.so.* | libpthread.so.* | ld-linux*)
        packages+="libc6 (>= ${glibc#GLIBC_})"$'\n'
        ;;
      libgcc_s.so.1) packages+=$'libgcc-s1\n' ;;
      libstdc++.so.6) packages+=$'libstdc++6\n' ;;
      libz.so.1) packages+=$'zlib1g\n' ;;
      *) fail "the executable is linked with $library; say in build.sh, depends_of, which package that is." ;;
    esac
  done
  printf '%s' "$packages" | LC_ALL=C sort -u | paste -s -d , - | sed 's/,/, /g'
}

# le BYTES NUMBER…: each number in so many bytes, the lowest first.
le() {
  local bytes=$1 number i byte text=''
  shift
  for number; do
    for ((i = 0; i < bytes; i++)); do
      printf -v byte '\\x%02x' $((number >> 8 * i & 255))
      text+=$byte
    done
  done
  printf "$text"
}

# zip_file FOLDER NAME TARGET: a zip with the modes of the files in it. Its members are what gzip makes, without
# gzip's own head (10 bytes) and tail (the checksum and the length, 4 bytes each). Uses `time`.
zip_file() {
  local folder=$1 name=$2 target=$3 index=$work/package.index member=$work/package.member
  local year=10#${time:0:4} offset=0 count=0 file length size mode when
  when=$(((10#${time:11:2} << 11) + (10#${time:14:2} << 5) + 10#${time:17:2} / 2))
  # The format begins with 1980.
  if ((year < 1980)); then
    when="0 $((1 << 5 | 1))"
  else
    when="$when $(((year - 1980 << 9) + (10#${time:5:2} << 5) + 10#${time:8:2}))"
  fi
  : >"$index"
  {
    while IFS= read -r file; do
      gzip -n <"$folder/$file" >"$member"
      length=$(wc -c <"$folder/$file")
      size=$(($(wc -c <"$member") - 18))
      mode=$((8#100644))
      [[ ! -x $folder/$file ]] || mode=$((8#100755))

      le 4 $((0x04034b50))
      le 2 20 0 8 $when
      tail -c 8 "$member" | head -c 4
      le 4 "$size" "$length"
      le 2 ${#file} 0
      printf '%s' "$file"
      head -c $((10 + size)) "$member" | tail -c +11

      {
        le 4 $((0x02014b50))
        # Made on a Unix (3), which is why the mode counts.
        le 2 $((3 << 8 | 20)) 20 0 8 $when
        tail -c 8 "$member" | head -c 4
        le 4 "$size" "$length"
        le 2 ${#file} 0 0 0 0
        le 4 $((mode << 16)) "$offset"
        printf '%s' "$file"
      } >>"$index"
      offset=$((offset + 30 + ${#file} + size))
      count=$((count + 1))
    done < <(cd "$folder" && find "$name" -type f | LC_ALL=C sort)

    cat "$index"
    le 4 $((0x06054b50))
    le 2 0 0 "$count" "$count"
    le 4 "$(wc -c <"$index")" "$offset"
    le 2 0
  } >"$target"
  packed "$target"
}

# --- the other verbs ----------------------------------------------------------------------------------------

build() {
  need_sdk
  publish
}

demo() {
  build
  bash docs/demo.sh "$binary"
}

bench() {
  [[ $(uname -s) == Linux ]] || fail "the bench reads /proc and runs on Linux only."
  # What is built goes to stderr: stdout is the table, or the JSON.
  {
    build
    publish_empty
    quietly "build the bench" dotnet build bench/AgentQueue.Bench -c Release -v quiet
  } >&2
  dotnet "$work/bin/AgentQueue.Bench/release/agentq-bench.dll" "$binary" "$empty" \
    bench/baseline.json docs/bench.svg "$@"
}

# Sets `prefix` from the arguments of install and uninstall.
read_prefix() {
  prefix=${HOME}/.local
  while [[ $# -gt 0 ]]; do
    case $1 in
      --prefix)
        [[ -n ${2:-} ]] || fail "--prefix needs a folder." 2
        prefix=$2
        shift 2
        ;;
      --prefix=?*)
        prefix=${1#--prefix=}
        shift
        ;;
      *) fail "'$1' is not an option of install or uninstall; they know --prefix DIR." 2 ;;
    esac
  done
  # The caller's folder is where a relative prefix starts.
  [[ $prefix == /* ]] || prefix=$caller/$prefix
}

install() {
  local name
  read_prefix "$@"
  build
  mkdir -p "$prefix/bin"
  for name in agentq agentq-server; do
    cp "$artifacts/$name" "$prefix/bin/.$name.new"
    chmod 755 "$prefix/bin/.$name.new"
    mv -f "$prefix/bin/.$name.new" "$prefix/bin/$name"
  done
  say "installed $prefix/bin/agentq and agentq-server; './build.sh uninstall --prefix $prefix' takes it away again"
  case :$PATH: in
    *:"$prefix/bin":*) ;;
    *) say "$prefix/bin is not on your PATH: add  export PATH=\"$prefix/bin:\$PATH\"  to your shell's profile" ;;
  esac
}

uninstall() {
  read_prefix "$@"
  if [[ -e $prefix/bin/agentq ]]; then
    rm -f "$prefix/bin/agentq" "$prefix/bin/agentq-server"
    say "removed $prefix/bin/agentq and agentq-server"
  else
    say "there is no $prefix/bin/agentq"
  fi
}

pack() {
  local time
  need_sdk
  time=$(built)
  quietly "pack the .NET tool" dotnet pack src/AgentQueue.Cli -c Release \
    "-p:Commit=$(commit)" "-p:Built=$time" -o "$artifacts" -v quiet
  say "artifacts/: $(cd "$artifacts" && ls agentq.*.nupkg)"
  say "install it with: dotnet tool install --global agentq --source $artifacts"
}

format() {
  need_sdk
  quietly "restore the tools" dotnet tool restore
  dotnet csharpier format .
}

clean() {
  rm -rf "$artifacts"
  say "removed artifacts/"
}

caller=${OLDPWD:-$PWD}
verb=${1:-build}
[[ $# -eq 0 ]] || shift
case $verb in
  build | demo | pack | format | clean)
    [[ $# -eq 0 ]] || fail "'$verb' takes no '$1'." 2
    "$verb"
    ;;
  agents | faults | guards | mutants | bench | install | uninstall | package) "$verb" "$@" ;;
  test) test_all "$@" ;;
  help | -h | --help) help ;;
  *) fail "there is no verb '$verb'; './build.sh help' lists them." 2 ;;
esac
