package world

import (
	"net/netip"
	"os"
	"time"

	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/peer/keys"
)

// Place is where a server of a pair stands, and what it is told.
type Place struct {
	Host *Namespace
	// Segment is where its clients are; Port is how it is plugged in there.
	Segment *Segment
	Port    *Port
	Address netip.Addr
	// Document is its configuration, without `server`.
	Document string
}

// PairOver makes two servers that talk to each other over the same cable that joins the segments of their clients. They have
// keys of one authority of that group, and are not started.
func (w *World) PairOver(cable Cable, group string, west, east Place) *Pair {
	w.t.Helper()
	authority, err := keys.NewAuthority(group, time.Now())
	if err != nil {
		w.t.Fatal(err)
	}
	p := &Pair{World: w, Trunk: cable, Link: cable}
	for i, at := range []Place{west, east} {
		m := &Member{Host: at.Host, Address: at.Address, Segment: at.Segment, link: at.Segment, Clients: at.Port, Peer: at.Port, nowhere: w.Segment()}
		m.Lessor = &Lessor{host: at.Host, Data: w.Path(at.Host.Role + ".data"), conf: w.Path(at.Host.Role + ".yaml")}
		m.Configure(Setup{Document: at.Document, Interfaces: []string{at.Port.Device}})
		if err := os.Mkdir(m.Data, 0o700); err != nil {
			w.t.Fatal(err)
		}
		if err := authority.Export(keys.In(m.Data), binding.Member(at.Host.Role), time.Now()); err != nil {
			w.t.Fatal(err)
		}
		if i == 0 {
			p.West = m
		} else {
			p.East = m
		}
	}
	return p
}
