package api

import (
	"net/http"
	"strings"
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

// Who leaves a name out is told that, not what else there is, and nothing of it is written down.
func TestANameThatIsLeftOutIsAskedFor(t *testing.T) {
	a := admit(t, &fake{}, false)
	token := "Bearer " + a.token(t, access.Administrator)
	for path, meant := range map[string]string{"hosts/": "hosts/{name}", "tokens/": "tokens/{id}", "leases/": "leases/{address}", "nothing/": ""} {
		for _, method := range []string{http.MethodGet, http.MethodPut, http.MethodDelete} {
			w := a.send(method, base+path, "", "Authorization", token)
			if says := strings.Contains(w.Body.String(), "which says what is meant: "+base+meant+`"`); w.Code != 404 || says != (meant != "") {
				t.Errorf("%s %s: %d %s", method, path, w.Code, w.Body)
			}
		}
	}
	if all := a.records(t); len(all) != 0 {
		t.Errorf("written down: %v", all)
	}
}

// Each operation is open to its own role and to those above, and says so in its description.
func TestRolesThatMay(t *testing.T) {
	a := admit(t, &fake{}, false)
	tokens := map[access.Role]string{}
	for _, role := range []access.Role{access.Viewer, access.Operator, access.Administrator} {
		tokens[role] = "Bearer " + a.token(t, role)
	}
	asked := 0
	for path, item := range a.server.surface().huma.OpenAPI().Paths {
		for _, op := range operationsOf(item) {
			needs := wantedRole(op.Method, path)
			if needs == 0 {
				continue
			}
			if says := op.Extensions["x-lessor-role"]; says != needs.String() {
				t.Errorf("%s %s: x-lessor-role is %v, want %v", op.Method, path, says, needs)
			}
			method := op.Method
			if method == http.MethodGet { // of which some have no end
				method = http.MethodHead
			}
			for role := needs; role <= access.Administrator; role++ {
				asked++
				if w := a.send(method, strings.NewReplacer("{", "", "}", "").Replace(path), "", "Authorization", tokens[role]); w.Code == http.StatusUnauthorized || w.Code == http.StatusForbidden || w.Code == http.StatusMethodNotAllowed {
					t.Errorf("%s %s: %v got %d %s", op.Method, path, role, w.Code, w.Body)
				}
			}
		}
	}
	if asked < 60 {
		t.Errorf("only %d were asked", asked)
	}
	begun, ended := 0, 0
	for _, r := range a.records(t) {
		switch {
		case r.Outcome == access.Begun:
			begun++
		default:
			ended++
		}
		if r.Who == "" || r.From != "192.0.2.1" || r.What == "" || r.Token == "" {
			t.Errorf("who, from where, what? %+v", r)
		}
	}
	if begun == 0 || begun != ended {
		t.Errorf("%d changes were begun and %d ended", begun, ended)
	}
}
