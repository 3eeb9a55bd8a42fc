#!/bin/sh
# What udhcpc runs at each change: configures the interface, and writes down what the client was told.
# busybox supplies every command, so the host needs none.
mask() { # dotted mask to a length
	n=0
	for o in $(echo "$1" | tr . ' '); do
		while [ "$o" -gt 0 ]; do n=$((n + o % 2)); o=$((o / 2)); done
	done
	echo "$n"
}
case "$1" in
deconfig)
	ip link set dev "$interface" up
	ip -4 addr flush dev "$interface"
	;;
bound | renew)
	ip -4 addr replace "$ip/$(mask "${subnet:-255.255.255.0}")" dev "$interface"
	[ -n "$router" ] && ip route replace default via "${router%% *}" dev "$interface"
	{ set; echo "reason=$1"; } >"$TOLD.new"
	mv "$TOLD.new" "$TOLD"
	;;
esac
exit 0
