#!/bin/sh
# mosaic-fleet tool @SUM@ (by `mosaic-fleet install-tools`, which also takes it out again)
# Has an agent run as the environment says, for the units and scripts of the bash version;
# `mosaic-fleet start` does it as the roster says.

usage='usage: start-agent-session.sh [NAME]
  NAME                  the agent (else MOSAIC_AGENT_NAME)
  MOSAIC_TMUX_SOCKET    the tmux socket of the fleet
  MOSAIC_AGENT_RUNTIME  its program
  MOSAIC_AGENT_WORKDIR  where it starts; made if it is missing
  MOSAIC_AGENT_COMMAND  what to run instead of the usual command of the program
What is not set is as the roster says; pi, in the home folder, for an agent that it does not have.
exit: 0 it runs, 64 usage, 69 no tmux or mosaic-fleet, 75 the tmux server is lost, 78 configuration'

wrong() {
    printf 'start-agent-session.sh: %s\n%s\n' "$1" "$usage" >&2
    exit 64
}

case ${1-} in
    -h | --help)
        printf '%s\n' "$usage"
        exit 0
        ;;
    -*) wrong "there is no flag $1" ;;
esac
[ $# -le 1 ] || wrong "one agent at a time: what is \"$2\"?"
name=${1:-${MOSAIC_AGENT_NAME:-}}
[ -n "$name" ] || wrong 'no agent: name it, or set MOSAIC_AGENT_NAME'

fleet=@BINARY@
[ -x "$fleet" ] || fleet=$(command -v mosaic-fleet) || {
    echo 'start-agent-session.sh: mosaic-fleet is gone: install it, and run "mosaic-fleet install-tools"' >&2
    exit 69
}
exec "$fleet" start-session -- "$name"
