package web

import (
	"context"
	"errors"
	"net/http"

	"github.com/lessor-dhcp/lessor/internal/api"
)

// trouble is what the page of a problem shows.
type trouble struct {
	Status                int
	Title, Detail, Remedy string
	// Home is where the person may go on.
	Home string
}

// nowhere is the page of an address that leads to none.
func nowhere(http.ResponseWriter, *http.Request) error {
	return &api.Problem{Status: http.StatusNotFound, Title: "There is no such page", Detail: "The address may have been copied in part.",
		Remedy: "Go on from one of the entries above, or search."}
}

// problem shows what went wrong and what can be done about it.
func (p *pages) problem(w http.ResponseWriter, r *http.Request, err error) {
	if r.Context().Err() != nil && !errors.Is(err, context.DeadlineExceeded) {
		return // nobody waits for it
	}
	t := troubleOf(err)
	if t.Status == http.StatusInternalServerError {
		p.Log.Error("a page could not be made", "path", r.URL.Path, "error", err)
	}
	if r.Header.Get("HX-Request") != "" {
		w.Header().Set("HX-Retarget", "#trouble")
		w.Header().Set("HX-Reswap", "innerHTML")
		r.Header.Set("HX-Target", "trouble")
	}
	if err := p.write(w, r, t.Status, "problem", "", t); err != nil {
		http.Error(w, "this page could not be made", http.StatusInternalServerError)
	}
}

// troubleOf says an error in a person's words.
func troubleOf(err error) trouble {
	if q, ok := errors.AsType[*api.Problem](err); ok {
		return trouble{Status: q.Status, Title: q.Title, Detail: q.Detail, Remedy: q.Remedy, Home: "/"}
	}
	if q, ok := errors.AsType[*api.NoServerError](err); ok {
		return trouble{Status: http.StatusServiceUnavailable, Title: "The server does not answer", Detail: q.Error(), Remedy: q.Remedy, Home: "/"}
	}
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return trouble{Status: http.StatusRequestEntityTooLarge, Title: "That is too long", Detail: "More was sent than this form takes.", Home: "/"}
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return trouble{Status: http.StatusGatewayTimeout, Title: "This took too long", Detail: "The server did not answer in time.", Remedy: "Ask again, or for less.", Home: "/"}
	}
	return trouble{Status: http.StatusInternalServerError, Title: "This page could not be made", Detail: err.Error(),
		Remedy: "Look at the server's log; it says the same with more around it.", Home: "/"}
}

// wrong is a problem with what a person typed.
func wrong(title, remedy string) error {
	return &api.Problem{Status: http.StatusBadRequest, Title: title, Remedy: remedy}
}

// known returns err but for what this server keeps nothing of, which a page says by what it leaves out.
func known(err error) error {
	if q, ok := errors.AsType[*api.Problem](err); ok && q.Status == http.StatusNotImplemented {
		return nil
	}
	return err
}
