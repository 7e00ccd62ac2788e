# Runs FreeRADIUS with examples/freeradius, and a lab beside it, until the lab ends. FreeRADIUS writes into the folder $1. The other
# words are the command that runs the lab.
set -eu
folder=$1
shift
configuration=$PWD/examples/freeradius
program=$(PATH=$PATH:/usr/sbin command -v freeradius)
mkdir -p "$folder"
: >"$folder/radius.log"
# In a session of its own, it outlives the Ctrl-C that ends the lab: the last records are for it.
(cd "$folder" && exec setsid "$program" -d "$configuration" -f) &
server=$!
trap 'kill $server 2>/dev/null; wait $server || true' EXIT
trap : INT TERM
until grep -q "Ready to process requests" "$folder/radius.log"; do
	if ! kill -0 $server 2>/dev/null; then
		cat "$folder/radius.log" >&2
		exit 1
	fi
	sleep 0.1
done
cat <<TEXT
FreeRADIUS writes the accounting records that it gets to $folder/accounting.detail.
In another terminal:

    tail -f $folder/accounting.detail
    .venv/bin/ipsec-agent cli --router site show aaa servers
    .venv/bin/ipsec-agent cli --router site test aaa group radius username1 wonderland new-code

TEXT
"$@" || true
