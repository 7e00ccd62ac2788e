#!/bin/sh
# need.sh "COMMANDS" "PACKAGES": make sure that every command is there, installing the distribution's packages where we may.
# A command with a slash is a file.
set -u
PATH="$PATH:/usr/sbin:/sbin"
missing() {
	for command in $1; do
		case $command in
		*/*) [ -e "$command" ] ;;
		*) command -v "$command" >/dev/null 2>&1 ;;
		esac || printf '%s ' "$command"
	done
}
lacking=$(missing "$1")
[ -z "$lacking" ] && exit 0
run=
[ "$(id -u)" = 0 ] || { command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null && run="sudo -n"; }
if { [ "$(id -u)" = 0 ] || [ -n "$run" ]; } && command -v apt-get >/dev/null 2>&1; then
	echo "installing $2 (for $lacking)"
	$run apt-get update -qq && DEBIAN_FRONTEND=noninteractive $run apt-get install -y -qq $2 >/dev/null
fi
lacking=$(missing "$1")
[ -z "$lacking" ] && exit 0
echo "missing: $lacking- install the packages $2 and run again" >&2
exit 1
