# shellcheck shell=bash
# Debian's own packages of Docker, unpacked into the state folder: nothing of the system is
# changed and no service is started by an installation.

# From trixie, which has an engine with BuildKit; these run on Debian 12's libc as well.
TRIXIE_PACKAGES=(docker.io docker-cli containerd docker-buildx docker-compose docker-registry mmdebstrap)
# These are linked to the machine's libraries, so they come from its own release.
NATIVE_PACKAGES=(runc tini iptables libip4tc2 libip6tc2 libxtables12 libmnl0
  libnetfilter-conntrack3 libnfnetlink0 libnftnl11)
# The live view is driven in tmux, the supervisor in busybox too; a machine that has them uses its own.
TEST_PACKAGES=(tmux libutempter0 busybox-static)
KEYRING=/usr/share/keyrings/debian-archive-keyring.gpg

native_release() {
  # shellcheck disable=SC1091
  (. /etc/os-release && [[ "${ID-}" == debian ]] && echo "${VERSION_CODENAME-}")
}

# The mirror that the machine itself is set up to use. Asking apt takes half a second.
mirror_uri() {
  local kept="$STATE/mirror"
  if [[ ! -s "$kept" || -n "$(find /etc/apt /etc/os-release -newer "$kept" -print -quit)" ]]; then
    ask_mirror_uri >"$kept"
  fi
  cat "$kept"
}

ask_mirror_uri() {
  # shellcheck disable=SC2016
  apt-get indextargets --format '$(RELEASE) $(COMPONENT) $(REPO_URI)' 2>/dev/null |
    awk -v release="$(native_release)" '$1 == release && $2 == "main" {print $3; exit}'
}

libevent() { if [[ "$1" == bookworm ]]; then echo libevent-core-2.1-7; else echo libevent-core-2.1-7t64; fi; }

suite_line() { printf 'deb [signed-by=%s] %s %s main\n' "$KEYRING" "$(mirror_uri)" "$1"; }

# The system's settings (proxies, certificates) stay in force; only the places are our own.
private_apt() {
  APT_CONFIG="$STATE/apt/apt.conf" apt-get -q -o Acquire::Retries=3 "$@" </dev/null
}

write_private_apt() {
  local apt="$STATE/apt"
  mkdir -p "$apt/state/lists/partial" "$apt/cache/archives/partial"
  : >"$apt/status"
  { suite_line trixie; suite_line "$(native_release)"; } | sort -u >"$apt/sources.list"
  cat >"$apt/apt.conf" <<CONF
#clear APT::Update::Pre-Invoke;
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
Dir::State "$apt/state";
Dir::State::status "$apt/status";
Dir::Cache "$apt/cache";
Dir::Etc::sourcelist "$apt/sources.list";
Dir::Etc::sourceparts "/dev/null";
Dir::Etc::preferences "/dev/null";
Dir::Etc::preferencesparts "/dev/null";
Acquire::Languages "none";
Acquire::IndexTargets::deb::DEP-11::DefaultEnabled "false";
APT::Sandbox::User "root";
CONF
}

download_packages() {
  local release new="$STATE/packages.new" package
  release=$(native_release)
  rm -rf "$new" "$STATE/debs"
  mkdir -p "$new" "$STATE/debs"
  write_private_apt
  private_apt update
  (cd "$STATE/debs" && private_apt download \
    "${TRIXIE_PACKAGES[@]/%//trixie}" "${NATIVE_PACKAGES[@]/%//$release}" \
    "${TEST_PACKAGES[@]/%//$release}" "$(libevent "$release")/$release")
  for package in "$STATE"/debs/*.deb; do dpkg -x "$package" "$new"; done
  rm -rf "$PACKAGES" "$STATE/debs" "$STATE/apt/state" "$STATE/apt/cache"
  mv "$new" "$PACKAGES"
}

# The names under which dockerd looks for its helpers, and a client that finds its plugins.
write_bin() {
  local libraries plugin name variant
  libraries=$(dirname "$(find "$PACKAGES/usr/lib" -name 'libxtables.so.12' | head -n 1)")
  rm -rf "$BIN" "$STATE/docker-config"
  mkdir -p "$BIN" "$STATE/docker-config/cli-plugins"
  for plugin in "$PACKAGES"/usr/libexec/docker/cli-plugins/*; do
    ln -s "$plugin" "$STATE/docker-config/cli-plugins/"
  done
  ln -s "$PACKAGES/usr/bin/tini-static" "$BIN/docker-init"
  variant=$(iptables_variant "$libraries")
  for name in iptables ip6tables; do
    script "$BIN/$name" "LD_LIBRARY_PATH='$libraries' XTABLES_LIBDIR='$libraries/xtables' \\
  exec '$PACKAGES/usr/sbin/xtables-$variant-multi' $name \"\$@\""
  done
  command -v tmux >/dev/null || script "$BIN/tmux" "LD_LIBRARY_PATH='$libraries' \\
  exec '$PACKAGES/usr/bin/tmux' \"\$@\""
  command -v busybox >/dev/null || ln -s "$PACKAGES/bin/busybox" "$BIN/busybox"
  script "$BIN/docker" "DOCKER_CONFIG=\"\${DOCKER_CONFIG:-$STATE/docker-config}\" \\
  exec '$PACKAGES/usr/bin/docker' \"\$@\""
}

# The machine's own choice where it made one; rules of the other kind might be overruled by it.
iptables_variant() {
  local version
  version=$(/usr/sbin/iptables -V 2>/dev/null) || true
  case "$version" in
    *nf_tables*) echo nft ;;
    *legacy*) echo legacy ;;
    *)
      if LD_LIBRARY_PATH=$1 XTABLES_LIBDIR=$1/xtables \
        "$PACKAGES/usr/sbin/xtables-nft-multi" iptables -S >/dev/null 2>&1; then echo nft; else echo legacy; fi
      ;;
  esac
}

script() {
  printf '#!/bin/sh\n%s\n' "$2" >"$1"
  chmod 755 "$1"
}

need_system_tools() {
  [[ -n "$(native_release)" ]] ||
    fail "a test engine can be made on Debian only; start Docker yourself and set DOCKER_HOST"
  local missing=()
  command -v ip >/dev/null || missing+=(iproute2)
  command -v perl >/dev/null || missing+=(perl)
  command -v python3 >/dev/null || missing+=(python3)
  [[ -s /etc/ssl/certs/ca-certificates.crt ]] || missing+=(ca-certificates)
  [[ -r "$KEYRING" ]] || missing+=(debian-archive-keyring)
  ((${#missing[@]} == 0)) || need_packages "${missing[*]}" "${missing[@]}"
}

ensure_packages() {
  local wanted
  wanted="$(native_release) ${TRIXIE_PACKAGES[*]} ${NATIVE_PACKAGES[*]} ${TEST_PACKAGES[*]} layout 2"
  [[ "$(cat "$STATE/packages.stamp" 2>/dev/null)" == "$wanted" ]] && return 0
  need_system_tools
  [[ -n "$(mirror_uri)" ]] || fail "apt has no source for Debian's main packages; add one to /etc/apt"
  rm -f "$STATE/packages.stamp"
  timed "fetching Docker from Debian's packages (once, about 15 s)" \
    quietly "$STATE/log/packages.log" download_packages || fail "Docker's packages could not be fetched"
  write_bin
  echo "$wanted" >"$STATE/packages.stamp"
}
