#!/bin/sh
# mosaic-fleet tool @SUM@ (by `mosaic-fleet install-tools`, which also takes it out again)
# Tells what work of a repository is really open: the flags of the old script, for
# `mosaic-fleet lane brief`.

usage='usage: lane-brief.sh -r OWNER/NAME [-m MILESTONE] [-l LABEL] [-L LOGIN] [-n LIMIT]
  -r  the repository
  -m  only issues of this milestone: its exact title
  -l  only issues with this label: its exact name
  -L  the login, by its name in tea (else $GITEA_LOGIN, $GITEA_INSTANCE_URL, the owner of the
      repository in $MOSAIC_HOME/forges.yaml, origin, the default one of tea)
  -n  print at most so many of each, 100 without it; all are read and counted
exit: 0 told, 1 the forge said no, 2 usage'

wrong() {
    printf 'lane-brief.sh: %s\n%s\n' "$1" "$usage" >&2
    exit 2
}

repo='' milestone='' label='' login='' limit=''
OPTIND=1
while getopts :r:m:l:L:n:h flag; do
    case $flag in
        r) repo=$OPTARG ;;
        m) milestone=$OPTARG ;;
        l) label=$OPTARG ;;
        L) login=$OPTARG ;;
        n) limit=$OPTARG ;;
        h)
            printf '%s\n' "$usage"
            exit 0
            ;;
        :) wrong "-$OPTARG needs a value" ;;
        *) wrong "there is no flag -$OPTARG" ;;
    esac
done
shift $((OPTIND - 1))
[ $# -eq 0 ] || wrong "what is \"$1\"? A value with blanks is one word, in quotes"
[ -n "$repo" ] || wrong 'no repository: give it with -r'

fleet=@BINARY@
[ -x "$fleet" ] || fleet=$(command -v mosaic-fleet) || {
    echo 'lane-brief.sh: mosaic-fleet is gone: install it, and run "mosaic-fleet install-tools"' >&2
    exit 1
}
# Each value in one word with its flag: it may begin with a dash.
set -- lane brief "--repo=$repo"
[ -z "$milestone" ] || set -- "$@" "--milestone=$milestone"
[ -z "$label" ] || set -- "$@" "--label=$label"
[ -z "$login" ] || set -- "$@" "--login=$login"
[ -z "$limit" ] || set -- "$@" "--limit=$limit"
exec "$fleet" "$@"
