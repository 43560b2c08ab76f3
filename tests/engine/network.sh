# shellcheck shell=bash
# A bridge and firewall rules of our own. dockerd is told to leave the firewall alone, so an engine
# that the user runs on the same machine keeps its chains whatever we do.

OURS=(-m comment --comment devloop-engine)

iptables() { "$BIN/iptables" -w 10 "$@"; }

# each_rule add|remove
each_rule() {
  "$1"_rule nat POSTROUTING -s "$NET.0.0/16" '!' -d "$NET.0.0/16" "${OURS[@]}" -j MASQUERADE
  "$1"_rule filter FORWARD -s "$NET.0.0/16" "${OURS[@]}" -j ACCEPT
  "$1"_rule filter FORWARD -d "$NET.0.0/16" "${OURS[@]}" -j ACCEPT
}

add_rule() {
  local table=$1 chain=$2
  shift 2
  iptables -t "$table" -C "$chain" "$@" 2>/dev/null || iptables -t "$table" -I "$chain" "$@"
}

remove_rule() {
  local table=$1 chain=$2
  shift 2
  while iptables -t "$table" -D "$chain" "$@" 2>/dev/null; do :; done
}

default_mtu() {
  local device
  device=$(ip -4 route show default | sed -n 's/.* dev \([^ ]*\).*/\1/p' | head -n 1)
  cat "/sys/class/net/${device:-lo}/mtu" 2>/dev/null || echo 1500
}

network_up() {
  if ip -4 route show | grep -vE " dev ($BRIDGE|br-[0-9a-f]{12}) " | grep -q "^$NET\\."; then
    fail "the network $NET.0.0/16 is in use on this machine; set DEVLOOP_ENGINE_NET to another, such as 10.214"
  fi
  ip link show "$BRIDGE" >/dev/null 2>&1 || ip link add "$BRIDGE" type bridge
  # Without an address of its own a bridge takes that of one of its ports, and changes it whenever a
  # container comes or goes: the others then answer to the old one, and are out of reach for seconds.
  ip link set "$BRIDGE" address "$BRIDGE_MAC"
  ip addr replace "$NET.0.1/24" dev "$BRIDGE"
  ip link set "$BRIDGE" mtu "$(default_mtu)" up
  each_rule add
  if [[ "$(cat /proc/sys/net/ipv4/ip_forward)" == 0 ]]; then
    : >"$RUN/forward-was-off"
    echo 1 >/proc/sys/net/ipv4/ip_forward
  fi
}

# The networks that containers made are bridges named br-<id> within our range.
our_bridges() {
  ip -4 -o addr show | awk -v net="$NET." \
    '$2 ~ /^br-[0-9a-f]+$/ && index($4, net) == 1 {print $2}'
  ip -o link show "$BRIDGE" 2>/dev/null | awk -v name="$BRIDGE" '{print name}'
}

another_engine_runs() { grep -qsx dockerd /proc/[0-9]*/comm; }

network_down() {
  local bridge
  [[ -x "$BIN/iptables" ]] && each_rule remove
  for bridge in $(our_bridges); do ip link delete "$bridge" 2>/dev/null || true; done
  if [[ -e "$RUN/forward-was-off" ]] && ! another_engine_runs; then
    echo 0 >/proc/sys/net/ipv4/ip_forward
  fi
  rm -f "$RUN/forward-was-off"
}
