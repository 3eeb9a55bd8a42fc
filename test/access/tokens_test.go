package access

import (
	"context"
	"encoding/json"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/lessor-dhcp/lessor/test/world"
)

func TestATokenEnds(t *testing.T) {
	t.Parallel()
	p := newPlace(t, "{listen: 10.1.0.1}")
	token, file := p.token("viewer")
	if err := p.lessor.Stop(10 * time.Second); err != nil {
		t.Fatal(err)
	}
	endsIn(t, p.lessor.Data+"/tokens", 25*time.Second) // less than anybody may ask for
	p.lessor.Begin(false)
	c := p.client()
	p.Eventually(10*time.Second, "an answer", func() bool {
		conn, err := p.dial("tcp", "10.1.0.1:8067")
		if err == nil {
			conn.Close()
		}
		return err == nil
	})
	if resp, body := get(t, c, url+"/api/v1/status", token); resp.StatusCode != http.StatusOK {
		t.Fatalf("%d %s", resp.StatusCode, body)
	}
	p.Eventually(40*time.Second, "its end", func() bool {
		resp, body := get(t, c, url+"/api/v1/status", token)
		return resp.StatusCode == http.StatusUnauthorized && strings.Contains(body, "the token has ended") && strings.Contains(body, "lessor token create")
	})
	out, err := p.desk.Try(world.Binary, "status", "--api", url, "--token-file", file, "--fingerprint", p.door().Fingerprint)
	if err == nil || !strings.Contains(out, "its time is over") || !strings.Contains(out, "lessor token create") {
		t.Errorf("the command line says\n%s", out)
	}
	if out := p.command("token", "list"); !strings.Contains(out, "ended") {
		t.Errorf("the list says\n%s", out)
	}
}

// endsIn has all tokens of a file end in d.
func endsIn(t *testing.T, file string, d time.Duration) {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var all map[string]any
	if err := json.Unmarshal(b, &all); err != nil {
		t.Fatal(err)
	}
	for _, token := range all["tokens"].([]any) {
		token.(map[string]any)["expires"] = time.Now().Add(d).UTC()
	}
	if b, err = json.Marshal(all); err != nil {
		t.Fatal(err)
	}
	put(t, file, string(b))
}

func TestGuessingIsSlowedDownAndAGoodTokenIsNot(t *testing.T) {
	t.Parallel()
	p := newPlace(t, "{listen: 10.1.0.1}")
	token, _ := p.token("viewer")
	c := p.client()
	held := 0
	for i := range 12 {
		resp, body := get(t, c, url+"/api/v1/status", "lessor_"+strings.Repeat("a", 8)+"_"+strings.Repeat("b", 42)+strconv.Itoa(i))
		switch resp.StatusCode {
		case http.StatusUnauthorized:
			if held > 0 {
				t.Errorf("guess %d was looked at after one that was not", i)
			}
		case http.StatusTooManyRequests:
			held++
			if wait, err := strconv.Atoi(resp.Header.Get("Retry-After")); err != nil || wait < 1 || !strings.Contains(body, "too many wrong tokens") {
				t.Errorf("guess %d: Retry-After %q, %s", i, resp.Header.Get("Retry-After"), body)
			}
		default:
			t.Errorf("guess %d: %d %s", i, resp.StatusCode, body)
		}
		if resp, body := get(t, c, url+"/api/v1/status", token); resp.StatusCode != http.StatusOK {
			t.Errorf("the good token, after %d guesses: %d %s", i+1, resp.StatusCode, body)
		}
	}
	if held < 4 {
		t.Errorf("%d of 12 guesses were held back", held)
	}
	if out := p.command("audit", "--json"); !strings.Contains(out, "wrong token") || !strings.Contains(out, "10.1.0.2") {
		t.Errorf("the log of changes says\n%s", out)
	}
}

func TestTheLogOfChangesIsFollowed(t *testing.T) {
	t.Parallel()
	p := newPlace(t, "{listen: 10.1.0.1}")
	follow := p.server.Start("audit", world.Binary, "audit", "--follow", "--socket", p.lessor.Socket())
	p.token("viewer")
	follow.Says(15*time.Second, `token create`)
	mark := len(follow.Log())
	p.token("operator")
	follow.SaysAfter(mark, 15*time.Second, `token create.*done|done.*token create`)
	follow.Signal(syscall.SIGINT)
	if err := follow.Wait(5 * time.Second); err != nil {
		t.Errorf("ended by its reader: %v", err)
	}
}

// A port that somebody has is said, and taken as soon as it is free; clients are served all the while.
func TestAPortThatIsTakenIsWaitedFor(t *testing.T) {
	t.Parallel()
	p := &place{World: world.New(t)}
	p.server, p.desk = p.Host("server"), p.Host("desk")
	s := p.Segment()
	s.Attach(p.server, "eth0", "10.1.0.1/24")
	s.Attach(p.desk, "eth0", "10.1.0.2/24")
	var other net.Listener
	err := p.server.Do(func() (err error) { other, err = net.Listen("tcp", "10.1.0.1:8067"); return err })
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	p.begin("{listen: 10.1.0.1}")
	p.lessor.Says(10*time.Second, `nobody can ask over TCP.*address already in use.*another program has it`)
	crowd := p.desk.Crowd(5, 50, "10.1.0.2", "10.1.0.1", 1)
	talk, hush := context.WithTimeout(t.Context(), 2*time.Second)
	defer hush()
	if crowd.Talk(talk); crowd.Tally().Acks == 0 {
		t.Error("no client was answered meanwhile")
	}
	token, _ := p.token("viewer")
	other.Close()
	p.lessor.Says(15*time.Second, `answering over TCP`)
	if resp, body := get(t, p.client(), url+"/api/v1/status", token); resp.StatusCode != http.StatusOK {
		t.Errorf("%d %s", resp.StatusCode, body)
	}
}

// The kernel says who asks over the socket: who may open it is not yet who may ask.
func TestTheSocketIsNotForEverybody(t *testing.T) {
	t.Parallel()
	p := newPlace(t, "{listen: 10.1.0.1}")
	nobody := func(as ...string) string {
		t.Helper()
		out, err := exec.Command("setpriv", append(as, world.Binary, "status", "--socket", p.lessor.Socket())...).CombinedOutput()
		if err == nil {
			t.Errorf("%v was answered:\n%s", as, out)
		}
		return string(out)
	}
	stranger := []string{"--reuid", "65534", "--regid", "65534", "--clear-groups"}
	if out := nobody(stranger...); !strings.Contains(out, "you may not open it") || !strings.Contains(out, "root") {
		t.Errorf("who may not open it is told\n%s", out)
	}
	for dir := p.lessor.Data; len(dir) > len("/tmp"); dir = filepath.Dir(dir) { // as somebody might by mistake
		if err := os.Chmod(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chmod(p.lessor.Socket(), 0o666); err != nil {
		t.Fatal(err)
	}
	if out := nobody(stranger...); !strings.Contains(out, "may not ask this server over its socket") || !strings.Contains(out, "lessor token create") {
		t.Errorf("who may open it is told\n%s", out)
	}
	if out := nobody("--reuid", "65534", "--regid", "12345", "--groups", "12346"); !strings.Contains(out, "may not ask") {
		t.Errorf("a member of another group is told\n%s", out)
	}
}
