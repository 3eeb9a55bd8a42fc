package socket

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Capability is a privilege that Linux gives one by one (capabilities(7)).
type Capability uint

// What a DHCP server needs: its port, and frames and probes. The others are what opening its own data may need where
// it is started as root.
const (
	NetBindService Capability = unix.CAP_NET_BIND_SERVICE
	NetRaw         Capability = unix.CAP_NET_RAW
	DACOverride    Capability = unix.CAP_DAC_OVERRIDE
	FOwner         Capability = unix.CAP_FOWNER
)

// String returns the name that setcap(8) and systemd use, in lower case.
func (c Capability) String() string {
	switch c {
	case NetBindService:
		return "cap_net_bind_service"
	case NetRaw:
		return "cap_net_raw"
	case DACOverride:
		return "cap_dac_override"
	case FOwner:
		return "cap_fowner"
	default:
		return "capability " + strconv.Itoa(int(c))
	}
}

// capabilitySet is a set of capabilities, a bit each.
type capabilitySet uint64

func setOf(of []Capability) (s capabilitySet) {
	for _, c := range of {
		s |= 1 << c
	}
	return s
}

// privileges are those of one thread, as /proc tells them.
type privileges struct {
	inheritable, permitted, effective, bounding, ambient capabilitySet
}

// readPrivileges reads the privileges of the calling thread.
func readPrivileges() (privileges, error) {
	text, err := os.ReadFile("/proc/thread-self/status")
	if err != nil {
		return privileges{}, fmt.Errorf("reading this process's capabilities: %w", err)
	}
	return parsePrivileges(string(text))
}

func parsePrivileges(status string) (p privileges, err error) {
	found := 0
	for line := range strings.Lines(status) {
		name, value, _ := strings.Cut(line, ":")
		into := map[string]*capabilitySet{"CapInh": &p.inheritable, "CapPrm": &p.permitted, "CapEff": &p.effective,
			"CapBnd": &p.bounding, "CapAmb": &p.ambient}[name]
		if into == nil {
			continue
		}
		n, err := strconv.ParseUint(strings.TrimSpace(value), 16, 64)
		if err != nil {
			return p, fmt.Errorf("reading this process's capabilities: %w", err)
		}
		*into = capabilitySet(n)
		found++
	}
	if found != 5 {
		return p, errors.New("the kernel does not tell this process's capabilities")
	}
	return p, nil
}

// MissingCapabilities returns those of need that this process does not have.
func MissingCapabilities(need ...Capability) (missing []Capability, err error) {
	p, err := readPrivileges()
	if err != nil {
		return nil, err
	}
	for _, c := range need {
		if p.effective&(1<<c) == 0 {
			missing = append(missing, c)
		}
	}
	return missing, nil
}

// Remedy says how a process that runs as an ordinary user gets what a DHCP server needs.
func Remedy() string {
	program, err := os.Executable()
	if err != nil {
		program = "lessor"
	}
	return fmt.Sprintf("as root, `setcap cap_net_bind_service,cap_net_raw+ep %s`, or `AmbientCapabilities="+
		"CAP_NET_BIND_SERVICE CAP_NET_RAW` in its systemd unit", program)
}

// DropCapabilities takes every capability but those in keep from all threads of this process, for good: nothing that
// it executes gets them back. The user stays who it is. What was not there before is not gained.
//
// It must be called before the program does anything else. A program that is linked with cgo cannot reach threads that
// are not Go's own; started as root it therefore executes itself anew with the capabilities that are left, and this
// function does not return.
func DropCapabilities(keep ...Capability) error {
	set := setOf(keep)
	p, err := readPrivileges()
	if err != nil {
		return err
	}
	if (p.permitted|p.inheritable|p.ambient)&^set == 0 && (p.bounding&^set == 0 || p.effective&setpcap == 0) {
		everyThread(unix.SYS_PRCTL, unix.PR_SET_NO_NEW_PRIVS, 1)
		return nil
	}
	err = dropWith(everyThread, p, set)
	if errors.Is(err, unix.ENOTSUP) {
		return dropAnew(p, set)
	}
	return err
}

const setpcap = capabilitySet(1 << unix.CAP_SETPCAP)

// call makes a system call on one thread or on all.
type call func(trap, a1, a2 uintptr) unix.Errno

func everyThread(trap, a1, a2 uintptr) unix.Errno {
	_, _, errno := syscall.AllThreadsSyscall6(trap, a1, a2, 0, 0, 0, 0)
	return errno
}

func thisThread(trap, a1, a2 uintptr) unix.Errno {
	_, _, errno := unix.RawSyscall6(trap, a1, a2, 0, 0, 0, 0)
	return errno
}

// dropWith takes all but set away by the calls of do.
func dropWith(do call, p privileges, set capabilitySet) error {
	if p.effective&setpcap != 0 {
		for c := uintptr(0); c < 64; c++ {
			if (p.bounding&^set)&(1<<c) == 0 {
				continue
			}
			if errno := do(unix.SYS_PRCTL, unix.PR_CAPBSET_DROP, c); errno != 0 {
				return fmt.Errorf("dropping capabilities: bounding set: %w", errno)
			}
		}
	}
	if errno := do(unix.SYS_PRCTL, unix.PR_SET_NO_NEW_PRIVS, 1); errno != 0 {
		return fmt.Errorf("dropping capabilities: no_new_privs: %w", errno)
	}
	// Lowering the inheritable set lowers the ambient set with it.
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	inheritable, permitted := p.inheritable&set, p.permitted&set
	data := [2]unix.CapUserData{
		{Effective: uint32(permitted), Permitted: uint32(permitted), Inheritable: uint32(inheritable)},
		{Effective: uint32(permitted >> 32), Permitted: uint32(permitted >> 32), Inheritable: uint32(inheritable >> 32)},
	}
	errno := do(unix.SYS_CAPSET, uintptr(unsafe.Pointer(&header)), uintptr(unsafe.Pointer(&data)))
	runtime.KeepAlive(&header)
	runtime.KeepAlive(&data)
	if errno != 0 {
		return fmt.Errorf("dropping capabilities: %w", errno)
	}
	return nil
}

// dropAnew takes all but set from this thread and executes the program anew, which ends all other threads. Root gets
// what is left of the bounding set, so without the right to lower that (CAP_SETPCAP) it would change nothing.
func dropAnew(p privileges, set capabilitySet) error {
	if os.Geteuid() != 0 || p.effective&setpcap == 0 {
		return errors.New("dropping capabilities: this program is linked with cgo and cannot reach all of its threads; " +
			"build it with CGO_ENABLED=0")
	}
	program, err := os.Executable()
	if err != nil {
		return fmt.Errorf("dropping capabilities: %w", err)
	}
	runtime.LockOSThread() // never unlocked: this thread is now less than the others
	if err := dropWith(thisThread, p, set); err != nil {
		return err
	}
	left, err := readPrivileges()
	if err != nil {
		return err
	}
	if left.bounding&^set != 0 {
		return errors.New("dropping capabilities: the bounding set cannot be lowered")
	}
	if err := unix.Exec(program, os.Args, os.Environ()); err != nil {
		return fmt.Errorf("dropping capabilities: executing %s anew: %w", program, err)
	}
	return nil
}
