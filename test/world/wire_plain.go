package world

import (
	"fmt"
	"net"
	"unsafe"

	"golang.org/x/sys/unix"
)

// ethtoolValue is struct ethtool_value of linux/ethtool.h, and ethtoolRequest the struct ifreq that carries it.
type ethtoolValue struct{ cmd, data uint32 }

type ethtoolRequest struct {
	name [unix.IFNAMSIZ]byte
	data *ethtoolValue
	_    [16]byte
}

// What a device leaves to the one that it sends to, by the numbers of linux/ethtool.h.
const (
	setTransmitChecksums = 0x17
	setSegmentation      = 0x24 // GSO
)

// Plain makes an interface of the host send whole frames with their checksums, as one does that has a real cable behind it.
func (n *Namespace) Plain(dev string) {
	n.w.t.Helper()
	err := n.Do(func() error {
		if _, err := net.InterfaceByName(dev); err != nil {
			return err
		}
		fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			return err
		}
		defer unix.Close(fd)
		for _, cmd := range []uint32{setTransmitChecksums, setSegmentation} {
			r := ethtoolRequest{data: &ethtoolValue{cmd: cmd}}
			copy(r.name[:], dev)
			if _, _, e := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), unix.SIOCETHTOOL, uintptr(unsafe.Pointer(&r))); e != 0 {
				return fmt.Errorf("ethtool %#x: %w", cmd, e)
			}
		}
		return nil
	})
	if err != nil {
		n.w.t.Fatalf("%s: %s: %v", n.Role, dev, err)
	}
}
