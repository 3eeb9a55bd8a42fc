package story

import (
	"fmt"
	"os"
	"time"

	"github.com/lessor-dhcp/lessor/test/world"
)

// real is a dhclient on a host of its own.
type real struct {
	f      *floor
	host   *world.Namespace
	port   *world.Port
	side   side
	client world.Client
}

func (f *floor) newReal(i int, s side) *real {
	f.t.Helper()
	r := &real{f: f, host: f.Host(fmt.Sprintf("c%d", i)), side: s}
	r.port = f.segments[s].Attach(r.host, "eth0")
	r.client = r.host.Client("dhclient", "eth0", world.Options{Hostname: r.Name(), Onlink: []string{subnet198.String(), subnet203.String()},
		Lines: []string{"also request tftp-server-name, vendor-encapsulated-options;"}})
	r.client.Start()
	return r
}

func (r *real) Name() string     { return r.host.Role }
func (r *real) Hardware() string { return r.host.Hardware("eth0").String() }
func (r *real) Side() side       { return r.side }
func (r *real) File() string     { return r.f.Path(r.host.Role+"-eth0", "leases") }

// move plugs the host into the other segment; it notices nothing.
func (r *real) move(to side) {
	r.f.t.Helper()
	r.port.Move(r.f.segments[to])
	r.side = to
}

// reboot ends the client and its host's address, and starts it again with its lease file: it asks for its address in
// INIT-REBOOT. A new start rewrites the file, so what stands there is kept beside it.
func (r *real) reboot() {
	r.f.t.Helper()
	r.client.Crash()
	text, err := os.ReadFile(r.File())
	if err != nil {
		r.f.t.Fatal(err)
	}
	before, err := os.OpenFile(r.File()+".before", os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		r.f.t.Fatal(err)
	}
	defer before.Close()
	if _, err := before.Write(text); err != nil {
		r.f.t.Fatal(err)
	}
	r.client.Start()
}

// reboots is reboot, and waits until the client was told something, which it returns by its lease file.
func (r *real) reboots() told {
	r.f.t.Helper()
	os.Remove(r.f.Path(r.host.Role+"-eth0", "told"))
	r.reboot()
	var l told
	r.f.eventually(20*time.Second, func() string { return fmt.Sprintf("%s is told something, and writes it down; it has %v", r.Name(), l) }, func() bool {
		env := r.client.Told() // of its script, which runs before the lease is written
		l, _ = last(r.f.t, r)
		return env != nil && env["ip_address"] == l.address.String() && env["routers"] == l.options["routers"] &&
			env["expiry"] == fmt.Sprint(l.expire.Unix()) && env["dhcp_server_identifier"] == l.options["dhcp-server-identifier"]
	})
	return l
}

// ask has guests ask all at once, and returns what each was told; those who were not answered within d are left out.
func (f *floor) ask(q question, d time.Duration, all ...*guest) map[*guest]told {
	f.t.Helper()
	before, answers := map[*guest]told{}, map[*guest]told{}
	for _, g := range all {
		before[g], _ = last(f.t, g)
		g.do(q)
	}
	for deadline := time.Now().Add(d); len(answers) < len(all) && time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		for _, g := range all {
			if l, _ := last(f.t, g); !l.expire.Equal(before[g].expire) {
				answers[g] = l
			}
		}
	}
	return answers
}
