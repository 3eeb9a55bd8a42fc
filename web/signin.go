package web

import "net/http"

// signingIn is what the page to sign in shows.
type signingIn struct {
	Next string
	// Failed says that the token was not right.
	Failed bool
}

// signIn shows where a person gives a token. Where it is sent to makes it a session.
func (p *pages) signIn(w http.ResponseWriter, r *http.Request) error {
	next := local(r.URL.Query().Get("next"))
	if _, in := p.Visitor(r); in {
		http.Redirect(w, r, next, http.StatusSeeOther)
		return nil
	}
	status := http.StatusOK
	failed := r.URL.Query().Has("failed")
	return p.write(w, r, status, "sign-in", "", signingIn{Next: next, Failed: failed})
}
