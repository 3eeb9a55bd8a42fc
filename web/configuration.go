package web

import (
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/lessor-dhcp/lessor/internal/api"
	"github.com/lessor-dhcp/lessor/internal/binding"
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
	// Clash is the conflict that a person is to end, nil if there is none.
	Clash *clash
	// Confirm is what a change needs a yes for, and Comment what was said beside it.
	Confirm *node.ConfirmError
	Comment string
}

// maxVersions is how many versions the page lists.
const maxVersions = 50

func (p *pages) configurationRoutes(mux *http.ServeMux) {
	mux.Handle("GET /configuration", p.page(p.configuration))
	mux.Handle("GET /configuration/edit", p.page(p.edit))
	mux.Handle("POST /configuration/what-if", p.page(p.whatIf))
	mux.Handle("POST /configuration/check", p.page(p.check))
	mux.Handle("POST /configuration/apply", p.page(p.apply))
	mux.Handle("GET /configuration/rollback", p.page(p.askRollback))
	mux.Handle("POST /configuration/rollback", p.page(p.rollback))
	mux.Handle("GET /configuration/resolve", p.page(p.askResolve))
	mux.Handle("POST /configuration/resolve", p.page(p.resolve))
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
func (p *pages) configurationNow(r *http.Request) (configuration, error) {
	return p.configurationAt(r, r.URL.Query().Get("version"))
}

func (p *pages) configurationAt(r *http.Request, id string) (c configuration, err error) {
	c.Now = p.Now()
	c.Visitor, _ = p.Visitor(r)
	a, err := p.Service(r).Config(r.Context())
	if err != nil {
		return c, err
	}
	c.Status, c.Shown = a.Status, a.Head
	if a.Status.Conflict != nil || len(a.Status.Differs) > 0 {
		st, err := p.Service(r).Status(r.Context())
		if err != nil {
			return c, err
		}
		c.Clash = clashOf(binding.Member(st.Server), &a.Status)
	}
	if id != "" {
		v, err := p.Service(r).ConfigShow(r.Context(), id)
		c.Shown = &v
		return c, err
	}
	return c, nil
}

func (p *pages) askRollback(w http.ResponseWriter, r *http.Request) error {
	c, err := p.rollbackNow(r, r.URL.Query().Get("version"))
	if err != nil {
		return err
	}
	return p.show(w, r, "rollback", "/configuration", c)
}

// rollbackNow returns what going back to a version would change.
func (p *pages) rollbackNow(r *http.Request, id string) (c configuration, err error) {
	if c, err = p.configurationAt(r, id); err != nil {
		return c, err
	}
	if c.Shown == nil {
		return c, wrong("There is no version yet", "Apply a document first.")
	}
	c.Changes, err = p.Service(r).ConfigDiff(r.Context(), "", c.Shown.Version)
	return c, err
}

func (p *pages) rollback(w http.ResponseWriter, r *http.Request) error {
	id, ask := r.PostFormValue("version"), said(r)
	_, err := p.Service(r).ConfigRollback(r.Context(), id, ask)
	if yes := needsYes(err); yes != nil {
		c, err := p.rollbackNow(r, id)
		if err != nil {
			return err
		}
		c.Confirm, c.Comment = yes, ask.Comment
		return p.show(w, r, "rollback", "/configuration", c)
	}
	if err != nil {
		return err
	}
	sendTo(w, r, "/configuration")
	return nil
}

// said returns what a person says beside a change of the configuration.
func said(r *http.Request) node.ApplyRequest {
	return node.ApplyRequest{Comment: strings.TrimSpace(r.PostFormValue("comment")), Yes: r.PostFormValue("yes") != ""}
}

// needsYes returns what a person is to say yes to before a change is made, nil where err is something else.
func needsYes(err error) *node.ConfirmError {
	if q, ok := errors.AsType[*api.Problem](err); ok {
		return q.Confirm
	}
	return nil
}
