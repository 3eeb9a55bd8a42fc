package access

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/lessor-dhcp/lessor/test/world"
)

const url = "https://10.1.0.1:8067"

// A server is believed by its authority or by its fingerprint, and by nothing else; what it shows is taken up anew with a reload.
func TestWhomTheCommandLineBelieves(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	certificate, key := dir+"/api.pem", dir+"/api.key"
	ours, others := newIssuer(t, "ours"), newIssuer(t, "others")
	first := ours.issue("10.1.0.1", certificate, key)
	p := newPlace(t, "{listen: 10.1.0.1, tls: {certificate: "+certificate+", key: "+key+"}}")
	_, token := p.token("viewer")
	ca, wrong := p.Write("ca.pem", ours.PEM), p.Write("wrong.pem", others.PEM)
	empty := p.Write("empty.pem", "hello\n")

	try := func(says []string, args ...string) {
		t.Helper()
		out, err := p.desk.Try(append([]string{world.Binary, "status", "--api", url, "--token-file", token}, args...)...)
		if (err == nil) != (says == nil) {
			t.Errorf("%v: %v\n%s", args, err, out)
		}
		for _, want := range says {
			if !strings.Contains(out, want) {
				t.Errorf("%v: no %q in\n%s", args, want, out)
			}
		}
	}
	try(nil, "--ca", ca)
	try(nil, "--fingerprint", first)
	try(nil, "--fingerprint", strings.ToUpper(first))
	try([]string{"10.1.0.1:8067", "certificate", "--fingerprint", "--ca"})
	try([]string{"certificate", "unknown authority", "--ca"}, "--ca", wrong)
	try([]string{"another certificate", first, "do not go on"}, "--fingerprint", strings.Repeat("5f", 32))
	out, err := p.desk.Try(world.Binary, "status", "--api", "https://10.1.0.1:8068", "--token-file", token, "--ca", ca)
	if err == nil || !strings.Contains(out, "connection refused") || !strings.Contains(out, "server.api") {
		t.Errorf("of a port at which nobody listens it says %v\n%s", err, out)
	}
	try([]string{"64 hex digits"}, "--fingerprint", "5f1c")
	try([]string{"no certificate in PEM"}, "--ca", empty)
	try([]string{"no such file"}, "--ca", dir+"/nothing.pem")
	try([]string{"one of them"}, "--ca", ca, "--fingerprint", first)

	if d := p.door(); d.Fingerprint != first || d.URL != url || time.Until(d.Ends) > time.Hour || d.Connections > 100 {
		t.Errorf("the status says %+v, want %s", d, first)
	}
	if text := p.command("status"); !strings.Contains(text, url) || !strings.Contains(text, "fingerprint "+first) {
		t.Errorf("the status says\n%s", text)
	}

	second := ours.issue("10.1.0.1", certificate, key)
	try(nil, "--fingerprint", first) // not before a reload
	mark := len(p.lessor.Log())
	p.lessor.Reload()
	p.Eventually(10*time.Second, "the new certificate", func() bool { return p.door().Fingerprint == second })
	try(nil, "--fingerprint", second)
	try([]string{"another certificate"}, "--fingerprint", first)
	try(nil, "--ca", ca)

	if err := os.Remove(key); err != nil {
		t.Fatal(err)
	}
	p.lessor.Reload()
	p.lessor.SaysAfter(mark, 10*time.Second, `the certificate of the API is that of before.*api\.key`)
	try(nil, "--fingerprint", second)
}

// Who has no authority compares the fingerprint that the server itself says.
func TestTheServersOwnCertificate(t *testing.T) {
	t.Parallel()
	p := newPlace(t, "{listen: 10.1.0.1}")
	_, token := p.token("viewer")
	own := p.door().Fingerprint
	if len(own) != 64 {
		t.Fatalf("the fingerprint is %q", own)
	}
	out, err := p.desk.Try(world.Binary, "status", "--api", url, "--token-file", token, "--fingerprint", own, "--json")
	if err != nil || !strings.Contains(out, own) {
		t.Errorf("%v\n%s", err, out)
	}
	if out, err := p.desk.Try(world.Binary, "status", "--api", url, "--token-file", token); err == nil || !strings.Contains(out, "--fingerprint") {
		t.Errorf("without the fingerprint: %v\n%s", err, out)
	}
	if err := p.lessor.Stop(10 * time.Second); err != nil {
		t.Error(err)
	}
	p.lessor.Begin(false)
	p.Eventually(10*time.Second, "the certificate of before", func() bool { return p.door().Fingerprint == own })
}
