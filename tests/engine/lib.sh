# shellcheck shell=bash disable=SC2034 # what is unused here is used by the other parts
# What every part of the test engine shares: its places, its words, its own processes.

RUN="${DEVLOOP_ENGINE_RUN:-/run/devloop-engine}" # short: a unix socket's path ends at 107 bytes
# An engine that runs says where its state is, so that another HOME (sudo, CI) finds the same one.
STATE="${DEVLOOP_ENGINE_DIR-}"
if [[ -z "$STATE" && $EUID == 0 && -e "$RUN/state" ]]; then STATE=$(cat "$RUN/state"); fi
STATE="${STATE:-${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/devloop-engine}"
BRIDGE="${DEVLOOP_ENGINE_BRIDGE:-devloop0}"
BRIDGE_MAC=02:42:d5:00:00:01
NET="${DEVLOOP_ENGINE_NET:-10.213}"              # the first two numbers of the engine's /16
SOCKET_GID=23751                                 # tests run as an ordinary user with this group
PACKAGES="$STATE/packages"
BIN="$STATE/bin"
SOCKET="$RUN/docker.sock"
MIRROR_FILE="$RUN/registry.port"
USER_DOCKER_HOST="${DOCKER_HOST-}"               # what the caller had, before we set our own

say() { printf 'engine: %s\n' "$*" >&2; }

fail() {
  printf 'engine: %s\n' "$*" >&2
  exit 3
}

clock() { printf '%s' "${EPOCHREALTIME%.*}"; }

# timed WHAT COMMAND...: says what takes long, and afterwards how long it took.
timed() {
  local what=$1 begin status=0
  shift
  begin=$(clock)
  say "$what"
  "$@" || status=$?
  ((status == 0)) && say "  done in $(($(clock) - begin)) s"
  return "$status"
}

# quietly LOG COMMAND...: its output goes to a log, of which the end is shown if it fails.
quietly() {
  local log=$1 status=0
  shift
  "$@" >"$log" 2>&1 || status=$?
  if ((status != 0)); then
    tail -n 25 "$log" >&2
    say "this failed: $* (all of it: $log)"
  fi
  return "$status"
}

confirm() {
  local answer
  [[ "${CI-}" == true ]] && return 0
  [[ -t 0 && -t 2 ]] || return 1
  read -r -p "engine: $1 [y/N] " answer
  [[ "$answer" == [yY]* ]]
}

# need_packages WHY NAME...: packages of the machine's own system, never without leave.
need_packages() {
  local why=$1 command
  shift
  command="apt-get install --no-install-recommends $*"
  ((EUID == 0)) || fail "missing: $why; run: sudo $command"
  confirm "Missing: $why. Run $command?" || fail "missing: $why; run: $command"
  mkdir -p "$STATE/log"
  timed "installing $*" quietly "$STATE/log/apt.log" system_apt_install "$@" ||
    fail "$why could not be installed"
}

system_apt_install() {
  local options=(-q -y --no-install-recommends)
  DEBIAN_FRONTEND=noninteractive apt-get install "${options[@]}" "$@" </dev/null ||
    { apt-get -q update && DEBIAN_FRONTEND=noninteractive apt-get install "${options[@]}" "$@" </dev/null; }
}

# A pid file may outlive its process and the number be given to another one, so a process is ours
# only if its program lies in our state folder as well.
is_ours() {
  local pid=$1
  [[ "$pid" =~ ^[0-9]+$ && "$(readlink "/proc/$pid/exe" 2>/dev/null)" == "$PACKAGES"/* ]] &&
    tr '\0' ' ' <"/proc/$pid/cmdline" 2>/dev/null | grep -qF -e "$STATE/" -e "$RUN/"
}

running() {
  local pid
  pid=$(cat "$RUN/$1.pid" 2>/dev/null) && is_ours "$pid"
}

# All of this engine's servers, pid file or not; clients that someone runs are not among them.
our_servers() {
  local link pid
  for link in /proc/[0-9]*/exe; do
    pid=${link#/proc/}
    pid=${pid%/exe}
    case "$(readlink "$link" 2>/dev/null)" in
      "$PACKAGES"/*/dockerd* | "$PACKAGES"/*/containerd* | "$PACKAGES"/*/docker-proxy* | \
        "$PACKAGES"/*/docker-registry* | "$PACKAGES"/*/runc*)
        # Several engines may share the programs, but never the folder and the network.
        if grep -qzE -e "$RUN/" -e "^$NET\\." "/proc/$pid/cmdline" 2>/dev/null; then echo "$pid"; fi
        ;;
    esac
  done
}

gone() { [[ ! -e "/proc/$1" ]] || grep -q '^State:.Z' "/proc/$1/status" 2>/dev/null; }

# end_process PID SECONDS: asks it to stop, and makes it stop when it does not.
end_process() {
  local pid=$1 deadline=$(($(clock) + $2))
  kill -TERM "$pid" 2>/dev/null || return 0
  while ! gone "$pid"; do
    if (($(clock) >= deadline)); then
      kill -KILL "$pid" 2>/dev/null || true
      deadline=$(($(clock) + 5))
    fi
    sleep 0.05
  done
}

# launch NAME COMMAND...: starts a server that outlives us and holds none of our descriptors
# (a lock, make's pipes, the caller's terminal).
launch() {
  local name=$1
  shift
  (
    for fd in /proc/self/fd/*; do
      fd=${fd##*/}
      ((fd > 2 && fd != 255)) && eval "exec $fd>&-"
    done
    cd /
    exec setsid "$@" </dev/null >>"$STATE/log/$name.log" 2>&1
  ) &
  LAUNCHED=$!
}

# wait_until SECONDS COMMAND...
wait_until() {
  local deadline=$(($(clock) + $1))
  shift
  until "$@"; do
    (($(clock) < deadline)) || return 1
    sleep 0.05
  done
}

# take_lock NAME: held until this process ends.
take_lock() {
  exec 9>>"$RUN/lock"
  flock -n 9 && return 0
  say "waiting for another command that starts or stops the engine"
  flock 9
}

our_docker() {
  env -u DOCKER_CONTEXT -u DOCKER_TLS_VERIFY -u DOCKER_CERT_PATH -u DOCKER_API_VERSION \
    DOCKER_HOST="unix://$SOCKET" DOCKER_CONFIG="$STATE/docker-config" \
    "$PACKAGES/usr/bin/docker" "$@"
}
