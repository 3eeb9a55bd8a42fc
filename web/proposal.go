package web

import (
	"errors"
	"net/http"
	"strings"

	"github.com/lessor-dhcp/lessor/internal/api"
	"github.com/lessor-dhcp/lessor/internal/config"
	"github.com/lessor-dhcp/lessor/internal/config/version"
	"github.com/lessor-dhcp/lessor/internal/node"
)

const (
	// maxDocument is the longest form with a document in it, in octets.
	maxDocument = 8 << 20
	// maxChecked is the longest document that is looked at while somebody writes it; a longer one is when it is asked about.
	maxChecked = 1 << 20
	// maxChecks is how many documents are looked at at once: who comes then is looked at with the next key.
	maxChecks = 2
)

// proposal is a document that somebody is about to make the group's, and what is known of what would follow.
type proposal struct {
	Visitor       Visitor
	Text, Comment string
	Problems      config.Problems
	Impact        *impact
	Confirm       *node.ConfirmError
	Conflict      *node.ConflictError
	// Done is what became of it, where there is more to say of that than that it is done.
	Done *node.Applied
}

func (p *pages) edit(w http.ResponseWriter, r *http.Request) error {
	c, err := p.configurationNow(r)
	if err != nil {
		return err
	}
	e := proposal{Visitor: c.Visitor}
	if c.Shown != nil {
		e.Text = c.Shown.Text
	}
	return p.show(w, r, "edit", "/configuration", e)
}

// proposed reads the form of the editor.
func (p *pages) proposed(r *http.Request) (e proposal, ask node.ApplyRequest, err error) {
	if err := r.ParseForm(); err != nil {
		return e, ask, err
	}
	e.Visitor, _ = p.Visitor(r)
	// A form has its lines end as those of a letter do.
	e.Text, e.Comment = strings.ReplaceAll(r.PostForm.Get("document"), "\r\n", "\n"), strings.TrimSpace(r.PostForm.Get("comment"))
	return e, node.ApplyRequest{Document: []byte(e.Text), File: "the editor", Comment: e.Comment, Yes: r.PostForm.Get("yes") != ""}, nil
}

// objected has the proposal show what err says is wrong with it; another err is returned.
func (e *proposal) objected(err error) error {
	q, ok := errors.AsType[*api.Problem](err)
	if !ok || q.Problems == nil && q.Confirm == nil && q.Conflict == nil {
		return err
	}
	e.Problems, e.Confirm, e.Conflict = q.Problems, q.Confirm, q.Conflict
	return nil
}

// check says what is wrong with a document while it is written: by its words alone, without a question to the server.
func (p *pages) check(w http.ResponseWriter, r *http.Request) error {
	e, _, err := p.proposed(r)
	if err != nil {
		return err
	}
	select {
	case p.checks <- struct{}{}:
		defer func() { <-p.checks }()
	default:
		w.WriteHeader(http.StatusNoContent)
		return nil
	}
	if len(e.Text) > maxChecked {
		w.WriteHeader(http.StatusNoContent)
		return nil
	}
	e.Problems = wrongWith(e.Text)
	return p.show(w, r, "edit", "/configuration", e)
}

// wrongWith returns what is wrong with a document.
func wrongWith(text string) config.Problems {
	_, src, err := version.Against([]byte(text))
	if err != nil {
		return config.Problems{{Severity: config.Error, Message: err.Error(), Remedy: "leave the line as it was shown, or take it out"}}
	}
	_, problems := config.Parse("the editor", src)
	return problems
}

func (p *pages) whatIf(w http.ResponseWriter, r *http.Request) error {
	e, ask, err := p.proposed(r)
	if err != nil {
		return err
	}
	if report, err := p.Service(r).WhatIf(r.Context(), ask, nil); err == nil {
		e.Impact = impactOf(report)
	} else if err = e.objected(err); err != nil {
		return err
	}
	return p.show(w, r, "edit", "/configuration", e)
}

func (p *pages) apply(w http.ResponseWriter, r *http.Request) error {
	e, ask, err := p.proposed(r)
	if err != nil {
		return err
	}
	done, err := p.Service(r).ConfigApply(r.Context(), ask)
	if err == nil {
		if e.Done = toSay(done); e.Done == nil {
			sendTo(w, r, "/configuration")
			return nil
		}
	} else if err = e.objected(err); err != nil {
		return err
	}
	return p.show(w, r, "edit", "/configuration", e)
}
