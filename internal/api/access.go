package api

import (
	"cmp"
	"errors"
	"log/slog"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/lessor-dhcp/lessor/internal/access"
)

// Access is who may ask a server beside those whom its socket lets in, and the log of what everybody changed.
type Access struct {
	Tokens   *access.Tokens
	Sessions *access.Sessions
	Guesses  *access.Guesses
	// Trail is nil where the log cannot be opened: then nothing is changed through the API. Why says why.
	Trail *access.Trail
	Why   error

	dir string
	log *slog.Logger
	now func() time.Time
	// door is where the server is asked over TCP; nil: nowhere.
	door atomic.Pointer[Door]
}

// Through says by which door the server is asked over TCP.
func (a *Access) Through(d *Door) { a.door.Store(d) }

// OpenAccess opens what the data directory dir has of it. What cannot be read is logged with a remedy, and is as if nobody had a token, or
// nothing could be written: a server serves its clients all the same.
func OpenAccess(dir string, log *slog.Logger) *Access {
	a := &Access{Guesses: access.NewGuesses(), dir: dir, log: log, now: time.Now}
	var err error
	if a.Tokens, err = access.OpenTokens(dir); err != nil {
		log.Error("no token is accepted", "error", err)
	}
	a.Sessions = access.NewSessions(a.Tokens)
	if a.Trail, a.Why = access.OpenTrail(dir); a.Why != nil {
		a.Trail = nil
		log.Error("nothing can be changed through the API", "error", a.Why)
	}
	return a
}

// Close ends it. Nothing may use it after that.
func (a *Access) Close() error {
	if a.Trail == nil {
		return nil
	}
	return a.Trail.Close()
}

// Record writes one line into the log of changes, and returns its number. The error is an *access.CannotRecordError.
func (a *Access) Record(r access.Record) (uint64, error) {
	if a.Trail == nil {
		return 0, &access.CannotRecordError{Err: a.Why}
	}
	r.Time = a.now()
	seq, err := a.Trail.Append(r)
	if err != nil {
		return 0, err
	}
	a.log.Info("audit", "seq", seq, "who", r.Who, "role", r.Role, "from", r.From, "what", r.What, "object", r.Object, "outcome", r.Outcome,
		"version", r.Version, "detail", r.Detail)
	return seq, nil
}

// Admit has the server know its operators by a, and write down what they change. It is called before Handler.
func (s *Server) Admit(a *Access) { s.access = a }

// guarded returns h for those who have at least the role; zero: for everybody. It is asked once for each operation, before anything of a
// request is looked at. What is asked to change something is written down before it is done, and again with what became of it before that is told.
func (s *Server) guarded(role access.Role, h http.Handler) http.Handler {
	return s.admitted(role, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if role == 0 || s.access == nil || !changes(r) {
			h.ServeHTTP(w, r)
			return
		}
		id, _ := access.From(r.Context())
		s.recorded(w, r, id, h)
	}))
}

// admitted is guarded for what changes nothing by whatever method, so that it is not written down.
func (s *Server) admitted(role access.Role, h http.Handler) http.Handler {
	if role == 0 {
		return h
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id, known := access.From(r.Context())
		switch {
		case !known:
			unread(w, r)
			unknown(w, r)
		case !id.May(role):
			unread(w, r)
			mayNot(id, role).write(w)
		default:
			h.ServeHTTP(w, r)
		}
	})
}

// unknown answers who has not said who it is.
func unknown(w http.ResponseWriter, r *http.Request) {
	if uid, ok := r.Context().Value(uidKey{}).(uint32); ok {
		(&Problem{Status: http.StatusForbidden, Title: "not allowed", Detail: userName(uid) + " may not ask this server over its socket",
			Remedy: "ask as root, as the user that the server runs as, or as a member of its group; or over TCP with a token of `lessor token create`"}).write(w)
		return
	}
	w.Header().Set("WWW-Authenticate", `Bearer realm="lessor"`)
	(&Problem{Status: http.StatusUnauthorized, Title: "who are you?", Detail: "this is answered for who shows a token only",
		Remedy: "send it as Authorization: Bearer TOKEN; `lessor token create --role viewer`, on the server, makes one"}).write(w)
}

// mayNot says which role is needed.
func mayNot(id access.Identity, role access.Role) *Problem {
	return &Problem{Status: http.StatusForbidden, Title: "not allowed", Detail: "this needs the role " + role.String() + ", and " + cmp.Or(id.Name, "this token") + " is " + id.Role.String(),
		Remedy: "use a token of that role: an administrator makes one by `lessor token create --role " + role.String() + "`"}
}

// cannotRecord returns what is said where the log of changes cannot be written.
func cannotRecord(err error) *Problem {
	p := &Problem{Status: http.StatusServiceUnavailable, Title: "nothing was changed", Detail: err.Error(),
		Remedy: "see that the disk of the data directory has room and is well; clients are served meanwhile as the leases' own store allows"}
	if _, ok := errors.AsType[*access.CannotRecordError](err); !ok {
		p.Status = http.StatusInternalServerError
	}
	return p
}
