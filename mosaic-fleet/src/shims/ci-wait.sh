#!/bin/sh
# mosaic-fleet tool @SUM@ (by `mosaic-fleet install-tools`, which also takes it out again)
# Waits until pipelines are over, and says how they ended: the flags of the old script, for
# `mosaic-fleet ci wait`.

usage='usage: ci-wait.sh -r OWNER/NAME -n NUMBER [-n NUMBER ...] [-a INSTANCE] [-i INTERVAL] [-t TIMEOUT]
  -r  the repository
  -n  the number of a pipeline; may be repeated
  -a  the CI instance, by its name in $MOSAIC_HOME/forges.yaml (else $WOODPECKER_SERVER, else the
      one of the owner there)
  -i  look at least this often, 30 seconds without it; events come earlier
  -t  the longest time to wait, 3600 seconds without it
Times are in seconds, or as 30s, 5m, 1h30m.
exit: 0 all succeeded, 1 all over and some ended otherwise, 2 usage, no such pipeline or no token,
      3 not over in time, 4 it cannot be told: a token was refused, or the service is away'

wrong() {
    printf 'ci-wait.sh: %s\n%s\n' "$1" "$usage" >&2
    exit 2
}

repo='' numbers='' instance='' interval='' timeout=''
OPTIND=1
while getopts :r:n:a:i:t:h flag; do
    case $flag in
        r) repo=$OPTARG ;;
        n)
            # One that is left out would be taken for one that succeeded.
            [ -n "$OPTARG" ] || wrong '-n needs the number of a pipeline'
            numbers=${numbers:+$numbers,}$OPTARG
            ;;
        a) instance=$OPTARG ;;
        i) interval=$OPTARG ;;
        t) timeout=$OPTARG ;;
        h)
            printf '%s\n' "$usage"
            exit 0
            ;;
        :) wrong "-$OPTARG needs a value" ;;
        *) wrong "there is no flag -$OPTARG" ;;
    esac
done
shift $((OPTIND - 1))
[ $# -eq 0 ] || wrong "what is \"$1\"? Each pipeline is given with a -n of its own"
[ -n "$repo" ] || wrong 'no repository: give it with -r'
[ -n "$numbers" ] || wrong 'no pipeline: give its number with -n'

fleet=@BINARY@
[ -x "$fleet" ] || fleet=$(command -v mosaic-fleet) || {
    echo 'ci-wait.sh: mosaic-fleet is gone: install it, and run "mosaic-fleet install-tools"' >&2
    exit 2
}
# Each value in one word with its flag: it may begin with a dash.
set -- ci wait "--repo=$repo" "--number=$numbers"
[ -z "$instance" ] || set -- "$@" "--instance=$instance"
[ -z "$interval" ] || set -- "$@" "--interval=$interval"
[ -z "$timeout" ] || set -- "$@" "--timeout=$timeout"
exec "$fleet" "$@"
