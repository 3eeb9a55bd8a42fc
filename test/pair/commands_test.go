package pair

import (
	"encoding/json"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv4"

	"github.com/lessor-dhcp/lessor/test/world"
)

// office is two servers that have nothing yet but their files, and an operator.
type office struct {
	t *testing.T
	*world.Pair
	clients int
}

func newOffice(t *testing.T) *office {
	o := &office{t: t}
	w := world.New(t)
	o.Pair = w.Pair(world.PairSetup{Alone: true, MCLT: 20 * time.Second, Guard: 2 * time.Second, Lease: time.Minute})
	for _, m := range o.Both() {
		if err := os.RemoveAll(m.Data); err != nil {
			t.Fatal(err)
		}
	}
	return o
}

// group runs lessor group on the machine of a member, and returns what it wrote and whether it succeeded.
func (o *office) group(m *world.Member, args ...string) (string, bool) {
	out, err := m.Host.Try(append(append([]string{world.Binary, "group"}, args...), "--config", m.Config())...)
	return out, err == nil
}

// does fails the test unless the group's command succeeds.
func (o *office) does(m *world.Member, args ...string) string {
	o.t.Helper()
	out, ok := o.group(m, args...)
	if !ok {
		o.t.Fatalf("on %s: lessor group %v: %s", m.Host.Role, args, out)
	}
	return out
}

// refuses fails the test unless a command is refused with exit code 1, and says all of that.
func (o *office) refuses(m *world.Member, says []string, args ...string) {
	o.t.Helper()
	out, code := m.Command(args...)
	if code != 1 {
		o.t.Fatalf("on %s: lessor %v: exit code %d: %s", m.Host.Role, args, code, out)
	}
	for _, s := range says {
		if !strings.Contains(out, s) {
			o.t.Errorf("on %s: lessor %v does not say %q: %s", m.Host.Role, args, s, out)
		}
	}
}

// says fails the test unless a command succeeds and says all of that.
func (o *office) says(m *world.Member, says []string, args ...string) {
	o.t.Helper()
	out, code := m.Command(args...)
	if code != 0 {
		o.t.Fatalf("on %s: lessor %v: exit code %d: %s", m.Host.Role, args, code, out)
	}
	for _, s := range says {
		if !strings.Contains(out, s) {
			o.t.Errorf("on %s: lessor %v does not say %q: %s", m.Host.Role, args, s, out)
		}
	}
}

// client makes a client on the segment of a member.
func (o *office) client(at *world.Member) *world.Scripted {
	o.t.Helper()
	o.clients++
	host := o.Host(fmt.Sprintf("c%d", o.clients))
	at.Segment.Attach(host, "eth0")
	return host.Scripted("eth0", net.HardwareAddr{2, 0, 0, 0x5e, 0, byte(o.clients)})
}

// takes has a client that both servers offer something to take what one of them offers.
func (o *office) takes(c *world.Scripted, from *world.Member) {
	o.t.Helper()
	hear := func(m *dhcpv4.DHCPv4, kind dhcpv4.MessageType) (world.Packet, bool) {
		c.Send(m)
		for deadline := time.Now().Add(2 * time.Second); time.Now().Before(deadline); {
			p, ok := c.Hear(m, time.Second)
			if ok && p.Is(kind) && p.Message.ServerIdentifier().Equal(from.Address.AsSlice()) {
				return p, true
			}
		}
		return world.Packet{}, false
	}
	offer, ok := hear(c.Message(dhcpv4.MessageTypeDiscover), dhcpv4.MessageTypeOffer)
	if ok {
		_, ok = hear(c.Select(offer), dhcpv4.MessageTypeAck)
	}
	if !ok {
		o.t.Fatalf("%s gives a client nothing", from.Host.Role)
	}
}

// The whole life of a pair by its commands: founded, joined, served, paused, declared down wrongly and rightly, and whole again.
func TestTheCommandsOfAPair(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.found()
	o.pause()
	o.force()
	o.declareDown()
}

func (o *office) found() {
	o.t.Helper()
	o.West.Begin(true)
	o.Eventually(5*time.Second, "without keys the server ends", o.West.Ended)
	if log := o.West.Log(); !strings.Contains(log, "lessor group init") {
		o.t.Errorf("a server without keys says %s", log)
	}
	if out, ok := o.group(o.East, "init"); ok || !strings.Contains(out, "the primary of group campus is west") {
		o.t.Errorf("init on the secondary: %s", out)
	}
	if out, ok := o.group(o.West, "show"); ok || !strings.Contains(out, "there are no keys") {
		o.t.Errorf("show before: %s", out)
	}
	var made struct {
		Tokens []struct{ Member, Token string }
	}
	out := o.does(o.West, "init", "--json")
	if err := json.Unmarshal([]byte(out), &made); err != nil || len(made.Tokens) != 1 || made.Tokens[0].Member != "east" {
		o.t.Fatalf("%v: %s", err, out)
	}
	token := o.Write("token", made.Tokens[0].Token+"\n")
	if out, ok := o.group(o.East, "join", "--token-file", token); ok || !strings.Contains(out, "its server must run") {
		o.t.Errorf("joining while nobody is there: %s", out)
	}
	o.West.Begin(false)
	o.West.Becomes(5*time.Second, "COMMUNICATIONS-INTERRUPTED")
	alone := o.client(o.West).Acquire() // the founder serves its own share at once
	o.does(o.East, "join", "--token-file", token)
	o.East.Begin(true)
	o.Normal(15 * time.Second)
	if out := o.does(o.East, "show"); !strings.Contains(out, "secondary") || !strings.Contains(out, "this server") {
		o.t.Errorf("show: %s", out)
	}
	for range 4 { // some are west's and some are east's by the hash
		o.client(o.West).Acquire()
		o.client(o.East).Acquire()
	}
	o.Converged(10 * time.Second)
	if _, known := o.East.Lease(alone.Address()); !known {
		o.t.Errorf("east does not know of %v", alone.Address())
	}
	if out, ok := o.group(o.West, "init"); ok || !strings.Contains(out, "systemctl stop lessor") {
		o.t.Errorf("init beside the server: %s", out)
	}
	o.does(o.West, "renew")
	if out := o.does(o.West, "invite", "east"); !strings.Contains(out, "lessor-join-1-") {
		o.t.Errorf("invite: %s", out)
	}
	o.refuses(o.West, []string{"partner-down is refused", "east"}, "partner-down", "east")
	o.refuses(o.West, []string{`"north" is not the other server`}, "partner-down", "north")
	o.refuses(o.West, []string{"west is this server"}, "partner-down", "west")
	o.refuses(o.East, []string{"partner-down is refused", "west"}, "partner-down", "west")
	o.says(o.West, []string{"NORMAL", "PARTNER FREE", "relationship   campus, lessor, MCLT 20s", "because"}, "status")
}

func (o *office) pause() {
	o.t.Helper()
	o.Trunk.Cut() // so that west does not hear who chooses east
	o.says(o.West, []string{"This server is paused", "east answers everybody"}, "maintenance", "on")
	o.West.Becomes(2*time.Second, "PAUSED")
	o.East.Becomes(2*time.Second, "COMMUNICATIONS-INTERRUPTED")
	o.says(o.West, []string{"warning: Paused by the operator (paused)", "lessor maintenance off"}, "status")
	o.refuses(o.West, []string{"east accepts connections at 10.9.0.2:647"}, "partner-down", "east")
	c := o.client(o.West)
	c.Unanswered(c.Message(dhcpv4.MessageTypeDiscover), 2*time.Second)
	for range 3 { // whatever the hash says
		o.client(o.East).Acquire()
	}
	o.says(o.West, []string{"was paused already"}, "maintenance", "on")
	o.says(o.West, []string{"goes on"}, "maintenance", "off")
	o.Normal(10 * time.Second)
	c.Acquire()
	o.says(o.West, []string{"was not paused"}, "maintenance", "off")
	o.Converged(10 * time.Second)
}

// force declares a server down that serves: the link between the two is cut.
func (o *office) force() {
	o.t.Helper()
	o.Trunk.Heal()
	events := o.West.Host.Start("lessor", world.Binary, "events", "--socket", o.West.Socket(), "--kind", "failover-state,partner-state,partner-link")
	events.Says(5*time.Second, "listening")
	o.Link.Cut()
	o.West.Becomes(10*time.Second, "COMMUNICATIONS-INTERRUPTED")
	o.East.Becomes(10*time.Second, "COMMUNICATIONS-INTERRUPTED")
	o.takes(o.client(o.East), o.East)
	o.refuses(o.West, []string{"a client chose the server 10.1.0.2", "→"}, "partner-down", "east")
	if out, code := o.West.Command("partner-down", "east", "--force"); code != 2 || !strings.Contains(out, "--reason") {
		o.t.Errorf("--force without a reason: exit code %d: %s", code, out)
	}
	o.says(o.West, []string{"east is declared down", "It answers every client", "east's addresses are given to new clients from"},
		"partner-down", "east", "--force", "--reason", "a drill, ticket 4711")
	said := o.West.Becomes(time.Second, "PARTNER-DOWN")
	if wait := time.Until(said.PartnerShareFrom); !strings.HasSuffix(said.Cause, "a drill, ticket 4711") || wait < 15*time.Second || wait > 22*time.Second {
		o.t.Errorf("%v; its share from %v on", said, said.PartnerShareFrom)
	}
	o.refuses(o.West, []string{"partner-down is refused"}, "partner-down", "east")
	events.Says(2*time.Second, `failover: COMMUNICATIONS-INTERRUPTED -> PARTNER-DOWN.*\n.*ticket 4711`)
	if err := o.West.Stop(8 * time.Second); err != nil {
		o.t.Errorf("west ended with %v", err)
	}
	o.West.Begin(false)
	if said := o.West.Becomes(5*time.Second, "PARTNER-DOWN"); !strings.HasSuffix(said.Cause, "ticket 4711") {
		o.t.Errorf("after a restart: %v", said)
	}
	o.says(o.West, []string{"because        the operator's word: a drill, ticket 4711", "east is declared down (partner-down)"}, "status")
	o.Link.Heal()
	o.Normal(30 * time.Second)
	o.Converged(10 * time.Second)
	if said, _ := o.West.Relation(); len(said.Conflicts) > 0 {
		o.t.Errorf("before the wait was over, there are conflicts: %v", said.Conflicts)
	}
}

// declareDown is the right way: the server is dead.
func (o *office) declareDown() {
	o.t.Helper()
	o.East.Kill()
	o.West.Becomes(10*time.Second, "COMMUNICATIONS-INTERRUPTED")
	for deadline := time.Now().Add(75 * time.Second); ; time.Sleep(time.Second) {
		out, code := o.West.Command("partner-down", "east", "--reason", "the disk burnt", "--json")
		if code == 0 {
			if !strings.Contains(out, `"state":"PARTNER-DOWN"`) || !strings.Contains(out, "the disk burnt") {
				o.t.Errorf("--json: %s", out)
			}
			break
		}
		if !strings.Contains(out, "a client chose the server") || time.Now().After(deadline) {
			o.t.Fatalf("partner-down of a dead server: exit code %d: %s", code, out)
		}
	}
	o.client(o.West).Acquire()
	if err := os.RemoveAll(o.East.Data); err != nil { // a new machine, with a new disk
		o.t.Fatal(err)
	}
	out := o.does(o.West, "invite", "east", "--json")
	var made struct{ Token string }
	if err := json.Unmarshal([]byte(out), &made); err != nil {
		o.t.Fatalf("%v: %s", err, out)
	}
	o.does(o.East, "join", "--token-file", o.Write("token", made.Token))
	o.East.Begin(false)
	o.East.Becomes(10*time.Second, "RECOVER", "RECOVER-WAIT")
	o.Normal(60 * time.Second)
	o.Converged(10 * time.Second)
	o.client(o.East).Acquire()
	if out, ok := o.group(o.East, "show"); !ok || !strings.Contains(out, "certificate  of east") {
		o.t.Errorf("show: %s", out)
	}
}

// The machine with the group's authority is lost with its disk, and nobody has a copy: the survivor founds the keys anew, beside
// its server, and the new machine joins by them.
func TestTheFoundersMachineIsReplaced(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.does(o.West, "init")
	o.does(o.West, "export", "east", o.Path("carried")) // with no network between the two
	if err := os.Mkdir(o.East.Data, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(o.Path("carried"), filepath.Join(o.East.Data, "keys")); err != nil {
		t.Fatal(err)
	}
	o.West.Begin(true)
	o.East.Begin(true)
	o.Normal(15 * time.Second)
	held := o.client(o.West).Acquire()
	o.Converged(10 * time.Second)

	o.West.Kill()
	if err := os.RemoveAll(o.West.Data); err != nil {
		t.Fatal(err)
	}
	o.East.Becomes(10*time.Second, "COMMUNICATIONS-INTERRUPTED")
	if out, ok := o.group(o.West, "init"); ok || !strings.Contains(out, "a server answers at 10.9.0.2:647") {
		t.Errorf("the new machine founds the group once more: %s", out)
	}
	if out, ok := o.group(o.East, "invite", "west"); ok || !strings.Contains(out, "authority.key") {
		t.Errorf("a member without the authority invites: %s", out)
	}
	if err := os.Rename(filepath.Join(o.East.Data, "keys"), o.Path("keys.old")); err != nil {
		t.Fatal(err)
	}
	var made struct {
		Tokens []struct{ Member, Token string }
	}
	out := o.does(o.East, "init", "--keys-only", "--json")
	if err := json.Unmarshal([]byte(out), &made); err != nil || len(made.Tokens) != 1 || made.Tokens[0].Member != "west" {
		t.Fatalf("%v: %s", err, out)
	}
	token := o.Write("token", made.Tokens[0].Token)
	o.Eventually(5*time.Second, "the running server takes the new keys, and west joins by them", func() bool {
		_, ok := o.group(o.West, "join", "--token-file", token)
		return ok
	})
	o.West.Begin(true)
	o.West.Becomes(10*time.Second, "RECOVER", "RECOVER-WAIT")
	o.Normal(60 * time.Second)
	o.Converged(10 * time.Second)
	if _, known := o.West.Lease(held.Address()); !known {
		t.Errorf("west does not know of %v, which it gave before its disk was lost", held.Address())
	}
}

// What is written into a server's data directory is readable by the user that the server runs as.
func TestKeysBelongToTheServersUser(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	const uid = 65534
	if err := os.Mkdir(o.West.Data, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(o.West.Data, uid, uid); err != nil {
		t.Fatal(err)
	}
	hidden := o.Path("private") // as where systemd keeps the directories of users that it makes up: only root gets there
	if err := os.Mkdir(hidden, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(o.West.Data, filepath.Join(hidden, "lessor")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(filepath.Join(hidden, "lessor"), o.West.Data); err != nil {
		t.Fatal(err)
	}
	if out := o.does(o.West, "init"); !strings.Contains(out, o.West.Data+"/keys/authority.key") || !strings.Contains(out, o.West.Data+"/keys/member.pem") {
		t.Errorf("init does not name its files: %s", out)
	}
	o.does(o.West, "invite", "east")
	o.does(o.West, "renew")
	files := 0
	err := filepath.Walk(filepath.Join(hidden, "lessor"), func(path string, info os.FileInfo, err error) error {
		if err != nil {
			return err
		}
		files++
		if st := info.Sys().(*syscall.Stat_t); st.Uid != uid || st.Gid != uid || info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s belongs to %d:%d, mode %v", path, st.Uid, st.Gid, info.Mode())
		}
		return nil
	})
	if err != nil || files < 9 {
		t.Errorf("%d files, %v", files, err)
	}
}
