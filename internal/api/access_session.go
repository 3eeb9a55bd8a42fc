package api

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/lessor-dhcp/lessor/internal/access"
)

const (
	// cookieName is that of a session's cookie; with the prefix a browser takes it from this server alone, over TLS, for all paths.
	cookieName       = "lessor"
	secureCookieName = "__Host-lessor"
	// maxSigning is the longest body of a sign-in, and maxFormWithCSRF that of a form whose field is looked for, in octets.
	maxSigning      = 4 << 10
	maxFormWithCSRF = 64 << 10
	formType        = "application/x-www-form-urlencoded"
)

func (g *Gate) cookieName() string {
	if g.TLS {
		return secureCookieName
	}
	return cookieName
}

// cookie returns the secret of the session that a request is of; empty: none. Two of that name are none: one may be another site's.
func (g *Gate) cookie(r *http.Request) string {
	if all := r.CookiesNamed(g.cookieName()); len(all) == 1 {
		return all[0].Value
	}
	return ""
}

func (g *Gate) setCookie(w http.ResponseWriter, secret string, maxAge int) {
	http.SetCookie(w, &http.Cookie{Name: g.cookieName(), Value: secret, Path: "/", MaxAge: maxAge, Secure: g.TLS, HttpOnly: true, SameSite: http.SameSiteStrictMode})
}

// ownSite reports whether a browser says that a page of this server sent a request. Every browser that is kept up to date does, and to loopback
// also without TLS; one that does not is believed by the header Origin.
func ownSite(r *http.Request) bool {
	switch r.Header.Get("Sec-Fetch-Site") {
	case "same-origin":
		return true
	case "":
		u, err := url.Parse(r.Header.Get("Origin"))
		return err == nil && u.Host != "" && strings.EqualFold(u.Host, r.Host)
	}
	return false
}

// forged returns what is wrong with a request that a cookie came with, nil if nothing: what changes something must be a page's of this server,
// and of this session.
func (g *Gate) forged(w http.ResponseWriter, r *http.Request, secret string) *Problem {
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodOptions:
		return nil
	}
	p := &Problem{Status: http.StatusForbidden, Title: "not from a page of this server", Remedy: "load the page anew, and try again; a program uses a token (Authorization: Bearer TOKEN)"}
	if err := http.NewCrossOriginProtection().Check(r); err != nil || !ownSite(r) {
		p.Detail = "the browser says that a page of another site sent this"
		return p
	}
	shown := r.Header.Get(CSRFHeader)
	if shown == "" && mediaType(r) == formType && r.ContentLength <= maxFormWithCSRF {
		r.Body = http.MaxBytesReader(w, r.Body, maxFormWithCSRF)
		http.NewResponseController(w).SetReadDeadline(time.Now().Add(bodyTime)) // a connection that knows none is a test's
		if err := r.ParseForm(); err == nil {
			shown = r.PostForm.Get(CSRFField)
		}
	}
	if !access.IsCSRF(secret, shown) {
		p.Detail = "it does not show what the pages of this session do (" + CSRFHeader + ")"
		return p
	}
	return nil
}

// signIn begins a session of who sends a token in a form, and shows the page that was wanted.
func (g *Gate) signIn(w http.ResponseWriter, r *http.Request) {
	token, next, p := signingIn(w, r)
	if p != nil {
		unread(w, r)
		p.write(w)
		return
	}
	t, err := g.Tokens.Check(strings.TrimSpace(token), g.now())
	if err != nil {
		g.notSignedIn(w, r, next, err)
		return
	}
	if old := g.cookie(r); old != "" {
		g.Sessions.End(old)
	}
	g.setCookie(w, g.Sessions.Begin(t, g.now()), 0)
	g.wroteDown(t.Identity(addressOf(r).String()), "sign-in")
	seeOther(w, next)
}

// wroteDown writes down who signs in or out, which does not hold back whoever must see what is wrong with the disk.
func (g *Gate) wroteDown(id access.Identity, what string) {
	line := access.By(id, what, "")
	line.Outcome = access.Done
	if !g.Guesses.Tell(g.now()) {
		return
	}
	if _, err := g.Record(line); err != nil {
		g.log.Warn("who signed in or out could not be written down", "who", id.Name, "from", id.From, "what", what, "error", err)
	}
}

// signingIn reads the form of a sign-in.
func signingIn(w http.ResponseWriter, r *http.Request) (token, next string, p *Problem) {
	switch {
	case !ownSite(r):
		return "", "", &Problem{Status: http.StatusForbidden, Title: "not from a page of this server", Detail: "signing in is done on its own page, at /sign-in"}
	case mediaType(r) != formType:
		return "", "", unsupported([]string{formType})
	case r.ContentLength > maxSigning:
		return "", "", tooLarge(maxSigning)
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxSigning)
	http.NewResponseController(w).SetReadDeadline(time.Now().Add(bodyTime)) // a connection that knows none is a test's
	if err := r.ParseForm(); err != nil {
		if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
			return "", "", tooLarge(maxSigning)
		}
		return "", "", badRequest("the form cannot be read")
	}
	return r.PostForm.Get("token"), localPath(r.PostForm.Get("next")), nil
}

// localPath returns next where it is a path of this server, and the first page otherwise: nobody is led elsewhere by a link.
func localPath(next string) string {
	u, err := url.Parse(next)
	if err != nil || u.Scheme != "" || u.Host != "" || u.User != nil || !strings.HasPrefix(next, "/") || strings.HasPrefix(next, "//") ||
		strings.ContainsFunc(next, func(r rune) bool { return r == '\\' || Steers(r) }) {
		return "/"
	}
	return next
}

// notSignedIn says no: to a browser on the page where it came from.
func (g *Gate) notSignedIn(w http.ResponseWriter, r *http.Request, next string, err error) {
	var wait time.Duration
	if !errors.Is(err, access.ErrEnded) {
		wait = g.wrong(r, "sign-in")
	}
	if strings.Contains(r.Header.Get("Accept"), "text/html") {
		q := url.Values{"failed": {"1"}}
		if next != "/" {
			q.Set("next", next)
		}
		if wait > 0 {
			q.Set("wait", wait.Round(time.Second).String())
		}
		seeOther(w, "/sign-in?"+q.Encode())
		return
	}
	if wait > 0 {
		tooOften(w, wait).write(w)
		return
	}
	(&Problem{Status: http.StatusUnauthorized, Title: "not signed in", Detail: "that token is not right, or it is over", Remedy: "`lessor token create`, on the server, makes one"}).write(w)
}

// signOut ends the session that a request is of. What another site has a browser send ends none.
func (g *Gate) signOut(w http.ResponseWriter, r *http.Request) {
	if !ownSite(r) {
		unread(w, r)
		(&Problem{Status: http.StatusForbidden, Title: "not from a page of this server", Detail: "signing out is done on a page of this server"}).write(w)
		return
	}
	if secret := g.cookie(r); secret != "" {
		t, in := g.Sessions.Use(secret, g.now())
		g.Sessions.End(secret)
		if in {
			g.wroteDown(t.Identity(addressOf(r).String()), "sign-out")
		}
	}
	g.setCookie(w, "", -1)
	unread(w, r)
	if r.Header.Get("HX-Request") != "" {
		w.Header().Set("HX-Redirect", "/sign-in")
		w.WriteHeader(http.StatusNoContent)
		return
	}
	seeOther(w, "/sign-in")
}

func seeOther(w http.ResponseWriter, to string) {
	h := w.Header()
	h.Set("Location", to)
	h.Set("Cache-Control", "no-store")
	w.WriteHeader(http.StatusSeeOther)
}
