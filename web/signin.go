package web

import (
	"net/http"
	"time"
)

// signingIn is what the page to sign in shows.
type signingIn struct {
	Next string
	// Failed says that the token was not right.
	Failed bool
	// Wait is how long nobody is listened to who shows another wrong one; empty: not.
	Wait string
}

// signIn shows where a person gives a token. Where it is sent to makes it a session.
func (p *pages) signIn(w http.ResponseWriter, r *http.Request) error {
	next := local(r.URL.Query().Get("next"))
	if _, in := p.Visitor(r); in {
		http.Redirect(w, r, next, http.StatusSeeOther)
		return nil
	}
	s := signingIn{Next: next, Failed: r.URL.Query().Has("failed")}
	if d, err := time.ParseDuration(r.URL.Query().Get("wait")); err == nil && d > 0 {
		s.Wait = span(d)
	}
	return p.show(w, r, "sign-in", "", s)
}
