#!/bin/sh
# mosaic-fleet tool @SUM@ (by `mosaic-fleet install-tools`, which also takes it out again)
# Sends a text to an agent, with who sends it before it: the flags of the old script, for
# `mosaic-fleet pane send --preamble`.

usage='usage: agent-send.sh [-L SOCKET] -s SESSION [-H USER@HOST] [-n HOST] [-S FROM] [-m TEXT | -f FILE]
                     [-r REPEATS] [-v]
  -L  the name of the tmux socket (else the server of $TMUX, else the default one)
  -s  the session of the agent; always exact
  -H  the host of the agent, as ssh knows it; -n the name of that host for the preamble
  -S  who sends, SESSION or HOST:SESSION (else the session that this runs in)
  -m  the text; -f a file with it; without any of them, stdin
  -r  how often Enter may be repeated while the text still stands there
  -v  tell on stderr what is done; that the text was taken is always checked
exit: 0 sent or queued, 1 no such agent or unreachable, 2 not confirmed, 3 usage,
      4 refused, nothing typed'

wrong() {
    printf 'agent-send.sh: %s\n%s\n' "$1" "$usage" >&2
    exit 3
}

socket='' session='' remote='' host='' from='' repeats='' verbose=''
unset message file
OPTIND=1
while getopts :L:s:H:n:m:f:S:r:vh flag; do
    case $flag in
        L) socket=$OPTARG ;;
        s) session=$OPTARG ;;
        H) remote=$OPTARG ;;
        n) host=$OPTARG ;;
        m) message=$OPTARG ;;
        f) file=$OPTARG ;;
        S) from=$OPTARG ;;
        r) repeats=$OPTARG ;;
        v) verbose=-v ;;
        h)
            printf '%s\n' "$usage"
            exit 0
            ;;
        :) wrong "-$OPTARG needs a value" ;;
        *) wrong "there is no flag -$OPTARG" ;;
    esac
done
shift $((OPTIND - 1))
[ $# -eq 0 ] || wrong "what is \"$1\"? A text is given with -m"
[ -n "$session" ] || wrong 'no agent: give its session with -s'
case $from in
    '' | *:*) ;;
    *) here=$(uname -n) && from=${here%%.*}:$from ;;
esac

fleet=@BINARY@
[ -x "$fleet" ] || fleet=$(command -v mosaic-fleet) || {
    echo 'agent-send.sh: mosaic-fleet is gone: install it, and run "mosaic-fleet install-tools"' >&2
    exit 1
}
set -- pane send --preamble -t "$session"
[ -z "$socket" ] || set -- "$@" -L "$socket"
[ -z "$remote" ] || set -- "$@" -H "$remote"
[ -z "$host" ] || set -- "$@" -n "$host"
[ -z "$from" ] || set -- "$@" --from "$from"
[ -z "$repeats" ] || set -- "$@" -r "$repeats"
[ -z "$verbose" ] || set -- "$@" -v
# A word of its own: one that is as long as it may be must not become longer.
[ -z "${message+x}" ] || set -- "$@" -m "$message"
[ -z "${file+x}" ] || set -- "$@" -f "$file"
exec "$fleet" "$@"
