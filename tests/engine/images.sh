# shellcheck shell=bash
# Stand-ins for the published images, made of Debian's packages, because the machine that runs the
# tests may reach no image registry. A name and tag is a file: images/node_22-slim.Dockerfile.

IMAGES_DIR="$HERE/images"
CA_BUNDLE=/etc/ssl/certs/ca-certificates.crt
declare -A RECIPES=()

dockerfile_of() { echo "$IMAGES_DIR/${1//[:\/]/_}.Dockerfile"; }

known_images() {
  local file name
  for file in "$IMAGES_DIR"/*_*.Dockerfile; do
    name=$(basename "$file" .Dockerfile)
    echo "${name/_/:}"
  done
}

# The stand-ins that a stand-in is made from.
bases_of() {
  local base
  awk 'toupper($1) == "FROM" {print $2}' "$(dockerfile_of "$1")" | sort -u |
    while read -r base; do [[ -e "$(dockerfile_of "$base")" ]] && echo "$base"; done
}

# recipe NAME: changes when anything that goes into the image does.
recipe() {
  local name=$1 base stem
  if [[ -z "${RECIPES[$name]-}" ]]; then
    stem=$(dockerfile_of "$name")
    for base in $(bases_of "$name"); do recipe "$base" >/dev/null; done
    RECIPES[$name]=$({
      cat "${stem%.Dockerfile}".*
      for base in $(bases_of "$name"); do echo "${RECIPES[$base]}"; done
      cat "$CA_BUNDLE"
      mirror_uri
    } | sha256sum | cut -c 1-16)
  fi
  echo "${RECIPES[$name]}"
}

made_file() { echo "$STATE/made/${1//[:\/]/_}"; }

image_id() { our_docker image inspect --format '{{.Id}}' "$1" 2>/dev/null; }

is_made() { [[ "$(cat "$(made_file "$1")" 2>/dev/null)" == "$(recipe "$1") $(image_id "$1")" ]]; }

was_made() { [[ "$(cat "$(made_file "$1")" 2>/dev/null)" == "$(recipe "$1") "* ]]; }

in_registry() { [[ -d "$STATE/registry/docker/registry/v2/repositories/library/${1%%:*}/_manifests/tags/${1##*:}" ]]; }

ensure_image() {
  local name=$1 base seconds
  [[ -e "$(dockerfile_of "$name")" ]] ||
    fail "there is no stand-in for the image $name; there are: $(known_images | tr '\n' ' ')"
  recipe "$name" >/dev/null
  is_made "$name" && return 0
  if was_made "$name" && in_registry "$name" && our_docker pull -q "$name" >/dev/null 2>&1 && is_made "$name"; then
    return 0
  fi
  for base in $(bases_of "$name"); do ensure_image "$base"; done
  seconds=$(sed -n 's/^# seconds: //p' "$(dockerfile_of "$name")")
  timed "making $name (first time, about ${seconds:-30} s)" \
    quietly "$STATE/log/image-${name//[:\/]/_}.log" make_image "$name" || fail "the image $name could not be made"
}

make_image() {
  local name=$1 context="$STATE/context" file
  file=$(dockerfile_of "$name")
  rm -rf "$context"
  mkdir -p "$context" "$STATE/made"
  cp "${file%.Dockerfile}".* "$context/" || return
  cp "$CA_BUNDLE" "$context/machine.crt"
  if [[ "$name" == debian:* ]]; then make_root "${name#debian:}" "$context" || return; fi
  DOCKER_BUILDKIT=1 our_docker build --progress plain -t "$name" \
    -f "$context/$(basename "$file")" "$context" || return
  publish "$name" || return
  echo "$(recipe "$name") $(image_id "$name")" >"$(made_file "$name")"
  rm -rf "$context"
}

# Through the registry and back, so that it looks like every pulled image and the mirror is proved.
publish() {
  local name=$1 there
  there="127.0.0.1:$(registry_port)/library/$name"
  our_docker tag "$name" "$there" && our_docker push -q "$there" || return
  our_docker rmi "$there" "$name" || true # refused while a container uses it, which does no harm
  our_docker pull -q "$name"
}

# make_root SUITE-slim FOLDER: the root file system of a small Debian, as root.tar.
make_root() {
  local suite=${1%-slim} folder=$2
  printf '%s\n' "deb $(mirror_uri) $suite main" >"$folder/sources.list"
  PATH="$PACKAGES/usr/bin:$PATH" TMPDIR="$STATE" perl "$PACKAGES/usr/bin/mmdebstrap" --mode=root \
    --variant=minbase --format=tar --include=ca-certificates --keyring="$KEYRING" \
    --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/locale/*/LC_MESSAGES/*.mo' \
    --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-include=/usr/share/doc/*/copyright' \
    "$suite" "$folder/root.tar" "$(suite_line "$suite")"
}
