# shellcheck shell=bash
# The engine and its registry: start, stop, and mending what a crash left behind.

# The running dockerd knows one port, so a registry that died comes back on the same.
free_port() {
  local port
  for port in $(registry_port 2>/dev/null) {25713..25763}; do
    (: </dev/tcp/127.0.0.1/"$port") 2>/dev/null || { echo "$port"; return 0; }
  done
  return 1
}

registry_port() { cat "$MIRROR_FILE"; }

registry_answers() { (: </dev/tcp/127.0.0.1/"$(registry_port)") 2>/dev/null; }

start_registry() {
  running registry && registry_answers && return 0
  local port
  port=$(free_port) || fail "no port between 25713 and 25763 is free for the registry"
  echo "$port" >"$MIRROR_FILE"
  cat >"$RUN/registry.yml" <<CONF
version: 0.1
log: {level: warn}
storage:
  filesystem: {rootdirectory: $STATE/registry}
  delete: {enabled: true}
http: {addr: "127.0.0.1:$(registry_port)"}
CONF
  launch registry "$PACKAGES/usr/bin/docker-registry" serve "$RUN/registry.yml"
  echo "$LAUNCHED" >"$RUN/registry.pid"
  wait_until 20 registry_answers || { tail -n 20 "$STATE/log/registry.log" >&2; fail "the registry did not start"; }
}

engine_answers() { [[ -S "$SOCKET" ]] && our_docker version >/dev/null 2>&1; }

dockerd_died() { gone "$LAUNCHED"; }

answers_or_died() { engine_answers || dockerd_died; }

start_dockerd() {
  local mtu
  mtu=$(default_mtu)
  rm -f "$SOCKET" "$RUN/docker.pid"
  # The settings of the system's own engine in /etc/docker must not reach this one.
  echo '{"builder": {"gc": {"enabled": true, "defaultKeepStorage": "20GB"}}}' >"$RUN/daemon.json"
  launch dockerd env PATH="$BIN:$PACKAGES/usr/sbin:$PACKAGES/usr/bin:/usr/sbin:/usr/bin:/sbin:/bin" \
    "$PACKAGES/usr/sbin/dockerd" \
    --config-file "$RUN/daemon.json" --data-root "$STATE/data" --exec-root "$RUN/exec" \
    --pidfile "$RUN/docker.pid" --host "unix://$SOCKET" --group "$SOCKET_GID" \
    --init-path "$BIN/docker-init" --userland-proxy-path "$PACKAGES/usr/sbin/docker-proxy" \
    --bridge "$BRIDGE" --default-address-pool "base=$NET.128.0/17,size=24" \
    --iptables=false --ip6tables=false --ip-masq=false --mtu "$mtu" \
    --default-network-opt "bridge=com.docker.network.driver.mtu=$mtu" \
    --registry-mirror "http://127.0.0.1:$(registry_port)"
  wait_until 60 answers_or_died || true
  engine_answers && return 0
  tail -n 20 "$STATE/log/dockerd.log" >&2
  fail "dockerd did not start (its log: $STATE/log/dockerd.log)"
}

stop_dockerd() {
  local pid
  running docker || return 0
  pid=$(cat "$RUN/docker.pid")
  end_process "$pid" "${1:-30}"
}

stop_containers() {
  local ids
  ids=$(our_docker ps -q 2>/dev/null) || return 0
  # shellcheck disable=SC2086
  [[ -z "$ids" ]] || our_docker stop -t 3 $ids >/dev/null 2>&1 || true
}

# Containers whose engine was killed live on; runc's own records lead to them.
end_orphans() {
  local state pid
  for state in "$RUN"/exec/runtime-runc/moby/*/; do
    [[ -d "$state" ]] || continue
    "$PACKAGES/usr/sbin/runc" --root "$RUN/exec/runtime-runc/moby" delete --force \
      "$(basename "$state")" >/dev/null 2>&1 || true
  done
  for pid in $(our_servers); do end_process "$pid" 5; done
}

unmount_leftovers() {
  local mount
  awk -v state="$STATE/" -v run="$RUN/" \
    'index($5, state) == 1 || index($5, run) == 1 {print $5}' /proc/self/mountinfo |
    tac | while read -r mount; do umount -l "$(printf '%b' "$mount")" 2>/dev/null || true; done
}

clean_up() {
  end_orphans
  unmount_leftovers
  network_down
  rm -rf "$RUN/exec" "$RUN"/*.pid "$RUN"/*.sock "$RUN"/*.yml "$RUN"/*.json "$MIRROR_FILE" "$RUN/owner" "$RUN/state"
}

is_up() { running docker && running registry && engine_answers; }

start_engine() {
  local log
  if running docker && engine_answers; then
    start_registry
    return 0
  fi
  clean_up
  for log in dockerd registry; do mv -f "$STATE/log/$log.log" "$STATE/log/$log.log.old" 2>/dev/null || true; done
  echo "$STATE" >"$RUN/state"
  echo run >"$RUN/owner" # `make engine` takes it over when all is ready
  network_up
  start_registry
  start_dockerd
}

stop_engine() {
  running docker && stop_containers
  stop_dockerd
  clean_up
}
