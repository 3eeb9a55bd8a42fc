package e2e

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv4"

	"github.com/lessor-dhcp/lessor/test/world"
)

// plant has more addresses than a small disk has room for records.
const plant = `
enterprise: {lease: {default: 1h}, authoritative: true}
networks: {plant: {subnets: {10.0.0.0/8: {pools: [{range: 10.1.0.0-10.8.255.255}]}}}}
`

// A full disk ends no lease and forgets none: what cannot be written is not promised, the operator is told, and the
// server goes on by itself when there is room.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	w := world.New(t)
	server, load := w.Host("server"), w.Host("load")
	seg := w.Segment()
	seg.Attach(server, "eth0", "10.0.0.1/8")
	seg.Attach(load, "eth0", "10.0.0.2/8")

	disk := w.Path("disk")
	image := w.Write("disk.img", "")
	for _, command := range [][]string{
		{"truncate", "-s", "16M", image}, {"mkfs.ext4", "-q", "-m", "0", image},
		{"mkdir", disk}, {"mount", "-o", "loop", image, disk},
	} {
		if out, err := exec.Command(command[0], command[1:]...).CombinedOutput(); err != nil {
			t.Fatalf("%v: %v: %s", command, err, out)
		}
	}
	lessor := server.Serve(world.Setup{Document: plant, Data: filepath.Join(disk, "data")})
	crowd := load.Crowd(20000, 4000, "10.0.0.2", "10.0.0.1", 1)
	talk := func(d time.Duration) {
		ctx, cancel := context.WithTimeout(t.Context(), d)
		defer cancel()
		crowd.Talk(ctx)
		crowd.Drain(50 * time.Millisecond)
	}
	talk(time.Second)
	if crowd.Tally().Acks == 0 {
		t.Fatal("no client was served while there was room")
	}

	fill(t, filepath.Join(disk, "full"))
	// What had been reserved before is used up first.
	w.Eventually(60*time.Second, "no ACK comes any more", func() bool {
		before := crowd.Tally().Acks
		talk(500 * time.Millisecond)
		return crowd.Tally().Acks == before
	})
	if lessor.Ended() {
		t.Fatal("the server has ended")
	}
	alarms := lessor.Status().Alarms
	if len(alarms) == 0 || !regexp.MustCompile(`(?i)space|full|room`).MatchString(alarms[0].Title+alarms[0].Text) || alarms[0].Remedy == "" {
		t.Errorf("the operator is told %+v", alarms)
	}

	// Every promise is kept by the server that comes back, which has no room either.
	held := crowd.Held()
	lessor.Kill()
	lessor.Begin(true)
	w.Eventually(20*time.Second, "the server answers its operator", func() bool {
		_, err := world.ListLeases(lessor.Socket())
		return err == nil
	})
	known := map[string]string{}
	for _, r := range lessor.Leases("--state", "active") {
		known[r.Address.String()] = r.Hardware
	}
	for _, g := range held {
		if known[g.Address.String()] != g.MAC {
			t.Fatalf("%v was promised to %s; known are %d leases, and this one as %q", g.Address, g.MAC, len(known), known[g.Address.String()])
		}
	}

	if err := os.Remove(filepath.Join(disk, "full")); err != nil {
		t.Fatal(err)
	}
	w.Eventually(20*time.Second, "ACKs come again", func() bool {
		before := crowd.Tally().Acks
		talk(300 * time.Millisecond)
		return crowd.Tally().Acks > before
	})
	w.Eventually(10*time.Second, "the alarm is over", func() bool { return len(lessor.Status().Alarms) == 0 })
	if wrong := crowd.Wrongs(); len(wrong) > 0 {
		t.Errorf("%v", wrong)
	}
}

// fill writes a file until nothing more fits.
func fill(t *testing.T, name string) {
	t.Helper()
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for size := 1 << 16; size >= 512; size /= 2 {
		for {
			if _, err := f.Write(make([]byte, size)); err != nil {
				break
			}
		}
	}
	f.Sync()
}

// A data directory that is not this server's own to write is left alone, and the operator is told what to do.
func TestDataDirectoryThatIsNotOurs(t *testing.T) {
	t.Parallel()
	t.Run("in use", func(t *testing.T) {
		t.Parallel()
		l := newLab(t, short)
		other := l.Host("other")
		l.segment.Attach(other, "eth0", "10.1.0.2/24")
		second := other.Serve(world.Setup{Document: short, Data: l.lessor.Data, Quiet: true})
		refuses(t, second, `in use`, l.lessor.Data)
		l.host.Scripted("eth0", nil).Acquire() // the first does not notice
	})
	t.Run("another server's", func(t *testing.T) {
		t.Parallel()
		l := newLab(t, short)
		l.host.Scripted("eth0", nil).Acquire()
		if err := l.lessor.Stop(5 * time.Second); err != nil {
			t.Fatalf("SIGTERM: %v", err)
		}
		other := l.Host("east")
		l.segment.Attach(other, "eth0", "10.1.0.2/24")
		refuses(t, other.Serve(world.Setup{Document: short, Data: l.lessor.Data, Quiet: true}), `\bserver\b`, l.lessor.Data)
		l.lessor.Begin(false)
		if n := len(l.lessor.Leases()); n != 1 {
			t.Errorf("after that its owner has %d bindings", n)
		}
	})
	t.Run("not a directory", func(t *testing.T) {
		t.Parallel()
		w := world.New(t)
		server := w.Host("server")
		w.Segment().Attach(server, "eth0", "10.1.0.1/24")
		refuses(t, server.Serve(world.Setup{Document: short, Data: w.Write("file", "x"), Quiet: true}), `director`, "file")
	})
}

// refuses fails the test unless the server ends by itself with exit code 1 and says all of the patterns.
func refuses(t *testing.T, l *world.Lessor, patterns ...string) {
	t.Helper()
	err := l.Wait(10 * time.Second)
	exit, ok := err.(*exec.ExitError)
	if !ok || exit.ExitCode() != 1 {
		t.Errorf("the server ended with %v, not with exit code 1", err)
	}
	for _, p := range patterns {
		if !regexp.MustCompile(p).MatchString(l.Log()) {
			t.Errorf("the server does not say %q:\n%s", p, l.Log())
		}
	}
}

// A clean end forgets nothing and is quick to begin after.
func TestTerminationInOrder(t *testing.T) {
	t.Parallel()
	l := newLab(t, short)
	ack := l.host.Scripted("eth0", nil).Acquire()
	if err := l.lessor.Stop(5 * time.Second); err != nil {
		t.Fatalf("SIGTERM: %v", err)
	}
	out, err := exec.Command(world.Binary, "check-store", l.lessor.Data).CombinedOutput()
	if err != nil {
		t.Errorf("check-store: %v\n%s", err, out)
	}
	l.lessor.Begin(false)
	l.lessor.HasActive(ack.Address(), l.mac)
}

// A flipped bit in the journal is named, and what it hit is not served as if nothing were.
func TestFlippedBitIsNamed(t *testing.T) {
	t.Parallel()
	l := newLab(t, strings.Replace(short, "default: 20s", "default: 1h", 1))
	var given []string
	for i := range 20 {
		given = append(given, l.host.Scripted("eth0", world.MAC(200+i)).Acquire().Address().String())
	}
	l.lessor.Kill()
	journal := largestWritten(t, l.lessor.Data)
	b, err := os.ReadFile(journal)
	if err != nil {
		t.Fatal(err)
	}
	end := len(b)
	for end > 0 && b[end-1] == 0 {
		end--
	}
	b[end/2] ^= 4
	if err := os.WriteFile(journal, b, 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(world.Binary, "check-store", l.lessor.Data).CombinedOutput()
	if exit, ok := err.(*exec.ExitError); !ok || exit.ExitCode() != 1 {
		t.Errorf("check-store of a damaged store: %v\n%s", err, out)
	}
	if !strings.Contains(string(out), filepath.Base(journal)) {
		t.Errorf("check-store does not name the file %s:\n%s", filepath.Base(journal), out)
	}
	l.lessor.Begin(false)
	l.lessor.Says(5*time.Second, `(?i)damage|corrupt|crc`)
	// No address that somebody may hold is given to another.
	taken := map[string]bool{}
	for _, a := range given {
		taken[a] = true
	}
	for i := range 5 {
		if a := l.host.Scripted("eth0", world.MAC(300+i)).Acquire().Address().String(); taken[a] {
			t.Errorf("%s was given to a new client, and an earlier one holds it", a)
		}
	}
}

// largestWritten returns the file below dir that has the most in it.
func largestWritten(t *testing.T, dir string) string {
	t.Helper()
	best, most := "", 0
	filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			b, _ := os.ReadFile(path)
			if n := len(strings.TrimRight(string(b), "\x00")); n > most {
				best, most = path, n
			}
		}
		return nil
	})
	if best == "" {
		t.Fatal("the data directory holds no file with anything in it")
	}
	return best
}

// As root the server gives up what it does not need; as a user of its own it needs no more than the two.
func TestPrivileges(t *testing.T) {
	t.Parallel()
	const bindService, raw = 1 << 10, 1 << 13
	t.Run("root", func(t *testing.T) {
		t.Parallel()
		l := newLab(t, short)
		l.host.Scripted("eth0", nil).Acquire()
		// Opening its own data may need DAC_OVERRIDE (1) and friends; it must not be able to administer the machine.
		if caps := capabilities(t, l.lessor.PID()); caps&(bindService|raw) != bindService|raw || caps&^(bindService|raw|0xf) != 0 {
			t.Errorf("the server keeps the capabilities %x", caps)
		}
	})
	t.Run("a user of its own", func(t *testing.T) {
		t.Parallel()
		w := world.New(t)
		server, host := w.Host("server"), w.Host("client")
		seg := w.Segment()
		seg.Attach(server, "eth0", "10.1.0.1/24")
		seg.Attach(host, "eth0")
		data := w.Path("own")
		if err := os.Mkdir(data, 0o700); err != nil {
			t.Fatal(err)
		}
		const user = 65533
		if err := os.Chown(data, user, user); err != nil {
			t.Fatal(err)
		}
		caps := "net_bind_service,net_raw"
		plus := "+" + strings.ReplaceAll(caps, ",", ",+")
		lessor := server.Serve(world.Setup{Document: short, Data: data, As: []string{"setpriv", "--reuid", strconv.Itoa(user), "--regid", strconv.Itoa(user),
			"--clear-groups", "--inh-caps", "-all," + plus, "--ambient-caps", "-all," + plus, "--bounding-set", "-all," + plus, "--no-new-privs"}})
		if got := capabilities(t, lessor.PID()); got != bindService|raw {
			t.Errorf("the server has the capabilities %x", got)
		}
		host.Client("dhcpcd", "eth0", world.Options{}).Start()
		addr := host.LeasedIn("eth0", floor1, patience)
		lessor.HasActive(addr, host.Hardware("eth0"))
		filepath.WalkDir(data, func(path string, d os.DirEntry, err error) error {
			if err != nil {
				t.Error(err)
				return nil
			}
			if i, err := d.Info(); err == nil && i.Mode().Perm()&0o077 != 0 {
				t.Errorf("%s can be read by others: %v", path, i.Mode())
			}
			return nil
		})
	})
	t.Run("an ordinary user", func(t *testing.T) {
		t.Parallel()
		w := world.New(t)
		server := w.Host("server")
		w.Segment().Attach(server, "eth0", "10.1.0.1/24")
		data := w.Path("own")
		os.Mkdir(data, 0o700)
		os.Chown(data, 65533, 65533)
		lessor := server.Serve(world.Setup{Document: short, Data: data, Quiet: true, As: []string{"setpriv", "--reuid", "65533", "--regid", "65533", "--clear-groups", "--no-new-privs", "--bounding-set", "-all"}})
		refuses(t, lessor, `(?i)cap_net_bind_service|CAP_NET_RAW|capabilit`)
	})
}

// capabilities returns what a process may do now.
func capabilities(t *testing.T, pid int) uint64 {
	t.Helper()
	status, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/status")
	if err != nil {
		t.Fatal(err)
	}
	m := regexp.MustCompile(`CapEff:\s*([0-9a-f]+)`).FindStringSubmatch(string(status))
	caps, err := strconv.ParseUint(m[1], 16, 64)
	if err != nil {
		t.Fatal(err)
	}
	return caps
}

// SIGHUP takes the new file over without losing a packet; a bad one changes nothing, and says so.
func TestReload(t *testing.T) {
	t.Parallel()
	l := newLab(t, short)
	load := l.Host("load")
	l.segment.Attach(load, "eth0", "10.1.0.2/24")
	one := l.host.Scripted("eth0", world.MAC(7))
	if d := one.Acquire().Message.DomainName(); d != "example.org" {
		t.Fatalf("before the reload the domain is %q", d)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	crowd := load.Crowd(20, 200, "10.1.0.2", "10.1.0.1", 1)
	done := make(chan struct{})
	go func() { crowd.Talk(ctx); close(done) }()

	l.lessor.Configure(world.Setup{Document: strings.Replace(short, "example.org", "example.net", 1)})
	mark := len(l.lessor.Log())
	l.lessor.Reload()
	l.lessor.SaysAfter(mark, 5*time.Second, `(?i)reload|configuration|adopted`)
	l.Eventually(5*time.Second, "the new configuration is served by", func() bool { return one.Acquire().Message.DomainName() == "example.net" })

	l.lessor.Configure(world.Setup{Document: strings.Replace(short, "10.1.0.50-10.1.0.99", "10.1.0.99-10.1.0.50", 1)})
	mark = len(l.lessor.Log())
	l.lessor.Reload()
	l.lessor.SaysAfter(mark, 5*time.Second, `10\.1\.0\.99-10\.1\.0\.50`)
	if d := one.Acquire().Message.DomainName(); d != "example.net" {
		t.Errorf("after a bad reload the domain is %q", d)
	}
	if p := l.lessor.Status().Pools[0]; p.Range != "10.1.0.50-10.1.0.99" {
		t.Errorf("after a bad reload the pool is %s", p.Range)
	}
	for range 20 { // many at once
		l.lessor.Reload()
	}
	l.lessor.Configure(world.Setup{Document: short})
	l.lessor.Reload()
	l.Eventually(5*time.Second, "the good file is taken again", func() bool { return one.Acquire().Message.DomainName() == "example.org" })
	l.Eventually(10*time.Second, "the crowd has lived through it", func() bool { return crowd.Tally().Acks > 100 })
	cancel()
	<-done
	crowd.Drain(50 * time.Millisecond)
	if wrong := crowd.Wrongs(); len(wrong) > 0 {
		t.Errorf("the crowd met %v", wrong)
	}
	if l.lessor.Ended() {
		t.Error("the server has ended")
	}
}

// A range that is taken out of the configuration and put back keeps its past.
func TestARangeThatComesBackKeepsItsPast(t *testing.T) {
	t.Parallel()
	l := newLab(t, strings.Replace(short, "default: 20s", "default: 1h", 1))
	one := l.host.Scripted("eth0", world.MAC(7))
	addr := one.Acquire().Address()
	swap := func(pool string) {
		l.lessor.Configure(world.Setup{Document: strings.NewReplacer("default: 20s", "default: 1h", "10.1.0.50-10.1.0.99", pool).Replace(short)})
		l.lessor.Signal(syscall.SIGHUP)
		l.Eventually(5*time.Second, "the pool "+pool+" is served", func() bool { return l.lessor.Status().Pools[0].Range == pool })
	}
	swap("10.1.0.60-10.1.0.99")
	if a := l.host.Scripted("eth0", world.MAC(8)).Acquire().Address(); a.String() != "10.1.0.60" {
		t.Errorf("from the smaller range %v was given", a)
	}
	swap("10.1.0.50-10.1.0.99")
	if a := l.host.Scripted("eth0", world.MAC(9)).Acquire().Address(); a == addr {
		t.Errorf("%v was given to another client while the first holds it", a)
	}
	if again := one.Ask(one.Message(dhcpv4.MessageTypeDiscover)); again.Address() != addr {
		t.Errorf("the first client held %v, and is offered %v", addr, again.Address())
	}
}
