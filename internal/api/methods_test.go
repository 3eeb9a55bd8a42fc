package api

import (
	"net/http"
	"testing"

	"github.com/lessor-dhcp/lessor/internal/access"
)

func TestMethodsThatAnyProgramMayUse(t *testing.T) {
	a := admit(t, &fake{}, false)
	viewer := "Bearer " + a.token(t, access.Viewer)
	for _, c := range []struct {
		method, path, token string
		code                int
		allow, as           string
	}{
		{http.MethodHead, "/api/v1/status", viewer, 200, "", jsonType},
		{http.MethodHead, "/api/v1/events", viewer, 200, "", ndjson},
		{http.MethodHead, "/api/v1/leases?format=csv", viewer, 200, "", csvType},
		{http.MethodHead, "/api/v1/leases?format=xml", viewer, 400, "", problemType},
		{http.MethodHead, "/healthz", "", 200, "", jsonType},
		{http.MethodHead, "/api/v1/status", "", 401, "", problemType},
		{http.MethodHead, "/api/v1/maintenance", viewer, 405, "POST, OPTIONS", problemType},
		{http.MethodOptions, "/api/v1/status", viewer, 204, "GET, HEAD, OPTIONS", ""},
		{http.MethodOptions, "/api/v1/hosts/printer1", viewer, 204, "GET, HEAD, PUT, DELETE, OPTIONS", ""},
		{http.MethodOptions, "/api/v1/hosts/printer1", "", 401, "", problemType},
		{http.MethodPatch, "/api/v1/hosts/printer1", viewer, 405, "GET, HEAD, PUT, DELETE, OPTIONS", problemType},
		{http.MethodDelete, "/api/v1/leases", viewer, 405, "GET, HEAD, OPTIONS", problemType},
		{http.MethodOptions, "/api/v1/nothing", viewer, 404, "", problemType},
	} {
		var headers []string
		if c.token != "" {
			headers = []string{"Authorization", c.token}
		}
		w := a.send(c.method, c.path, "", headers...)
		if h := w.Header(); w.Code != c.code || h.Get("Allow") != c.allow || h.Get("Content-Type") != c.as {
			t.Errorf("%s %s: %d, Allow %q, %q, want %+v", c.method, c.path, w.Code, h.Get("Allow"), h.Get("Content-Type"), c)
		}
	}
	if all := a.records(t); len(all) != 0 {
		t.Errorf("questions were written down: %v", all)
	}
}
