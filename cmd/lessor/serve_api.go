package main

import (
	"cmp"
	"context"
	"log/slog"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/lessor-dhcp/lessor/internal/api"
	"github.com/lessor-dhcp/lessor/internal/config"
	"github.com/lessor-dhcp/lessor/web"
)

// doorRetry is how long after a listener could not be made it is tried again: the address may come later than the server.
const doorRetry = 5 * time.Second

// entrance is where a server is asked over TCP, and on what terms.
type entrance struct {
	doc    *config.Document
	server *api.Server
	who    *api.Access
	log    *slog.Logger
	// certificate is nil where nothing is encrypted.
	certificate *api.Certificate
}

// newEntrance returns the entrance of the server of doc, nil if the document names no address.
func newEntrance(doc *config.Document, server *api.Server, who *api.Access, log *slog.Logger) *entrance {
	if !doc.Server.API.Listen.IsValid() {
		return nil
	}
	return &entrance{doc: doc, server: server, who: who, log: log}
}

// run answers until ctx ends. Where it cannot listen it says why, and tries again: clients are served without it.
func (e *entrance) run(ctx context.Context) error {
	for said := ""; ; {
		err := e.answer(ctx)
		if ctx.Err() != nil {
			return nil
		}
		if err != nil && err.Error() != said {
			e.log.Error("nobody can ask over TCP", "error", err, "again", doorRetry.String())
			said = err.Error()
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(doorRetry):
		}
	}
}

func (e *entrance) answer(ctx context.Context) error {
	if err := e.prepare(); err != nil {
		return err
	}
	door, err := api.OpenDoor(e.doc.Server.API.Listen, e.certificate, e.log)
	if err != nil {
		return err
	}
	e.who.Through(door)
	defer e.who.Through(nil)
	facts := []any{"url", door.URL()}
	if e.certificate != nil {
		facts = append(facts, "fingerprint", e.certificate.Fingerprint(), "ends", e.certificate.Ends().UTC().Format(time.DateOnly))
	}
	e.log.Info("answering over TCP", facts...)
	gate := &api.Gate{Access: e.who, TLS: e.certificate != nil, Names: e.doc.Server.API.Names}
	return door.Run(ctx, gate.Handler(pagesAnd(e.server.Handler(), e.log)))
}

// prepare reads the certificate that is shown, where one is.
func (e *entrance) prepare() (err error) {
	a := e.doc.Server.API
	switch {
	case e.certificate != nil:
	case a.TLS.Certificate != "":
		e.certificate, err = api.CertificateOf(beside(e.doc.File, a.TLS.Certificate), beside(e.doc.File, a.TLS.Key))
	case !a.Listen.Addr().IsLoopback():
		e.certificate, err = api.OwnCertificate(e.doc.Server.Data, a.Listen.Addr(), ownNames(e.doc), time.Now())
	}
	return err
}

// ownNames are those for which a server makes itself a certificate.
func ownNames(doc *config.Document) []string {
	names := []string{cmp.Or(string(doc.Server.Name), "lessor"), "localhost"}
	if host, err := os.Hostname(); err == nil && host != "" {
		names = append(names, strings.ToLower(host))
	}
	names = append(names, doc.Server.API.Names...)
	slices.Sort(names[1:])
	return slices.Compact(names)
}

// apiPaths are where programs ask; everything else is pages.
var apiPaths = []string{"/api/", "/openapi.json", "/openapi.yaml", "/metrics", "/healthz", "/readyz"}

// pagesAnd returns what answers browsers and programs. Pages ask h as the visitor, with the same checks.
func pagesAnd(h http.Handler, log *slog.Logger) http.Handler {
	mux := http.NewServeMux()
	for _, path := range apiPaths {
		mux.Handle(path, h)
	}
	mux.Handle("/", web.Over(h, log))
	return mux
}

// reload reads the certificate anew, and says what of the new document takes effect with the next start only.
func (e *entrance) reload(doc *config.Document) {
	if e.certificate != nil {
		if err := e.certificate.Reload(); err != nil {
			e.log.Error("the certificate of the API is that of before", "error", err)
		}
	}
	was, is := e.doc.Server.API, doc.Server.API
	if was.Listen != is.Listen || was.TLS.Certificate != is.TLS.Certificate || was.TLS.Key != is.TLS.Key || !slices.Equal(was.Names, is.Names) {
		e.log.Warn("server: api was changed, which takes effect with the next start", "listen", is.Listen.String())
	}
}
