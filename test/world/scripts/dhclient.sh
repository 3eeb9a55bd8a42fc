#!/bin/sh
# What dhclient runs at each change: configures the interface, and writes down what the client was told. With CHECK set
# it probes a new address, and declines it (any exit status but 0) where somebody answers.
case "$reason" in
PREINIT)
	ip link set dev "$interface" up
	ip -4 addr flush dev "$interface"
	;;
BOUND | RENEW | REBIND | REBOOT)
	if [ -n "$CHECK" ] && [ "$reason" = BOUND ]; then
		busybox arping -q -D -c 2 -w 2 -I "$interface" "$new_ip_address" || exit 1
	fi
	if [ -n "$old_ip_address" ] && [ "$old_ip_address" != "$new_ip_address" ]; then
		ip -4 addr flush dev "$interface"
	fi
	n=0
	for o in $(echo "${new_subnet_mask:-255.255.255.0}" | tr . ' '); do
		while [ "$o" -gt 0 ]; do n=$((n + o % 2)); o=$((o / 2)); done
	done
	ip -4 addr replace "$new_ip_address/$n" dev "$interface"
	for p in $ONLINK; do ip route replace "$p" dev "$interface" src "$new_ip_address"; done
	[ -n "$new_routers" ] && ip route replace default via "${new_routers%% *}" dev "$interface"
	set >"$TOLD.new"
	mv "$TOLD.new" "$TOLD"
	;;
EXPIRE | FAIL | RELEASE | STOP)
	ip -4 addr flush dev "$interface"
	;;
esac
exit 0
