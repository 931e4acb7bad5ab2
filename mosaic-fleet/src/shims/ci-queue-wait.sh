#!/bin/sh
# mosaic-fleet tool @SUM@ (by `mosaic-fleet install-tools`, which also takes it out again)
# Waits until a branch is clear for a push or a merge: the flags of the old script, for
# `mosaic-fleet ci guard`.

usage='usage: ci-queue-wait.sh --purpose push|merge [-B BRANCH] [-r OWNER/NAME] [-i INTERVAL] [-t TIMEOUT]
  --purpose       push: nothing is active on the branch; merge: also, its head succeeded
  -B, --branch    the branch (else the default one)
  -r, --repo      the repository (else that of origin)
  -i, --interval  look at least this often, 15 seconds without it; events come earlier
  -t, --timeout   the longest time to wait, 15 minutes without it
Times are in seconds, or as 30s, 5m, 1h30m. This is no lock: another may push at the same moment.
exit: 0 clear, 1 the head did not succeed, 2 usage, no such branch or no token, 3 not clear in time,
      4 it cannot be told: a token was refused, or a service is away'

wrong() {
    printf 'ci-queue-wait.sh: %s\n%s\n' "$1" "$usage" >&2
    exit 2
}

purpose='' branch='' repo='' interval='' timeout=''
while [ $# -gt 0 ]; do
    # A value stands in the flag's own word, or in the next one.
    case $1 in
        -h | --help)
            printf '%s\n' "$usage"
            exit 0
            ;;
        --)
            [ $# -eq 1 ] || wrong "what is \"$2\"?"
            break
            ;;
        --*=*) flag=${1%%=*} value=${1#*=} ;;
        -[Brit]?*) flag=${1%"${1#??}"} value=${1#??} ;;
        --purpose | --branch | --repo | --interval | --timeout | -[Brit])
            [ $# -gt 1 ] || wrong "$1 needs a value"
            flag=$1 value=$2
            shift
            ;;
        -?*) wrong "there is no flag $1" ;;
        *) wrong "what is \"$1\"?" ;;
    esac
    shift
    case $flag in
        --purpose) purpose=$value ;;
        -B | --branch) branch=$value ;;
        -r | --repo) repo=$value ;;
        -i | --interval) interval=$value ;;
        -t | --timeout) timeout=$value ;;
        *) wrong "there is no flag $flag" ;;
    esac
done
[ -n "$purpose" ] || wrong 'no purpose: give it with --purpose push or --purpose merge'

fleet=@BINARY@
[ -x "$fleet" ] || fleet=$(command -v mosaic-fleet) || {
    echo 'ci-queue-wait.sh: mosaic-fleet is gone: install it, and run "mosaic-fleet install-tools"' >&2
    exit 2
}
# Each value in one word with its flag: it may begin with a dash.
set -- ci guard "--purpose=$purpose"
[ -z "$branch" ] || set -- "$@" "--branch=$branch"
[ -z "$repo" ] || set -- "$@" "--repo=$repo"
[ -z "$interval" ] || set -- "$@" "--interval=$interval"
[ -z "$timeout" ] || set -- "$@" "--timeout=$timeout"
exec "$fleet" "$@"
