package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/lessor-dhcp/lessor/internal/access"
	"github.com/lessor-dhcp/lessor/internal/node"
)

const tagAccess = "access"

// TokenRow is what is known of a token: everything but the token.
type TokenRow struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	Role string `json:"role" enum:"viewer,operator,administrator"`
	// By is who made it.
	By      string       `json:"by"`
	Created node.Instant `json:"created"`
	Expires node.Instant `json:"expires"`
	// LastUsed is when it was last accepted, to the minute; null: not since the server started.
	LastUsed node.Instant `json:"last_used"`
}

func tokenRow(t access.Token) TokenRow {
	row := TokenRow{ID: t.ID, Name: t.Name, Role: t.Role.String(), By: t.By, Created: node.At(t.Created), Expires: node.At(t.Expires)}
	if !t.LastUsed.IsZero() {
		row.LastUsed = node.At(t.LastUsed)
	}
	return row
}

// Tokens is what GET /api/v1/tokens says.
type Tokens struct {
	Tokens []TokenRow `json:"tokens"`
}

// NewToken is a token, said once: the server keeps no more than its digest.
type NewToken struct {
	Token string `json:"token" doc:"What is shown as Authorization: Bearer TOKEN. It is said this once."`
	TokenRow
	// API is where the server is asked over TCP; empty: nowhere.
	API string `json:"api,omitempty"`
	// Fingerprint names the certificate that the server shows there, where it made that itself.
	Fingerprint string `json:"fingerprint,omitempty"`
}

// tokenAsked is the body of POST /tokens.
type tokenAsked struct {
	Role string `json:"role" enum:"viewer,operator,administrator" doc:"What who shows it may do: not more than who asks for it."`
	Name string `json:"name,omitempty" maxLength:"64" doc:"What it is for: one line. Default: its identifier."`
	// Seconds is how long it is good.
	Seconds int64 `json:"seconds,omitempty" minimum:"60" maximum:"315360000" doc:"How long it is good. Default: 90 days."`
}

// oneToken is a token, named by its identifier.
type oneToken struct {
	ID string `path:"id" maxLength:"64" doc:"The identifier, which stands between lessor_ and the next _ of a token." example:"k3v7q2mx"`
}

func (a *surface) addTokens() {
	s := a.server
	ask(a, operation{method: http.MethodGet, path: base + "tokens", id: "tokens", tag: tagAccess, role: access.Administrator, room: s.answers, fails: []int{501},
		summary: "The tokens of this server", about: "All but the tokens themselves, of which nothing but a digest is kept. As `lessor token list --json`."},
		func(ctx context.Context, _ *nothingAsked) (Tokens, error) {
			who, err := s.admitting()
			if err != nil {
				return Tokens{}, err
			}
			out := Tokens{Tokens: []TokenRow{}}
			for _, t := range who.Tokens.List() {
				out.Tokens = append(out.Tokens, tokenRow(t))
			}
			return out, nil
		})
	ask(a, operation{method: http.MethodGet, path: base + "tokens/{id}", id: "token", tag: tagAccess, role: access.Administrator, room: s.answers, fails: []int{404, 501},
		summary: "One token", about: "All but the token itself."}, s.token)
	askMaking(a, operation{method: http.MethodPost, path: base + "tokens", id: "token-create", tag: tagAccess, role: access.Administrator, room: s.answers, fails: []int{501},
		makes: always, body: s.smallJSON(), summary: "Make a token", about: "The answer has the token, this once. As `lessor token create`."}, s.createToken)
	ask(a, operation{method: http.MethodDelete, path: base + "tokens/{id}", id: "token-revoke", tag: tagAccess, role: access.Administrator, room: s.answers, fails: []int{404, 501},
		summary: "Revoke a token", about: "It is accepted no more from then on, and the sessions that were begun with it end. As `lessor token revoke`."}, s.revokeToken)
}

// admitting returns who may ask this server, if anybody but its own socket lets anybody in.
func (s *Server) admitting() (*Access, error) {
	if s.access == nil {
		return nil, &Problem{Status: http.StatusNotImplemented, Title: "this server has no tokens", Detail: "it is asked over its socket alone, and keeps no log of changes"}
	}
	return s.access, nil
}

func (s *Server) token(_ context.Context, in *oneToken) (TokenRow, error) {
	who, err := s.admitting()
	if err != nil {
		return TokenRow{}, err
	}
	for _, t := range who.Tokens.List() {
		if t.ID == in.ID {
			return tokenRow(t), nil
		}
	}
	return TokenRow{}, noToken(in.ID)
}

func noToken(id string) *Problem {
	return &Problem{Status: http.StatusNotFound, Title: "no such token", Detail: fmt.Sprintf("no token of this server has the identifier %.100q", id),
		Remedy: "`lessor token list` has them; each member has its own"}
}

// createToken makes a token, and returns its path.
func (s *Server) createToken(ctx context.Context, in *told[tokenAsked]) (made NewToken, at string, err error) {
	who, err := s.admitting()
	if err != nil {
		return made, "", err
	}
	role, err := access.ParseRole(in.Body.Role)
	if err != nil {
		return made, "", badRequest("%v", err)
	}
	id, _ := access.From(ctx)
	text, t, err := who.Tokens.Create(id, access.NewToken{Name: in.Body.Name, Role: role, Life: time.Duration(in.Body.Seconds) * time.Second}, who.now())
	if e, ok := errors.AsType[*access.InvalidError](err); ok {
		return made, "", badRequest("%s", e.Text)
	}
	if err != nil {
		return made, "", err
	}
	made = NewToken{Token: text, TokenRow: tokenRow(t)}
	if d := who.door.Load(); d != nil {
		made.API = d.URL()
		if d.tls != nil && d.tls.own {
			made.Fingerprint = d.tls.Fingerprint()
		}
	}
	return made, base + "tokens/" + url.PathEscape(t.ID), nil
}

func (s *Server) revokeToken(_ context.Context, in *oneToken) (TokenRow, error) {
	who, err := s.admitting()
	if err != nil {
		return TokenRow{}, err
	}
	t, known, err := who.Tokens.Revoke(in.ID)
	switch {
	case err != nil:
		return TokenRow{}, err
	case !known:
		return TokenRow{}, noToken(in.ID)
	}
	return tokenRow(t), nil
}

// Tokens returns the tokens of the server.
func (c *Client) Tokens(ctx context.Context) ([]TokenRow, error) {
	var all Tokens
	err := c.get(ctx, base+"tokens", nil, &all)
	return all.Tokens, err
}

// CreateToken makes a token, good for life, or for 90 days where that is 0. What is wrong with what is wanted is a *Problem.
func (c *Client) CreateToken(ctx context.Context, role access.Role, name string, life time.Duration) (t NewToken, err error) {
	return t, c.post(ctx, base+"tokens", tokenAsked{Role: role.String(), Name: name, Seconds: int64(life / time.Second)}, &t)
}

// RevokeToken ends a token, and returns what it was. That there is none is a *Problem with the status 404.
func (c *Client) RevokeToken(ctx context.Context, id string) (t TokenRow, err error) {
	req, err := c.request(ctx, http.MethodDelete, base+"tokens/"+url.PathEscape(id), nil, nil)
	if err != nil {
		return t, err
	}
	resp, err := c.send(ctx, req)
	if err != nil {
		return t, err
	}
	return t, c.read(resp, &t)
}
