package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/config"
	"github.com/lessor-dhcp/lessor/internal/failover"
	"github.com/lessor-dhcp/lessor/internal/peer"
	"github.com/lessor-dhcp/lessor/internal/peer/keys"
	"github.com/lessor-dhcp/lessor/internal/store"
)

// campus is a group of two on this machine: the files of its members, and their data directories.
type campus struct {
	t    *testing.T
	dir  string
	peer map[string]netip.AddrPort
}

func newCampus(t *testing.T) *campus {
	p := &campus{t, t.TempDir(), map[string]netip.AddrPort{}}
	for name, host := range map[string]string{"west": "127.0.0.1:0", "east": "127.0.0.2:0"} {
		l, err := net.Listen("tcp", host)
		if err != nil {
			t.Fatal(err)
		}
		p.peer[name] = netip.MustParseAddrPort(l.Addr().String())
		l.Close()
	}
	p.write("west", "", "")
	p.write("east", "", "")
	return p
}

func (p *campus) data(name string) string { return filepath.Join(p.dir, name) }
func (p *campus) file(name string) string { return filepath.Join(p.dir, name+".yaml") }
func (p *campus) keys(name string) keys.Dir {
	return keys.In(p.data(name))
}

// write writes the file of a member; group is more of its group section, server of its server section.
func (p *campus) write(name, group, server string) {
	write(p.t, p.dir, name+".yaml", fmt.Sprintf("server: {name: %s, data: %s%s}\ngroup:\n  name: campus\n  members:\n    west: {peer: '%v'}\n    east: {peer: '%v'}\n%s",
		name, p.data(name), server, p.peer["west"], p.peer["east"], group))
}

func (p *campus) lessor(args string) result { return p.at(noon, "", args) }

// at runs a command line at a time, with something on its standard input.
func (p *campus) at(now time.Time, in, args string) result {
	var out, errs bytes.Buffer
	c := &console{in: strings.NewReader(in), out: &out, err: &errs, now: func() time.Time { return now }}
	code := run(p.t.Context(), c, strings.Fields(args))
	return result{code, out.String(), errs.String()}
}

// group runs lessor group on a member.
func (p *campus) group(name, args string) result {
	return p.lessor("group " + args + " --config " + p.file(name))
}

func (p *campus) refused(r result, says ...string) {
	p.t.Helper()
	if r.code != exitNo || r.out != "" {
		p.t.Errorf("got %d %s%s", r.code, r.out, r.err)
	}
	for _, s := range says {
		if !strings.Contains(r.err, s) {
			p.t.Errorf("%q does not say %q", r.err, s)
		}
	}
}

func (p *campus) done(r result) string {
	p.t.Helper()
	if r.code != exitDone {
		p.t.Fatalf("got %d %s%s", r.code, r.out, r.err)
	}
	return r.out
}

func (p *campus) open(name string) *store.Store {
	p.t.Helper()
	st, err := store.Open(store.Config{Dir: p.data(name), Member: binding.Member(name)})
	if err != nil {
		p.t.Fatal(err)
	}
	return st
}

func (p *campus) record(name string) *failover.Record {
	p.t.Helper()
	st := p.open(name)
	defer st.Close()
	rec, err := relationshipOf(st)
	if err != nil {
		p.t.Fatal(err)
	}
	return rec
}

// met has the member know the other, as after a first conversation.
func (p *campus) met(name string) failover.Record {
	p.t.Helper()
	rec := *p.record(name)
	rec.Met, rec.State, rec.Cause = true, failover.Normal, "both are well"
	st := p.open(name)
	if _, err := relationshipOf(st); err != nil {
		p.t.Fatal(err)
	}
	if err := st.SetRelationship(rec.Append(nil)); err != nil {
		p.t.Fatal(err)
	}
	if err := st.Close(); err != nil {
		p.t.Fatal(err)
	}
	return rec
}

var (
	aToken       = regexp.MustCompile(`lessor-join-1-[A-Za-z0-9_-]+`)
	aFingerprint = regexp.MustCompile(`\b[0-9a-f]{64}\b`)
)

// tame replaces what is random.
func (p *campus) tame(s string) string {
	s = aFingerprint.ReplaceAllString(aToken.ReplaceAllString(s, "TOKEN"), "FINGERPRINT")
	for _, name := range []string{"west", "east"} {
		s = strings.ReplaceAll(s, fmt.Sprintf("%-15v", p.peer[name]), map[string]string{"west": "10.9.0.1:647   ", "east": "10.9.0.2:647   "}[name])
	}
	return strings.ReplaceAll(s, p.dir, "/etc/lessor")
}

func TestFoundingAGroup(t *testing.T) {
	p := newCampus(t)
	out := p.done(p.group("west", "init"))
	golden(t, "group-init.txt", p.tame(out))
	rec := p.record("west")
	if rec == nil || !rec.Founder || rec.Met || rec.State != failover.CommunicationsInterrupted || rec.MCLT != time.Hour || !rec.Since.Equal(noon) {
		t.Fatalf("the founding record is %+v", rec)
	}
	fingerprint := aFingerprint.FindString(out)
	if a, err := p.keys("west").Authority(); err != nil || a.Fingerprint().String() != fingerprint {
		t.Errorf("%v", err)
	}
	token, err := keys.ParseToken(aToken.FindString(out))
	if err != nil || token.Member != "east" || token.Founder != p.peer["west"] {
		t.Errorf("the token: %v, %v", token, err)
	}
	golden(t, "group-show.txt", p.tame(p.done(p.group("west", "show"))))

	again := p.done(p.lessor("group init --config " + p.file("west")))
	if !strings.Contains(again, "was founded here before") || aFingerprint.FindString(again) != fingerprint || aToken.FindString(again) == aToken.FindString(out) {
		t.Errorf("again: %s", again)
	}
	p.met("west")
	p.refused(p.group("west", "init"), "founded before", "NORMAL since 2026-11-22T12:00:00Z", "both are well", "lessor group invite")
}

func TestFoundingInJSON(t *testing.T) {
	p := newCampus(t)
	var got struct {
		Group, Member string
		Founded       bool
		Keys          struct {
			Authorities []struct{ Fingerprint string }
		}
		Tokens []struct{ Member, Token, Expires string }
	}
	out := p.done(p.group("west", "init --json"))
	if err := json.Unmarshal([]byte(out), &got); err != nil || strings.Count(out, "\n") != 1 {
		t.Fatalf("%v: %s", err, out)
	}
	if got.Group != "campus" || got.Member != "west" || !got.Founded || len(got.Keys.Authorities) != 1 ||
		len(got.Tokens) != 1 || got.Tokens[0].Member != "east" || got.Tokens[0].Expires != "2026-11-22T12:15:00Z" || !aToken.MatchString(got.Tokens[0].Token) {
		t.Errorf("%s", out)
	}
	if out := p.done(p.group("west", "invite east --json")); !strings.HasPrefix(out, `{"member":"east","token":"lessor-join-1-`) {
		t.Errorf("%s", out)
	}
	if out := p.tame(p.done(p.group("west", "show --json"))); !strings.Contains(out, `"founder":true,"keys":{"member":"west"`) || !strings.Contains(out, `"tokens":[{"member":"east","expires":"2026-11-22T12:15:00Z","spent":false}`) {
		t.Errorf("%s", out)
	}
}

func TestAnInterruptedFoundingIsFinished(t *testing.T) {
	p := newCampus(t)
	os.Mkdir(p.data("west"), 0o700)
	a, err := p.keys("west").Init("campus", "west", noon) // and then the machine stopped
	if err != nil {
		t.Fatal(err)
	}
	out := p.done(p.group("west", "init"))
	if !strings.Contains(out, "is founded") || aFingerprint.FindString(out) != a.Fingerprint().String() || !p.record("west").Founder {
		t.Errorf("%s", out)
	}
}

func TestKeysAreMadeAnewWithoutTouchingTheRelationship(t *testing.T) {
	p := newCampus(t)
	before := aFingerprint.FindString(p.done(p.group("west", "init")))
	rec := p.met("west")
	for _, args := range []string{"init", "init --keys-only"} {
		os.Rename(string(p.keys("west")), filepath.Join(p.dir, args))
		out := p.done(p.group("west", args))
		if now := aFingerprint.FindString(out); now == before || now == "" || !strings.Contains(out, "Leases, and how the servers stand to each other, are as they were") {
			t.Errorf("%s", out)
		}
		if got := p.record("west"); got.State != rec.State || !got.Met || !got.Since.Equal(rec.Since) {
			t.Errorf("the relationship is %+v, was %+v", got, rec)
		}
	}
	held := p.open("west") // as by a running server
	defer held.Close()
	p.done(p.group("west", "init --keys-only"))
	p.done(p.group("east", "init --keys-only")) // any member may
	if _, err := os.Stat(p.data("east") + "/identity"); err == nil {
		t.Error("a store was made")
	}
}

func TestWhereThereIsNothingToFound(t *testing.T) {
	p := newCampus(t)
	p.refused(p.group("east", "init"), "the primary of group campus is west, and this is east", "failover: {primary: east}")
	held := p.open("west")
	p.refused(p.group("west", "init"), fmt.Sprintf("process %d", os.Getpid()), "systemctl stop lessor", "lessor group invite")
	held.Close()
	if p.keys("west").Founded() {
		t.Error("keys were made for a group that was not founded")
	}
	p.write("east", "  failover: {primary: east}\n", "")
	p.done(p.group("east", "init"))

	l, err := net.Listen("tcp", p.peer["east"].String()) // a server that has the group already, it seems
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	p.refused(p.group("west", "init"), "a server answers at "+p.peer["east"].String(), "lessor group invite west", "--keys-only")
	if p.keys("west").Founded() || p.record("west") != nil {
		t.Error("something was made all the same")
	}

	alone := write(t, p.dir, "alone.yaml", "server: {name: west, data: "+p.data("alone")+"}\n")
	p.refused(p.lessor("group init --config "+alone), "has no group of several servers", "group: members")
	p.write("west", "", "")
	third := write(t, p.dir, "third.yaml", "server: {name: north, data: "+p.data("north")+"}\ngroup: {members: {west: {peer: 10.9.0.1}, east: {peer: 10.9.0.2}}}\n")
	if got := p.lessor("group init --config " + third); got.code != exitNo || !strings.Contains(got.err, "north") {
		t.Errorf("a server that is no member: %+v", got)
	}
	bad := write(t, p.dir, "bad.yaml", "sever: {}\n")
	p.refused(p.lessor("group init --config "+bad), "bad.yaml:1:1: error")
	p.refused(p.lessor("group init --config /nowhere"), "no such file")
}

func TestAServersFilesAreTheServersUsers(t *testing.T) {
	m := &member{doc: &config.Document{Server: config.Server{Data: "/var/lib/lessor"}}, data: "/var/lib/lessor"}
	t.Chdir(t.TempDir()) // and back
	for _, test := range []struct {
		me, uid int
		fails   error
		became  string
		says    string
	}{
		{0, 0, nil, "", ""},
		{1000, 1000, nil, "", ""},
		{0, 61234, nil, "61234 61235", ""},
		{0, 61234, errors.New("forbidden"), "61234 61235", "belongs to user 61234: going on as that user: forbidden"},
		{1000, 61234, nil, "", "/var/lib/lessor belongs to user 61234, as which the server runs: run this as that user, or as root (sudo)"},
		{1000, 0, nil, "", "belongs to user root, as which"},
	} {
		became := ""
		c := &console{become: func(uid, gid int) error { became = fmt.Sprint(uid, " ", gid); return test.fails }}
		err := m.goOnAs(c, test.me, test.uid, 61235)
		if (err == nil) != (test.says == "") || err != nil && !strings.Contains(err.Error(), test.says) || became != test.became {
			t.Errorf("%+v: became %q, %v", test, became, err)
		}
	}
}

func mustRead(t *testing.T, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestAGroupWithAnISCServerNeedsNoKeys(t *testing.T) {
	p := newCampus(t)
	file := write(t, p.dir, "west.yaml", "server: {name: west, data: "+p.data("west")+"}\ngroup: {name: campus, members: {west: {peer: 10.9.0.1}, east: {peer: 10.9.0.2, protocol: isc-dhcpd}}}\n")
	out := p.done(p.lessor("group init --config " + file))
	if !strings.Contains(out, "is founded") || !strings.Contains(out, "No keys were made: an ISC dhcpd knows none") || p.keys("west").Founded() || !p.record("west").Founder {
		t.Errorf("%s", out)
	}
	p.refused(p.lessor("group join --config "+file), "nothing to join")
	p.refused(p.lessor("group invite east --config "+file), "knows no keys")
	p.refused(p.lessor("group init --keys-only --config "+file), "knows no keys")
	if out := p.done(p.lessor("group show --config " + file)); !strings.Contains(out, "no keys are needed") {
		t.Errorf("%s", out)
	}
}

func TestKeysOfTheOperatorsOwnAreLeftAlone(t *testing.T) {
	p := newCampus(t)
	other := newCampus(t)
	p.done(other.group("west", "init"))
	f := other.keys("west").Files()
	p.write("west", "", fmt.Sprintf(", tls: {certificate: %s, key: %s, authority: %s}", f.Certificate, f.Key, f.Authority))
	out := p.done(p.group("west", "init"))
	if !strings.Contains(out, "those that server: tls names are used") || p.keys("west").Founded() || !p.record("west").Founder || aToken.MatchString(out) {
		t.Errorf("%s", out)
	}
	for _, args := range []string{"join x", "invite east", "renew", "init --keys-only"} {
		p.refused(p.group("west", args), "server: tls")
	}
	if out := p.done(p.group("west", "show")); !strings.Contains(out, f.Certificate) {
		t.Errorf("%s", out)
	}
	os.Rename(filepath.Dir(f.Key), filepath.Join(p.dir, "pki")) // named as from the file's own directory
	p.write("west", "", ", tls: {certificate: pki/member.pem, key: pki/member.key, authority: pki/authority.pem}")
	if out := p.done(p.group("west", "show")); !strings.Contains(out, p.dir+"/pki/member.pem") {
		t.Errorf("%s", out)
	}
}

func TestOnlyTheFounderGivesKeys(t *testing.T) {
	p := newCampus(t)
	for _, args := range []string{"invite east", "export east " + p.dir + "/out", "renew"} {
		p.refused(p.group("west", args), "authority.key", "lessor group init")
	}
	if got := p.group("west", "show"); got.code != exitNo || !strings.Contains(got.out, "there are no keys in") || !strings.Contains(got.out, "lessor group init on west") {
		t.Errorf("%+v", got)
	}
	p.done(p.group("west", "init"))
	p.refused(p.group("west", "invite north"), `no member "north"`, "west, east")
	p.refused(p.group("west", "invite west"), "lessor group renew")
	out := p.done(p.group("west", "export east "+p.data("east")+".keys"))
	if !strings.Contains(out, "The keys of member east are in") || !strings.Contains(out, "as keys/ in its data directory") {
		t.Errorf("%s", out)
	}
	if _, err := keys.Load(keys.Dir(p.data("east")+".keys").Files(), "campus", "east"); err != nil {
		t.Error(err)
	}
	p.refused(p.group("west", "export east "+p.data("east")+".keys"), "has keys already")
	later := noon.Add(360 * 24 * time.Hour)
	if got := p.at(later, "", "group show --config "+p.file("west")); got.code != exitDone || !strings.Contains(got.out, "warning: the certificate ends on 2027-11-22, in 5 days") {
		t.Errorf("%+v", got)
	}
	if got := p.at(later.Add(99*24*time.Hour), "", "group show --config "+p.file("west")); got.code != exitNo || !strings.Contains(got.out, "the certificate ended on 2027-11-22") {
		t.Errorf("%+v", got)
	}
	if got := p.at(later, "", "group renew --config "+p.file("west")); got.code != exitDone || !strings.Contains(got.out, "until 2028-11-16") {
		t.Errorf("%+v", got)
	}
}

// founder answers machines that join, as west's server does, until the test ends.
func (p *campus) founder() {
	p.t.Helper()
	ring, err := keys.Open(p.keys("west").Files(), "campus", "west")
	if err != nil {
		p.t.Fatal(err)
	}
	s, err := peer.Listen(peer.Config{Group: "campus", Self: "west", Listen: p.peer["west"], Keys: ring, Registrar: p.keys("west").Registrar("campus"),
		Members: []peer.Member{{Name: "east", Peer: p.peer["east"]}}})
	if err != nil {
		p.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	up := make(chan peer.Event)
	go func() { defer close(done); s.Run(ctx, up, up) }()
	go func() {
		for {
			select {
			case <-up:
			case <-done:
				return
			}
		}
	}()
	p.t.Cleanup(func() { cancel(); <-done })
}

// invitation makes a token at this time, by which certificates are judged, too.
func (p *campus) invitation() string {
	p.t.Helper()
	return aToken.FindString(p.done(p.at(time.Now(), "", "group invite east --config "+p.file("west"))))
}

func TestJoiningAGroup(t *testing.T) {
	p := newCampus(t)
	p.done(p.at(time.Now(), "", "group init --config "+p.file("west")))
	join := "group join --config " + p.file("east") + " "
	p.refused(p.at(time.Now(), "", join+p.invitation()), "its server must run")
	p.founder()
	for way, r := range map[string]result{
		"as an argument":          p.at(time.Now(), "", join+p.invitation()),
		"by flag":                 p.at(time.Now(), "", join+"--token "+p.invitation()),
		"on standard input":       p.at(time.Now(), p.invitation()+"\n", join),
		"on standard input, by -": p.at(time.Now(), p.invitation(), join+"-"),
		"in a file":               p.at(time.Now(), "", join+"--token-file "+write(t, p.dir, "token", p.invitation()+"\n")),
	} {
		if r.code != exitDone || !strings.Contains(r.out, "east belongs to group campus") || strings.Contains(r.out+r.err, "lessor-join-1") {
			t.Errorf("%s: %+v", way, r)
		}
	}
	if _, err := keys.Load(p.keys("east").Files(), "campus", "east"); err != nil {
		t.Error(err)
	}
	if st, err := os.Stat(p.data("east")); err != nil || st.Mode().Perm() != 0o700 {
		t.Errorf("%v, %v", st, err)
	}
	p.open("east").Close() // the keys of a new member are no hindrance

	token := p.invitation()
	if out := p.done(p.at(time.Now(), "", join+"--json "+token)); !strings.HasPrefix(out, `{"group":"campus","member":"east","founder":"127.0.0.1:`) {
		t.Errorf("%s", out)
	}
	p.done(p.at(time.Now(), "", join+token)) // by the same key, whose answer may have been lost
	os.RemoveAll(string(p.keys("east")))
	p.refused(p.at(time.Now(), "", join+token), "the token was used by another machine")
}

func TestATokenForSomebodyElseIsNotSpent(t *testing.T) {
	p := newCampus(t)
	p.done(p.at(time.Now(), "", "group init --config "+p.file("west")))
	p.founder()
	token, join := p.invitation(), "group join --config "+p.file("east")+" "
	text := string(mustRead(t, p.file("east")))
	for was, c := range map[string]struct{ now, says string }{
		"name: campus":            {"name: factory", `the token is for group "campus"`},
		"server: {name: east":     {"server: {name: west", "the token is for member east, and this is west"},
		p.peer["west"].String():   {"127.0.0.1:9", "no other member's peer"},
		"east: {peer: '127.0.0.2": {"east: {peer: '192.0.2.77", "This machine has not the address 192.0.2.77"},
	} {
		write(t, p.dir, "east.yaml", strings.Replace(text, was, c.now, 1))
		p.refused(p.at(time.Now(), "", join+token), c.says)
	}
	write(t, p.dir, "east.yaml", text)
	for args, says := range map[string]string{
		"":                                       "there is no token",
		"x --token y":                            "more than once",
		"x --token-file " + p.dir:                "more than once",
		"--token-file " + p.dir + "/none --json": "cannot be read",
		token[:len(token)-1]:                     "no whole token",
		"--token-file " + p.dir:                  "cannot be read",
	} {
		if got := p.at(time.Now(), "\n", join+args); got.code == exitDone || !strings.Contains(got.err, says) || strings.Contains(got.err, token[:40]) {
			t.Errorf("%q: %+v", args, got)
		}
	}
	p.done(p.at(time.Now(), "", join+token))
}

func TestATokenIsAskedFor(t *testing.T) {
	p := newCampus(t)
	var errs bytes.Buffer
	c := &console{in: strings.NewReader("nonsense\n"), out: io.Discard, err: &errs, now: time.Now, interactive: true}
	if code := run(t.Context(), c, []string{"group", "join", "--config", p.file("east")}); code != exitNo || !strings.HasPrefix(errs.String(), "The token, as lessor group init") {
		t.Errorf("%d %s", code, errs.String())
	}
}
