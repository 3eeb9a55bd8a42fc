package web

import (
	"log/slog"
	"net/http"

	"github.com/lessor-dhcp/lessor/internal/access"
	"github.com/lessor-dhcp/lessor/internal/api"
)

var _ Service = (*api.Client)(nil)

// Over returns the pages of a server whose Handler h is: what they ask is asked of h, as the person whom the request's context names.
func Over(h http.Handler, log *slog.Logger) http.Handler {
	return New(Config{
		Log: log,
		Service: func(r *http.Request) Service {
			id, _ := access.From(r.Context())
			return api.NewInProcess(h, id)
		},
		Visitor: func(r *http.Request) (Visitor, bool) {
			id, known := access.From(r.Context())
			return Visitor{Name: id.Name, Role: id.Role.String(), CSRF: api.CSRF(r.Context())}, known
		},
	})
}
