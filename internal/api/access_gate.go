package api

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/lessor-dhcp/lessor/internal/access"
)

// CSRFHeader is where a page of this server says, with each change, what no page of another site knows; CSRFField is the same in a form.
const (
	CSRFHeader = "X-Lessor-CSRF"
	CSRFField  = "csrf"
)

// Gate finds out who sends what comes over TCP, and lets nothing pass that only looks as if somebody sent it.
type Gate struct {
	*Access
	// TLS says that what comes is encrypted.
	TLS bool
	// Names are those by which the server may be asked where nothing is encrypted, beside loopback addresses and localhost: without a list, a page of
	// another site whose name leads here would be taken for one of ours (DNS rebinding).
	Names []string
}

// Handler returns next behind the gate, with signing in and out. A request that passes has in its context who sent it, if anybody
// has proved that.
func (g *Gate) Handler(next http.Handler) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("POST /sign-in", http.HandlerFunc(g.signIn))
	mux.Handle("POST /sign-out", http.HandlerFunc(g.signOut))
	mux.Handle("/", g.knowing(next))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		g.protect(w.Header())
		if p := g.misdirected(r); p != nil {
			unread(w, r)
			p.write(w)
			return
		}
		mux.ServeHTTP(w, r)
	})
}

// policyOfContent lets a page load what this server embeds, and nothing else.
const policyOfContent = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
	"form-action 'self'; frame-ancestors 'none'; base-uri 'none'"

// protect sets what tells a browser to be careful.
func (g *Gate) protect(h http.Header) {
	h.Set("Content-Security-Policy", policyOfContent)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Permissions-Policy", "camera=(), microphone=(), geolocation=(), payment=(), usb=()")
	if g.TLS {
		h.Set("Strict-Transport-Security", "max-age=31536000")
	}
}

// open are the paths at which a machine asks how the server is, by whatever name.
var open = []string{"/healthz", "/readyz"}

// misdirected returns what is wrong with the name by which the server is asked; nil: nothing.
func (g *Gate) misdirected(r *http.Request) *Problem {
	if g.TLS || slices.Contains(open, r.URL.Path) { // what the certificate is for is for the other end to see
		return nil
	}
	host := r.Host
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	host = strings.TrimSuffix(strings.ToLower(strings.Trim(host, "[]")), ".")
	if a, err := netip.ParseAddr(host); err == nil && a.Unmap().IsLoopback() || host == "localhost" || slices.Contains(g.Names, host) {
		return nil
	}
	return &Problem{Status: http.StatusMisdirectedRequest, Title: "not the name of this server",
		Detail: fmt.Sprintf("%.100q is none of the names by which it is asked without TLS, so this may be a page of another site", r.Host),
		Remedy: "ask for http://127.0.0.1 or localhost; for a proxy in front, write its name under server: api: names"}
}

// knowing returns next for requests whose context says who sent them, where that is known.
func (g *Gate) knowing(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if slices.Contains(open, r.URL.Path) {
			next.ServeHTTP(w, r)
			return
		}
		if shown := r.Header.Values("Authorization"); len(shown) > 0 {
			id, p := g.bearer(w, r, shown)
			if p != nil {
				unread(w, r)
				p.write(w)
				return
			}
			next.ServeHTTP(w, r.WithContext(access.With(r.Context(), id)))
			return
		}
		secret := g.cookie(r)
		t, in := g.Sessions.Use(secret, g.now())
		if !in {
			next.ServeHTTP(w, r)
			return
		}
		if p := g.forged(w, r, secret); p != nil {
			unread(w, r)
			p.write(w)
			return
		}
		id := t.Identity(addressOf(r).String())
		id.Session = true
		next.ServeHTTP(w, r.WithContext(context.WithValue(access.With(r.Context(), id), csrfKey{}, access.CSRF(secret))))
	})
}

// bearer returns who shows a token (RFC 6750 §2.1), or what is said to who shows none that is good.
func (g *Gate) bearer(w http.ResponseWriter, r *http.Request, shown []string) (access.Identity, *Problem) {
	scheme, token, _ := strings.Cut(shown[0], " ")
	if len(shown) > 1 || !strings.EqualFold(scheme, "Bearer") {
		w.Header().Set("WWW-Authenticate", `Bearer realm="lessor"`)
		return access.Identity{}, &Problem{Status: http.StatusUnauthorized, Title: "who are you?", Detail: "the header Authorization says that once, as Bearer TOKEN"}
	}
	t, err := g.Tokens.Check(strings.TrimSpace(token), g.now())
	if err == nil {
		return t.Identity(addressOf(r).String()), nil
	}
	w.Header().Set("WWW-Authenticate", `Bearer realm="lessor", error="invalid_token"`)
	if errors.Is(err, access.ErrEnded) {
		return access.Identity{}, &Problem{Status: http.StatusUnauthorized, Title: "the token has ended", Detail: "it was good once, and its time is over",
			Remedy: "have an administrator make a new one: `lessor token create`"}
	}
	if wait := g.wrong(r, "token"); wait > 0 {
		return access.Identity{}, tooOften(w, wait)
	}
	return access.Identity{}, &Problem{Status: http.StatusUnauthorized, Title: "no token of this server", Detail: "it may have been revoked, or be of another server: each member has its own",
		Remedy: "an administrator sees by `lessor token list` which there are, and makes one by `lessor token create`"}
}

func tooOften(w http.ResponseWriter, wait time.Duration) *Problem {
	seconds := int(math.Ceil(wait.Seconds()))
	w.Header().Set("Retry-After", strconv.Itoa(seconds))
	return &Problem{Status: http.StatusTooManyRequests, Title: "too many wrong tokens", Detail: fmt.Sprintf("wrong tokens from there are looked at again in %d s; a good one is taken at once", seconds),
		Remedy: "see that what asks has the token of this server"}
}

// wrong counts a wrong token, writes it down where not too many were, and returns how long who shows another one is to wait.
func (g *Gate) wrong(r *http.Request, what string) time.Duration {
	from := addressOf(r)
	wait, tell, untold := g.Guesses.Wrong(from, g.now())
	if tell {
		line := access.Record{Who: "nobody", From: from.String(), What: what, Outcome: access.Refused, Detail: "wrong token"}
		if untold > 0 {
			line.Detail += fmt.Sprintf(", and %d more before it that are not written down", untold)
		}
		if _, err := g.Record(line); err != nil {
			g.log.Warn("a wrong token could not be written down", "from", from, "error", err)
		}
	}
	return wait
}

// addressOf returns where a request comes from; the zero Addr where that is not known.
func addressOf(r *http.Request) netip.Addr {
	p, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	return p.Addr().Unmap()
}

// csrfKey is where the context of a request from a session has what its pages show with each change.
type csrfKey struct{}

// CSRF returns what a page that answers the request of ctx puts into CSRFHeader or CSRFField; empty where it needs nothing.
func CSRF(ctx context.Context) string {
	s, _ := ctx.Value(csrfKey{}).(string)
	return s
}
