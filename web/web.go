package web

import (
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Visitor is who looks at a page.
type Visitor struct {
	Name string
	// Role is viewer, operator or administrator.
	Role string
	// CSRF is what a change must say in the header of that name, so that no other site can make it. Empty: nothing.
	CSRF string
}

// May reports whether the visitor's role is role or a higher one.
func (v Visitor) May(role string) bool { return rank[v.Role] >= rank[role] && rank[role] > 0 }

var rank = map[string]int{"viewer": 1, "operator": 2, "administrator": 3}

// Config is what the pages are made with.
type Config struct {
	// Service returns who answers the questions of a request, as the visitor who makes it.
	Service func(r *http.Request) Service
	// Visitor returns who makes a request, false if nobody is signed in.
	Visitor func(r *http.Request) (Visitor, bool)
	Log     *slog.Logger
	// Now is the clock; nil: the machine's.
	Now func() time.Time
}

// pages are the handlers of all pages.
type pages struct {
	Config
	looks map[string]look
	// checks has an entry for each document that is looked at just now.
	checks chan struct{}
}

// New returns the pages. What they show is asked of Service for every request.
func New(c Config) http.Handler {
	if c.Now == nil {
		c.Now = time.Now
	}
	p := &pages{Config: c, looks: looks(), checks: make(chan struct{}, maxChecks)}
	mux := http.NewServeMux()
	mux.Handle("GET /static/", http.HandlerFunc(static))
	mux.Handle("GET /sign-in", p.open(p.signIn))
	p.overviewRoutes(mux)
	p.leaseRoutes(mux)
	p.failoverRoutes(mux)
	p.eventRoutes(mux)
	p.networkRoutes(mux)
	p.configurationRoutes(mux)
	mux.Handle("/", p.page(nowhere))
	return guarded(mux)
}

// policyOfContent lets a page load what this server embeds, and nothing else.
const policyOfContent = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
	"form-action 'self'; frame-ancestors 'none'; base-uri 'none'"

// guarded sets the headers that every page has.
func guarded(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		k := w.Header()
		k.Set("Content-Security-Policy", policyOfContent)
		k.Set("X-Content-Type-Options", "nosniff")
		k.Set("Referrer-Policy", "no-referrer")
		k.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.ServeHTTP(w, r)
	})
}

// view answers one request for a page. An error that it returns becomes the page.
type view func(w http.ResponseWriter, r *http.Request) error

// page wraps a view for whoever is signed in; others are sent to sign in, and come back.
func (p *pages) page(v view) http.Handler {
	return p.open(func(w http.ResponseWriter, r *http.Request) error {
		if _, in := p.Visitor(r); !in {
			p.sendToSignIn(w, r)
			return nil
		}
		return v(w, r)
	})
}

// maxForm is the longest body of a form, in octets.
const maxForm = 64 << 10

// open wraps a view for everybody.
func (p *pages) open(v view) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Body != nil {
			most := int64(maxForm)
			if strings.HasPrefix(r.URL.Path, "/configuration/") {
				most = maxDocument
			}
			r.Body = http.MaxBytesReader(w, r.Body, most)
		}
		if err := v(w, r); err != nil {
			p.problem(w, r, err)
		}
	})
}

// change wraps what a form does: it is said where it fails, and where it goes on from there.
func (p *pages) change(do func(r *http.Request) (next string, err error)) http.Handler {
	return p.page(func(w http.ResponseWriter, r *http.Request) error {
		next, err := do(r)
		if err != nil {
			return err
		}
		sendTo(w, r, next)
		return nil
	})
}

// sendTo has the browser show another page.
func sendTo(w http.ResponseWriter, r *http.Request, next string) {
	if r.Header.Get("HX-Request") != "" {
		w.Header().Set("HX-Redirect", next)
		w.WriteHeader(http.StatusNoContent)
		return
	}
	http.Redirect(w, r, next, http.StatusSeeOther)
}

func (p *pages) sendToSignIn(w http.ResponseWriter, r *http.Request) {
	next := "/"
	if r.Method == http.MethodGet && r.Header.Get("HX-Request") == "" {
		next = r.URL.RequestURI()
	}
	to := "/sign-in"
	if next != "/" {
		to += "?" + url.Values{"next": {next}}.Encode()
	}
	sendTo(w, r, to)
}

// local returns next where it is a path of this server, and the first page otherwise: nobody is led elsewhere by a link.
func local(next string) string {
	u, err := url.Parse(next)
	if err != nil || u.IsAbs() || u.Host != "" || !strings.HasPrefix(next, "/") || strings.HasPrefix(next, "//") || strings.ContainsAny(next, "\\\r\n\t") {
		return "/"
	}
	return next
}
