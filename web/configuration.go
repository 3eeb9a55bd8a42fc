package web

import (
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/lessor-dhcp/lessor/internal/api"
	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/config"
	"github.com/lessor-dhcp/lessor/internal/config/version"
	"github.com/lessor-dhcp/lessor/internal/node"
)

// configuration is what the page of the group's configuration shows: a version of it, and all of them.
type configuration struct {
	Now      time.Time
	Visitor  Visitor
	Status   node.GroupConfigStatus
	Shown    *node.VersionShown
	Versions []node.VersionRow
	// Against is the version that Shown is compared with; empty: it is not.
	Against string
	Changes []version.Change
}

// maxVersions is how many versions the page lists.
const maxVersions = 50

// maxDocument is the longest form with a document in it, in octets.
const maxDocument = 8 << 20

func (p *pages) configurationRoutes(mux *http.ServeMux) {
	mux.Handle("GET /configuration", p.page(p.configuration))
	mux.Handle("GET /configuration/edit", p.page(p.edit))
	mux.Handle("POST /configuration/what-if", p.page(p.whatIf))
	mux.Handle("POST /configuration/apply", p.page(p.apply))
	mux.Handle("GET /configuration/rollback", p.page(p.askRollback))
	mux.Handle("POST /configuration/rollback", p.change(p.rollback))
	mux.Handle("POST /configuration/resolve", p.change(p.resolve))
}

func (p *pages) configuration(w http.ResponseWriter, r *http.Request) error {
	c, err := p.configurationNow(r)
	if err != nil {
		return err
	}
	if c.Against = r.URL.Query().Get("against"); c.Against != "" && c.Shown != nil {
		if c.Changes, err = p.Service(r).ConfigDiff(r.Context(), c.Against, c.Shown.Version); err != nil {
			return err
		}
	}
	err = p.Service(r).ConfigHistory(r.Context(), maxVersions, func(v node.VersionRow) error {
		c.Versions = append(c.Versions, v)
		return nil
	})
	if err != nil {
		return err
	}
	return p.show(w, r, "configuration", "/configuration", c)
}

// configurationNow returns how the configuration stands, and the version that a request asks for: without a word the head.
func (p *pages) configurationNow(r *http.Request) (c configuration, err error) {
	c.Now = p.Now()
	c.Visitor, _ = p.Visitor(r)
	a, err := p.Service(r).Config(r.Context())
	if err != nil {
		return c, err
	}
	c.Status, c.Shown = a.Status, a.Head
	if id := r.URL.Query().Get("version"); id != "" {
		v, err := p.Service(r).ConfigShow(r.Context(), id)
		c.Shown = &v
		return c, err
	}
	return c, nil
}

// proposal is a document that somebody is about to make the group's, and what is known of what would follow.
type proposal struct {
	Visitor       Visitor
	Text, Comment string
	Problems      config.Problems
	Report        *node.WhatIfReport
	Consequences  []string
	Confirm       *node.ConfirmError
	Conflict      *node.ConflictError
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

func (p *pages) whatIf(w http.ResponseWriter, r *http.Request) error {
	e, ask, err := p.proposed(r)
	if err != nil {
		return err
	}
	if e.Report, err = p.Service(r).WhatIf(r.Context(), ask, nil); err != nil {
		if err = e.objected(err); err != nil {
			return err
		}
	} else {
		e.Consequences = e.Report.Consequences()
	}
	return p.show(w, r, "edit", "/configuration", e)
}

func (p *pages) apply(w http.ResponseWriter, r *http.Request) error {
	e, ask, err := p.proposed(r)
	if err != nil {
		return err
	}
	if _, err = p.Service(r).ConfigApply(r.Context(), ask); err == nil {
		sendTo(w, r, "/configuration")
		return nil
	}
	if err = e.objected(err); err != nil {
		return err
	}
	return p.show(w, r, "edit", "/configuration", e)
}

func (p *pages) askRollback(w http.ResponseWriter, r *http.Request) error {
	c, err := p.configurationNow(r)
	if err == nil && c.Shown == nil {
		err = wrong("There is no version yet", "Apply a document first.")
	}
	if err != nil {
		return err
	}
	if c.Changes, err = p.Service(r).ConfigDiff(r.Context(), "", c.Shown.Version); err != nil {
		return err
	}
	return p.show(w, r, "rollback", "/configuration", c)
}

func (p *pages) rollback(r *http.Request) (string, error) {
	ask := node.ApplyRequest{Comment: strings.TrimSpace(r.PostFormValue("comment")), Yes: r.PostFormValue("yes") != ""}
	_, err := p.Service(r).ConfigRollback(r.Context(), r.PostFormValue("version"), ask)
	return "/configuration", err
}

func (p *pages) resolve(r *http.Request) (string, error) {
	ask := node.ApplyRequest{Comment: strings.TrimSpace(r.PostFormValue("comment")), Yes: r.PostFormValue("yes") != ""}
	_, err := p.Service(r).ConfigResolve(r.Context(), binding.Member(r.PostFormValue("take")), ask)
	return "/configuration", err
}
