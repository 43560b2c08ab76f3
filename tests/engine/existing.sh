# shellcheck shell=bash
# An engine that answers already, and has or reaches the images, is used as it is.

any_docker() {
  command -v docker && return 0
  [[ -x "$PACKAGES/usr/bin/docker" ]] && echo "$PACKAGES/usr/bin/docker"
}

# Where the user's client would go: DOCKER_HOST, else the current context, else the default socket.
users_host() {
  local client
  if [[ -n "$USER_DOCKER_HOST" ]]; then
    echo "$USER_DOCKER_HOST"
  elif client=$(any_docker); then
    "$client" context inspect --format '{{.Endpoints.docker.Host}}' 2>/dev/null
  elif [[ -S /var/run/docker.sock ]]; then
    echo unix:///var/run/docker.sock
  fi
}

# reachable HOST: a socket that is not there need not be asked.
reachable() { [[ "$1" != unix://* || -S "${1#unix://}" ]]; }

has_or_pulls() {
  local client=$1 host=$2 image=$3 log="$STATE/log/pull.log" pid
  DOCKER_HOST=$host "$client" image inspect "$image" >/dev/null 2>&1 && return 0
  say "trying to pull $image on $host"
  DOCKER_HOST=$host timeout 600 "$client" pull "$image" </dev/null >"$log" 2>&1 &
  pid=$!
  # Twenty seconds to find the registry; once layers come, a slow line is no reason to give up.
  wait_until 20 pull_began_or_ended "$pid" "$log" || { kill "$pid" 2>/dev/null || true; }
  wait "$pid"
}

pull_began_or_ended() { gone "$1" || grep -qE 'Pulling fs layer|Downloading|Already exists' "$2"; }

# existing_engine IMAGE...: prints the DOCKER_HOST of an engine that will do.
existing_engine() {
  local host
  host=$(users_host) || return 1
  if [[ -n "$host" && "$host" != "unix://$SOCKET" ]]; then
    will_do "$host" "$@" && return 0
    [[ -z "$USER_DOCKER_HOST" ]] || say "not using DOCKER_HOST=$host"
  fi
  # An ordinary user cannot look into our engine's processes, but may be allowed to use its socket.
  ((EUID != 0)) && [[ -w "$SOCKET" ]] && will_do "unix://$SOCKET" "$@"
}

# will_do HOST IMAGE...
will_do() {
  local host=$1 client image
  shift
  if ! reachable "$host"; then
    [[ -z "$USER_DOCKER_HOST" ]] || say "there is no socket at $host"
    return 1
  fi
  client=$(any_docker) || { ((EUID == 0)) && ensure_packages >&2 && client=$(any_docker); } || return 1
  if ! DOCKER_HOST=$host timeout 10 "$client" version >/dev/null 2>&1; then
    say "no engine answers at $host"
    return 1
  fi
  for image in "$@"; do
    if ! has_or_pulls "$client" "$host" "$image"; then
      say "the engine at $host answers but cannot get $image"
      return 1
    fi
  done
  echo "$host"
}
