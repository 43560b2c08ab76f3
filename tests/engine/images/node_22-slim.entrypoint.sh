#!/bin/sh
# As the published image does it: what is no command is a file or an option for node.
set -e
case "${1-}" in
  -*) set -- node "$@" ;;
  *)
    if [ -n "${1-}" ] && { ! command -v "$1" >/dev/null || { [ -f "$1" ] && [ ! -x "$1" ]; }; }; then
      set -- node "$@"
    fi
    ;;
esac
exec "$@"
