package api

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/lessor-dhcp/lessor/internal/spelling"
)

// What huma finds wrong with a request is said as everything else is. It asks these variables of its own for that, and there is one API
// in a program. A list of ours is never null.
func init() {
	huma.NewErrorWithContext = mistaken
	huma.NewError = func(status int, msg string, errs ...error) huma.StatusError {
		return mistaken(nil, status, msg, errs...)
	}
	huma.DefaultArrayNullable = false
}

// Mistake is one thing that is wrong with a request.
type Mistake struct {
	// Where says what it is about: query.limit, body.partner.
	Where string `json:"where"`
	What  string `json:"what"`
}

const (
	maxMistakes = 20  // are told
	maxQuoted   = 100 // octets of what somebody sent are said again
)

// mistaken returns what huma says about a request as a Problem.
func mistaken(ctx huma.Context, status int, msg string, errs ...error) huma.StatusError {
	for _, err := range errs {
		if p, ok := errors.AsType[*Problem](err); ok {
			return p
		}
	}
	p := &Problem{Status: status, Title: strings.ToLower(http.StatusText(status)), Detail: msg}
	switch status {
	case http.StatusUnprocessableEntity:
		p.Status, p.Title = http.StatusBadRequest, "bad request"
	case http.StatusRequestTimeout:
		p.Detail = "the body did not come in time"
	case http.StatusInternalServerError: // all that huma itself finds of these is a body that ends before its end
		if msg == "cannot read request body" {
			p.Status, p.Title, p.Detail = http.StatusBadRequest, "bad request", "the body did not come whole"
		}
	}
	for _, err := range errs[:min(len(errs), maxMistakes)] {
		if d, ok := err.(*huma.ErrorDetail); ok {
			p.Errors = append(p.Errors, mistakeOf(ctx, d))
		} else if err != nil && p.Status != http.StatusBadRequest {
			p.Detail += ": " + err.Error()
		}
	}
	if len(p.Errors) > 0 {
		says := make([]string, len(p.Errors))
		for i, e := range p.Errors {
			says[i] = e.Where + ": " + e.What
		}
		p.Detail = strings.Join(says, "; ")
	}
	if ctx != nil && ctx.Operation() != nil {
		if o, ok := ctx.Operation().Metadata[operationKey].(*operation); ok && o.body != nil {
			ctx.SetHeader("Connection", "close") // what may follow is not read
			if p.Status == http.StatusRequestEntityTooLarge {
				return tooLarge(o.body.most)
			}
		}
		ctx.SetHeader("Cache-Control", "no-store")
	}
	return p
}

// rewordings are what huma says of a value, and how that reads better.
var rewordings = map[string]string{
	"invalid boolean":  "write true or false",
	"expected boolean": "write true or false, without quotes",
	"invalid integer":  "write a whole number",
	"expected string":  "write text, in quotes",
	"expected object":  "write a JSON object",
}

// mistakeOf returns one thing that huma finds wrong.
func mistakeOf(ctx huma.Context, d *huma.ErrorDetail) Mistake {
	m := Mistake{Where: clipped(d.Location), What: d.Message}
	if m.What == "unexpected property" {
		m.What = "there is no such key"
		_, name, _ := strings.Cut(d.Location, ".")
		m.What += insteadOf(name, propertiesOf(ctx))
	}
	if better, ok := rewordings[m.What]; ok {
		m.What = better
	}
	m.What = strings.TrimPrefix(m.What, "json: ")
	return m
}

// propertiesOf returns the keys of the body of an operation.
func propertiesOf(ctx huma.Context) []string {
	if ctx == nil || ctx.Operation() == nil {
		return nil
	}
	o, ok := ctx.Operation().Metadata[operationKey].(*operation)
	if !ok {
		return nil
	}
	return o.keys
}

// insteadOf says which of the names was probably meant, or which there are.
func insteadOf(name string, names []string) string {
	if near := spelling.Nearest(name, names); near != "" {
		return ": did you mean " + near + "?"
	}
	if len(names) == 0 {
		return "; there are none"
	}
	return "; there are " + strings.Join(names, ", ")
}

// clipped returns what somebody sent, no longer than it is of use.
func clipped(s string) string {
	if len(s) > maxQuoted {
		return strings.ToValidUTF8(s[:maxQuoted], "") + "…"
	}
	return s
}

// maxRepeated is how often a parameter that is a list may be given.
const maxRepeated = 64

// refuseQuery returns what is wrong with the parameters of a request, nil if nothing. One that is unknown, given twice or too long is an
// error, since a filter that is silently ignored shows too much.
func (o *operation) refuseQuery(r *http.Request, known []*huma.Param) *Problem {
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return badRequest("the parameters are not spelt as in an address: %s", clipped(err.Error()))
	}
	names, lists := parameters(known)
	for name, values := range query {
		list, ok := lists[name]
		switch {
		case !ok && len(names) == 0:
			return badRequest("there is no parameter %q, nor any other", clipped(name))
		case !ok:
			return badRequest("there is no parameter %q%s", clipped(name), insteadOf(name, names))
		case list && len(values) > maxRepeated:
			return badRequest("parameter %s is given %d times; at most %d are read", name, len(values), maxRepeated)
		case !list && len(values) != 1:
			return badRequest("parameter %s is given %d times; give it once", name, len(values))
		}
		for _, v := range values {
			if len(v) > maxValue && !slices.Contains(o.long, name) {
				return badRequest("parameter %s is longer than %d octets", name, maxValue)
			}
		}
	}
	return nil
}

// parameters returns the names of the parameters in the query, and of each whether it is a list.
func parameters(known []*huma.Param) (names []string, lists map[string]bool) {
	lists = map[string]bool{}
	for _, p := range known {
		if p.In == "query" {
			names = append(names, p.Name)
			lists[p.Name] = p.Schema != nil && p.Schema.Type == "array"
		}
	}
	slices.Sort(names)
	return names, lists
}
