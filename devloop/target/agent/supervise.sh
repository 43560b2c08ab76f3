# devloop's supervisor: runs the app under the engine's init and starts it anew on HUP.
# POSIX sh (dash, busybox, bash). Arguments: nonce, stop signal, grace in seconds, reload signal,
# then the command. It reports on stderr: "<nonce> started <n>" and "<nonce> exited <code>".
nonce=$1 stop=$2 grace=$3 reload=$4
shift 4
exec 3<&0 # a background job's stdin is /dev/null: keep the real one for the app
app='' timer='' nap='' again='' leaving='' number=0 reset=''

# A background job ignores INT and QUIT for ever; env can give an app its defaults back.
env --default-signal=INT,QUIT true 2>/dev/null && reset='env --default-signal=INT,QUIT'

say() { printf '%s %s %s\n' "$nonce" "$1" "$2" >&2; }

# `kill -TERM -123` is the one form that dash, busybox and bash all take for a group. The group
# exists once setsid has run; a signal that comes before would be lost on the shell's own handlers.
send() {
  until kill "-$1" "-$2" 2>/dev/null; do
    kill -0 "$2" 2>/dev/null || break
    sleep 0.01 2>/dev/null || break
  done
}

# Asks the app's whole group to end, once; what is left after the grace is killed. An app that was
# started with INT and QUIT ignored may need TERM as well.
end() {
  if [ -z "$app" ] || [ -n "$timer" ]; then return 0; fi
  send "$stop" "$app"
  also=:
  if [ -z "$reset" ]; then case $stop in INT | QUIT | 2 | 3) also='sleep 0.3; kill -TERM "-$2"' ;; esac; fi
  setsid sh -c "$also"'; sleep "$1"; kill -KILL "-$2"' timer "$grace" "$app" >/dev/null 2>&1 3<&- &
  timer=$!
}

# Waits for a child to be gone, whatever signals come in between; the result is its exit code.
await() {
  while :; do
    wait "$1" 2>/dev/null # dash says "Terminated" there
    code=$?
    kill -0 "$1" 2>/dev/null || break
  done
  if [ "$code" -gt 128 ]; then
    wait "$1" 2>/dev/null # a signal may have cut the wait short in which the child was reaped
    late=$?
    [ "$late" = 127 ] || code=$late
  fi
  return "$code"
}

# Nobody of the app's group may live when the next one starts.
sweep() {
  kill -0 "-$app" 2>/dev/null && end
  while kill -0 "-$app" 2>/dev/null; do sleep 0.01 2>/dev/null || sleep 1; done
  if [ -n "$timer" ]; then
    send KILL "$timer" # with its sleep
    wait "$timer" 2>/dev/null
  fi
}

rest() {
  sleep 86400 3<&- &
  nap=$!
  [ -n "$again$leaving" ] || wait "$nap"
  kill -KILL "$nap" 2>/dev/null
  wait "$nap" 2>/dev/null
  nap=''
}

wake() { [ -z "$nap" ] || kill -KILL "$nap" 2>/dev/null; }

trap 'again=1; end; wake' HUP
trap 'leaving=1; end; wake' TERM
trap 'if [ -n "$app" ] && [ -z "$timer" ]; then send "$reload" "$app"; fi' USR1
trap : INT

while [ -z "$leaving" ]; do
  again='' timer='' number=$((number + 1))
  $reset setsid "$@" <&3 3<&- &
  app=$!
  say started "$number"
  [ -z "$again$leaving" ] || end # a signal that came before the app had a number
  await "$app"
  code=$?
  sweep
  app=''
  [ -n "$again$leaving" ] || say exited "$code"
  while [ -z "$again$leaving" ]; do rest; done
done
exit "$code"
