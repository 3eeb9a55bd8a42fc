package web

import (
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/lessor-dhcp/lessor/internal/node"
)

// leaseChange is what the page says before a lease is changed.
type leaseChange struct {
	node.LeaseDetail
	Now     time.Time
	Visitor Visitor
	// Name is what the host entry would be called, and By what its client would be known by.
	Name, By string
	// Confirm is what it needs a yes for.
	Confirm *node.ConfirmError
	// Done is what became of it, where there is more to say of that than that it is done.
	Done *node.Applied
}

func (p *pages) askRelease(w http.ResponseWriter, r *http.Request) error {
	return p.askChange(w, r, "release")
}

func (p *pages) askReserve(w http.ResponseWriter, r *http.Request) error {
	return p.askChange(w, r, "reserve")
}

func (p *pages) askChange(w http.ResponseWriter, r *http.Request, what string) error {
	d, err := p.leaseOf(r)
	if err != nil {
		return err
	}
	return p.show(w, r, what, "/leases", p.leaseChange(r, &d))
}

func (p *pages) leaseChange(r *http.Request, d *node.LeaseDetail) leaseChange {
	v, _ := p.Visitor(r)
	c := leaseChange{LeaseDetail: *d, Now: p.Now(), Visitor: v, Name: hostName(d), By: "hardware"}
	if d.Hardware == "" {
		c.By = "client-id"
	}
	return c
}

// hostName proposes a name for a client's host entry: letters, digits and hyphens of what it calls itself, or its address.
func hostName(d *node.LeaseDetail) string {
	var b strings.Builder
	for _, c := range strings.ToLower(d.Hostname) {
		if b.Len() == 40 || c == '.' {
			break
		}
		if 'a' <= c && c <= 'z' || '0' <= c && c <= '9' || c == '-' && b.Len() > 0 {
			b.WriteRune(c)
		}
	}
	if name := strings.TrimRight(b.String(), "-"); name != "" {
		return name
	}
	return "host-" + strings.NewReplacer(".", "-", ":", "-").Replace(d.Address.String())
}

// sure returns an error unless a person ticked the box that says so.
func sure(r *http.Request) error {
	if r.PostFormValue("sure") == "" {
		return wrong("Nothing was done", "Read what follows from it, and tick the box.")
	}
	return nil
}

func (p *pages) release(r *http.Request) (string, error) {
	a, err := addressOf(r)
	if err == nil {
		err = sure(r)
	}
	if err != nil {
		return "", err
	}
	_, err = p.Service(r).Release(r.Context(), a, strings.TrimSpace(r.PostFormValue("reason")))
	return leasePath(a), err
}

func (p *pages) reserve(w http.ResponseWriter, r *http.Request) error {
	d, err := p.leaseOf(r)
	if err == nil {
		err = sure(r)
	}
	if err != nil {
		return err
	}
	name, by := strings.TrimSpace(r.PostFormValue("name")), r.PostFormValue("by")
	if name == "" {
		return wrong("The reservation needs a name", "Give it one that says which machine it is, as printer1.")
	}
	h := node.HostEdit{Name: name, Create: true, Hardware: d.Hardware, Address: d.Address}
	if by == "client-id" {
		h.Hardware, h.ClientID = "", d.ClientID
	}
	comment := fmt.Sprintf("%v reserved for %s", d.Address, name)
	done, err := p.Service(r).HostPut(r.Context(), h, node.ApplyRequest{Comment: comment, Yes: r.PostFormValue("yes") != ""})
	c := p.leaseChange(r, &d)
	if yes := needsYes(err); yes != nil {
		c.Name, c.Confirm = name, yes
		if by != "" {
			c.By = by
		}
		return p.show(w, r, "reserve", "/leases", c)
	}
	if err != nil {
		return err
	}
	if c.Done = toSay(done); c.Done != nil {
		return p.show(w, r, "reserve", "/leases", c)
	}
	sendTo(w, r, leasePath(d.Address))
	return nil
}

// toSay returns what became of a change where an operator should read it; nil: the next page says all.
func toSay(a node.Applied) *node.Applied {
	if a.Waits == "" && len(a.Notes) == 0 {
		return nil
	}
	return &a
}
