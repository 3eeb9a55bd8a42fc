package access

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// zeros is a body without end.
type zeros struct{}

func (zeros) Read(b []byte) (int, error) { clear(b); return len(b), nil }

// What nobody should ask is refused with a problem, or shed, and counted; clients and operators are answered meanwhile.
func TestBadInputHarmsNobody(t *testing.T) {
	t.Parallel()
	p := newPlace(t, "{listen: 10.1.0.1}")
	viewer, _ := p.token("viewer")
	operator, _ := p.token("operator")
	administrator, _ := p.token("administrator")
	c := p.client()

	crowd := p.desk.Crowd(20, 100, "10.1.0.2", "10.1.0.1", 1)
	talk, hush := context.WithCancel(t.Context())
	var talking sync.WaitGroup
	talking.Go(func() { crowd.Talk(talk) })
	defer func() { hush(); talking.Wait() }()

	// unharmed waits until clients were given something again, and an operator was answered.
	unharmed := func(t *testing.T) {
		t.Helper()
		before := crowd.Tally().Acks
		p.Eventually(15*time.Second, "ACKs", func() bool { return crowd.Tally().Acks > before+5 })
		if resp, body := get(t, c, url+"/api/v1/status", viewer); resp.StatusCode != http.StatusOK {
			t.Errorf("an operator got %d %s", resp.StatusCode, body)
		}
		p.command("status")
	}
	// refused sends a request and wants a problem.
	refused := func(t *testing.T, status int, method, path, token, contentType string, body io.Reader, length int64) {
		t.Helper()
		r, err := http.NewRequest(method, url+path, body)
		if err != nil {
			t.Fatal(err)
		}
		r.ContentLength = length
		r.Header.Set("Authorization", "Bearer "+token)
		if contentType != "" {
			r.Header.Set("Content-Type", contentType)
		}
		resp, err := c.Do(r)
		if err != nil {
			t.Errorf("%s %.60s: %v", method, path, err)
			return
		}
		defer resp.Body.Close()
		b, _ := io.ReadAll(resp.Body)
		var problem struct {
			Status        int
			Title, Detail string
		}
		if resp.StatusCode != status || resp.Header.Get("Content-Type") != "application/problem+json" || json.Unmarshal(b, &problem) != nil || problem.Status != status || problem.Title == "" {
			t.Errorf("%s %.60s: %d %s %.300s, want %d", method, path, resp.StatusCode, resp.Header.Get("Content-Type"), b, status)
		}
		if len(b) > 8<<10 {
			t.Errorf("%s %.60s: the answer has %d octets", method, path, len(b))
		}
	}

	t.Run("bodies", func(t *testing.T) {
		const asJSON, asYAML = "application/json", "application/yaml"
		long := strings.Repeat("x", 1_000_000)
		refused(t, 413, "POST", "/api/v1/config/apply", administrator, asYAML, io.LimitReader(zeros{}, 100<<20), 100<<20)
		refused(t, 413, "POST", "/api/v1/hosts", operator, asJSON, io.LimitReader(zeros{}, 100<<20), 100<<20)
		refused(t, 413, "POST", "/api/v1/maintenance", operator, asJSON, bytes.NewReader([]byte(`{"on":true,"x":"`+long+`"}`)), -1)
		refused(t, 413, "POST", "/api/v1/hosts", operator, asJSON, strings.NewReader(`{"name":"`+long+`"}`), -1)
		refused(t, 400, "POST", "/api/v1/maintenance", operator, asJSON, strings.NewReader(strings.Repeat("[", 4000)), 4000)
		refused(t, 400, "POST", "/api/v1/hosts", operator, asJSON, strings.NewReader(strings.Repeat(`{"a":`, 10000)), 50000)
		refused(t, 400, "POST", "/api/v1/maintenance", operator, asJSON, strings.NewReader(`{"on":true,"force":1}`), -1)
		refused(t, 400, "POST", "/api/v1/maintenance", operator, asJSON, strings.NewReader(`{"on":"yes"}`), -1)
		refused(t, 400, "POST", "/api/v1/maintenance", operator, asJSON, strings.NewReader("{\"on\":true}\x00"), -1)
		refused(t, 415, "POST", "/api/v1/maintenance", operator, "text/plain", strings.NewReader(`{"on":true}`), -1)
		refused(t, 400, "GET", "/api/v1/leases?serach=phone", viewer, "", nil, 0)
		refused(t, 400, "GET", "/api/v1/leases?limit=lots", viewer, "", nil, 0)
		refused(t, 400, "GET", "/api/v1/leases?search="+strings.Repeat("a", 5000), viewer, "", nil, 0)
		refused(t, 404, "GET", "/api/v1/hosts/"+strings.Repeat("h", 10_000), viewer, "", nil, 0)
		refused(t, 403, "POST", "/api/v1/maintenance", viewer, asJSON, strings.NewReader(`{"on":true}`), -1)
		unharmed(t)
	})

	t.Run("headers without end", func(t *testing.T) {
		var all sync.WaitGroup
		var mu sync.Mutex
		answers := map[string]int{}
		for range 20 {
			all.Go(func() {
				conn, err := p.tls()
				if err != nil {
					return
				}
				defer conn.Close()
				conn.SetDeadline(time.Now().Add(20 * time.Second))
				go func() {
					fmt.Fprint(conn, "GET /api/v1/status HTTP/1.1\r\nHost: 10.1.0.1\r\n")
					for i := 0; ; i++ {
						if _, err := fmt.Fprintf(conn, "X-%d: %s\r\n", i, strings.Repeat("y", 1000)); err != nil {
							return
						}
					}
				}()
				b, _ := io.ReadAll(io.LimitReader(conn, 4096))
				line, _, _ := strings.Cut(string(b), "\r")
				mu.Lock()
				answers[line]++
				mu.Unlock()
			})
		}
		unharmed(t)
		all.Wait()
		if answers["HTTP/1.1 431 Request Header Fields Too Large"] == 0 {
			t.Errorf("the answers were %v", answers)
		}
	})

	t.Run("a thousand connections that say nothing", func(t *testing.T) {
		var held []net.Conn
		defer func() {
			for _, conn := range held {
				conn.Close()
			}
		}()
		for i := range 1000 {
			if conn, err := p.dial("tcp", "10.1.0.1:8067"); err == nil {
				held = append(held, conn)
			}
			if conn, err := net.Dial("unix", p.lessor.Socket()); err == nil {
				held = append(held, conn)
				if i%2 == 0 {
					fmt.Fprint(conn, "GET / HTTP/1.1\r\nX-Slow: ")
				}
			}
		}
		unharmed(t)
		if d := p.door(); d.Shed < 500 || d.Connections > 512 {
			t.Errorf("of 1000 connections %d were shed, and %d are there", d.Shed, d.Connections)
		}
	})

	t.Run("bodies that come slowly", func(t *testing.T) {
		var all sync.WaitGroup
		answers := make(chan string, 40)
		for range 40 {
			all.Go(func() {
				conn, err := p.tls()
				if err != nil {
					answers <- err.Error()
					return
				}
				defer conn.Close()
				conn.SetDeadline(time.Now().Add(30 * time.Second))
				fmt.Fprintf(conn, "POST /api/v1/maintenance HTTP/1.1\r\nHost: 10.1.0.1\r\nAuthorization: Bearer %s\r\nContent-Type: application/json\r\nContent-Length: 4000\r\n\r\n{", operator)
				b, _ := io.ReadAll(io.LimitReader(conn, 4096))
				line, _, _ := strings.Cut(string(b), "\r")
				answers <- line
			})
		}
		unharmed(t)
		all.Wait()
		close(answers)
		count := map[string]int{}
		for a := range answers {
			count[a]++
		}
		if count["HTTP/1.1 408 Request Timeout"] == 0 || count["HTTP/1.1 200 OK"] > 0 {
			t.Errorf("the answers were %v", count)
		}
	})

	t.Run("readers of events", func(t *testing.T) {
		full := 0
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		for range 50 { // none of which reads
			r, err := http.NewRequestWithContext(ctx, http.MethodGet, url+"/api/v1/events?packets=true&level=debug", nil)
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("Authorization", "Bearer "+viewer)
			resp, err := c.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			if resp.StatusCode == http.StatusServiceUnavailable && resp.Header.Get("Retry-After") != "" {
				full++
			}
		}
		if full != 50-32 {
			t.Errorf("%d of 50 were told to come again", full)
		}
		unharmed(t)
	})

	if wrongs := crowd.Wrongs(); len(wrongs) > 0 {
		t.Errorf("clients were told wrong: %v", wrongs)
	}
	if held := crowd.Held(); len(held) == 0 {
		t.Error("no client holds anything")
	}
	_, figures := get(t, c, url+"/metrics", viewer)
	for _, code := range []int{400, 403, 404, 408, 413, 415, 503} {
		if n := answered(figures, code); n == 0 {
			t.Errorf("no answer of %d is counted", code)
		}
	}
}

// answered returns how many answers with a code the figures have.
func answered(figures string, code int) (n float64) {
	for _, m := range regexp.MustCompile(`(?m)^lessor_api_requests_total\{.*code="`+strconv.Itoa(code)+`".*\} (\S+)$`).FindAllStringSubmatch(figures, -1) {
		x, _ := strconv.ParseFloat(m[1], 64)
		n += x
	}
	return n
}

func (p *place) tls() (net.Conn, error) {
	conn, err := p.dial("tcp", "10.1.0.1:8067")
	if err != nil {
		return nil, err
	}
	return tls.Client(conn, &tls.Config{InsecureSkipVerify: true}), nil
}
