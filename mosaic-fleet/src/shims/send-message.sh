#!/bin/sh
# mosaic-fleet tool @SUM@ (by `mosaic-fleet install-tools`, which also takes it out again)
# Types a text into a tmux pane, as it is: the flags of the old script, for `mosaic-fleet pane send`.

usage='usage: send-message.sh [-L SOCKET] -t TARGET [-m TEXT | -f FILE | -b BASE64] [-r REPEATS] [-v]
  -L  the name of the tmux socket (else the server of $TMUX, else the default one)
  -t  NAME, NAME:WINDOW.PANE or %PANE; always exact
  -m  the text; -f a file with it; -b the text in base64; without any of them, stdin
  -r  how often Enter may be repeated while the text still stands there
  -v  tell on stderr what is done; that the text was taken is always checked
exit: 0 sent or queued, 1 no such target or unreachable, 2 not confirmed, 3 usage,
      4 refused, nothing typed'

wrong() {
    printf 'send-message.sh: %s\n%s\n' "$1" "$usage" >&2
    exit 3
}

socket='' target='' repeats='' verbose=''
unset message file base64
OPTIND=1
while getopts :L:t:m:f:b:r:vh flag; do
    case $flag in
        L) socket=$OPTARG ;;
        t) target=$OPTARG ;;
        m) message=$OPTARG ;;
        f) file=$OPTARG ;;
        b) base64=$OPTARG ;;
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
[ -n "$target" ] || wrong 'no target: give it with -t'

fleet=@BINARY@
[ -x "$fleet" ] || fleet=$(command -v mosaic-fleet) || {
    echo 'send-message.sh: mosaic-fleet is gone: install it, and run "mosaic-fleet install-tools"' >&2
    exit 1
}
set -- pane send -t "$target"
[ -z "$socket" ] || set -- "$@" -L "$socket"
[ -z "$repeats" ] || set -- "$@" -r "$repeats"
[ -z "$verbose" ] || set -- "$@" -v
# A word of its own: one that is as long as it may be must not become longer.
[ -z "${message+x}" ] || set -- "$@" -m "$message"
[ -z "${file+x}" ] || set -- "$@" -f "$file"
[ -z "${base64+x}" ] || set -- "$@" -b "$base64"
exec "$fleet" "$@"
