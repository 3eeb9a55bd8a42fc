package socket

import "golang.org/x/sys/unix"

// Capability is a privilege that Linux gives one by one (capabilities(7)).
type Capability int

// What a DHCP server needs: its port, and frames and probes.
const (
	NetBindService Capability = unix.CAP_NET_BIND_SERVICE
	NetRaw         Capability = unix.CAP_NET_RAW
)

// remedy says how an ordinary user gets c.
func remedy(Capability) string {
	return "run `setcap cap_net_bind_service,cap_net_raw+ep` on the program, or put " +
		"`AmbientCapabilities=CAP_NET_BIND_SERVICE CAP_NET_RAW` into its systemd unit"
}
