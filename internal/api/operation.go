package api

import (
	"context"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/lessor-dhcp/lessor/internal/access"
)

// operation is one thing that can be asked or told, beside what the types of its input and output say.
type operation struct {
	method, path, id, tag string
	summary, about        string
	// role is the least that may; zero: anybody, also who has not said who it is.
	role access.Role
	// room has an element for each that is under way, and is full where no more are taken.
	room chan struct{}
	// takes is how long the answer may take where that is longer than answerTime.
	takes time.Duration
	// body says what a body may be; nil: there is none.
	body *bodyRule
	// fails are the statuses beside those that any operation may have.
	fails []int
	// content says what else than JSON the answer may be, by media type; nil: nothing.
	content map[string]*huma.MediaType
	// headers are what the answer may have, beside those of any.
	headers map[string]*huma.Param
	// long are the parameters whose length the operation itself looks at.
	long []string
	// keys are those of the body, where that is an object.
	keys []string
	// makes says whether the answer is 201 and names what was made (RFC 9110 §15.3.2).
	makes making
}

// making says whether an operation makes something that has a path of its own. The zero value is: never.
type making uint8

const (
	_         making = iota
	sometimes        // where there is such a thing already, that is changed
	always
)

// bodyRule is what a body may be.
type bodyRule struct {
	most   int64 // octets
	types  []string
	within time.Duration // it comes
}

// operationKey is where huma's metadata of an operation has ours.
const operationKey = "lessor"

const jsonType = "application/json"

// nothingAsked is the input of what takes no parameters.
type nothingAsked struct{}

// said is the output of an operation that answers with a T.
type said[T any] struct {
	CacheControl string `header:"Cache-Control"`
	Status       int
	Body         T
}

// ask adds an operation whose answer is a T.
func ask[I, T any](a *surface, o operation, answer func(ctx context.Context, in *I) (T, error)) {
	op := a.describe(&o)
	huma.Register(a.huma, op, func(ctx context.Context, in *I) (*said[T], error) {
		t, err := answer(ctx, in)
		if err != nil {
			return nil, problemOf(err)
		}
		return &said[T]{Status: http.StatusOK, CacheControl: "no-store", Body: t}, nil
	})
	a.described(&op, &o)
}

// told201 is the output of an operation that may make something; Location is where that is, empty where nothing was made.
type told201[T any] struct {
	CacheControl string `header:"Cache-Control"`
	Location     string `header:"Location"`
	Status       int
	Body         T
}

// askMaking adds an operation whose answer is a T, and which says at what path that is what it made; empty: it made nothing new.
func askMaking[I, T any](a *surface, o operation, answer func(ctx context.Context, in *I) (t T, at string, err error)) {
	op := a.describe(&o)
	huma.Register(a.huma, op, func(ctx context.Context, in *I) (*told201[T], error) {
		t, at, err := answer(ctx, in)
		if err != nil {
			return nil, problemOf(err)
		}
		out := &told201[T]{Status: http.StatusOK, CacheControl: "no-store", Location: at, Body: t}
		if at != "" {
			out.Status = http.StatusCreated
		}
		return out, nil
	})
	a.described(&op, &o)
}

// askRaw adds an operation that writes its answer itself, as one of o.content. An error that answer returns becomes the whole answer, so
// it returns one only while nothing is written.
func askRaw[I any](a *surface, o operation, answer func(w http.ResponseWriter, r *http.Request, in *I) error) {
	op := a.describe(&o)
	op.Responses["200"].Content = o.content
	huma.Register(a.huma, op, func(_ context.Context, in *I) (*huma.StreamResponse, error) {
		return &huma.StreamResponse{Body: func(ctx huma.Context) {
			r, w := humago.Unwrap(ctx)
			if err := answer(w, r, in); err != nil {
				problemOf(err).write(w)
			}
		}}, nil
	})
	a.described(&op, &o)
}

// describe returns o as huma wants it.
func (a *surface) describe(o *operation) huma.Operation {
	op := huma.Operation{
		Method: o.method, Path: o.path, OperationID: o.id, Tags: []string{o.tag}, Summary: o.summary, Description: o.about,
		Metadata: map[string]any{operationKey: o}, Middlewares: huma.Middlewares{a.enter}, DefaultStatus: http.StatusOK,
		Responses: map[string]*huma.Response{"200": {Description: "Done"}},
	}
	if o.method == http.MethodGet {
		op.Responses["200"].Description = "The answer"
	}
	if o.role != 0 {
		op.Security = []map[string][]string{{"token": {}}}
		op.Extensions = map[string]any{"x-lessor-role": o.role.String()}
	} else {
		op.Security = []map[string][]string{}
	}
	if o.body != nil {
		op.MaxBodyBytes, op.BodyReadTimeout = o.body.most+1, o.body.within // huma refuses what has exactly as many
	}
	return op
}

// described ends the description of an operation that is registered, by the ways in which it may fail.
func (a *surface) described(op *huma.Operation, o *operation) {
	statuses := append([]int{http.StatusBadRequest, http.StatusInternalServerError, http.StatusServiceUnavailable}, o.fails...)
	if o.role != 0 {
		statuses = append(statuses, http.StatusUnauthorized, http.StatusForbidden)
	}
	if o.body != nil {
		statuses = append(statuses, http.StatusRequestTimeout, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType)
	}
	o.keys = a.keysOf(o)
	delete(op.Responses, "default")
	for _, status := range statuses {
		op.Responses[strconv.Itoa(status)] = &huma.Response{Description: whyStatus[status],
			Content: map[string]*huma.MediaType{problemType: {Schema: schemaOf[Problem](a)}}}
	}
	done := op.Responses["200"]
	done.Headers = o.headers
	if o.makes == 0 {
		return
	}
	op.Responses["201"] = &huma.Response{Description: "Made", Content: done.Content, Headers: map[string]*huma.Param{
		"Location": {Description: "The path of what was made.", Schema: &huma.Schema{Type: huma.TypeString, Format: "uri-reference"}}}}
	if o.makes == always {
		delete(op.Responses, "200")
	}
}

// keysOf returns the keys of the body of an operation, in order; nil where it is no object.
func (a *surface) keysOf(o *operation) (keys []string) {
	item := a.huma.OpenAPI().Paths[o.path]
	for _, op := range []*huma.Operation{item.Post, item.Put} {
		if op == nil || op.Method != o.method || op.RequestBody == nil || op.RequestBody.Content[jsonType] == nil {
			continue
		}
		schema := op.RequestBody.Content[jsonType].Schema
		if schema.Ref != "" {
			schema = a.huma.OpenAPI().Components.Schemas.SchemaFromRef(schema.Ref)
		}
		keys = slices.Sorted(maps.Keys(schema.Properties))
	}
	return keys
}

var whyStatus = map[int]string{
	http.StatusBadRequest:            "The request is not as it should be",
	http.StatusUnauthorized:          "Nobody knows who asks: a token is missing, wrong or at its end",
	http.StatusForbidden:             "Who asks may not: a higher role is needed",
	http.StatusNotFound:              "What is named is not there",
	http.StatusRequestTimeout:        "The body did not come in time",
	http.StatusConflict:              "Refused as things stand: `detail` says why, and `remedy` what to do",
	http.StatusPreconditionFailed:    "The head is another one than If-Match says; nothing was changed",
	http.StatusRequestEntityTooLarge: "The body is too long",
	http.StatusUnsupportedMediaType:  "The body is of a type that is not read here",
	http.StatusUnprocessableEntity:   "The document is wrong: `problems` says where, and what would be right",
	http.StatusInternalServerError:   "The server is at fault",
	http.StatusNotImplemented:        "This server does not do that",
	http.StatusServiceUnavailable:    "The server has too much to do, or stops: ask again after Retry-After",
}

// enter lets a request in: one that is not as it should be, and one more than there is room for, is refused before it is looked at.
func (a *surface) enter(ctx huma.Context, next func(huma.Context)) {
	o := ctx.Operation().Metadata[operationKey].(*operation)
	r, w := humago.Unwrap(ctx)
	if p := o.refuse(w, r, ctx.Operation().Parameters); p != nil {
		p.write(w)
		return
	}
	select {
	case o.room <- struct{}{}:
		defer func() { <-o.room }()
	default:
		unread(w, r)
		w.Header().Set("Retry-After", "1")
		(&Problem{Status: http.StatusServiceUnavailable, Title: "too many questions at once",
			Detail: "the server answers others now: ask again in a second, or end a stream that nobody reads"}).write(w)
		return
	}
	if o.takes > 0 {
		a.server.extend(w, o.takes)
	}
	next(ctx)
}

// refuse returns what is wrong with a request before its body is looked at, nil if nothing.
func (o *operation) refuse(w http.ResponseWriter, r *http.Request, known []*huma.Param) *Problem {
	p := o.refuseBody(r)
	if p == nil {
		p = o.refuseQuery(r, known)
	}
	if p != nil {
		unread(w, r)
	}
	return p
}

// refuseBody returns what is wrong with the body of a request before it is read. A page of another site cannot have a browser send such
// a content type without asking.
func (o *operation) refuseBody(r *http.Request) *Problem {
	switch {
	case o.body == nil && r.ContentLength != 0:
		return &Problem{Status: http.StatusRequestEntityTooLarge, Title: "unexpected body", Detail: "nothing here has a body"}
	case o.body == nil:
		return nil
	case !slices.Contains(o.body.types, mediaType(r)):
		return unsupported(o.body.types)
	case r.ContentLength > o.body.most:
		return tooLarge(o.body.most)
	}
	return nil
}

// unread says that what follows of a request is not read, also not slowly: the connection ends with the answer.
func unread(w http.ResponseWriter, r *http.Request) {
	if r.ContentLength == 0 {
		return
	}
	w.Header().Set("Connection", "close")
	http.NewResponseController(w).SetReadDeadline(time.Unix(1, 0))
}
