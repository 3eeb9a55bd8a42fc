package web

import (
	"bytes"
	"fmt"
	"html/template"
	"io/fs"
	"net/http"
	"path"
	"slices"
	"strings"

	"github.com/lessor-dhcp/lessor/internal/api"
)

// look is a page's template within the frame.
type look struct{ *template.Template }

// looks reads the templates: each file but the frame's is a page.
func looks() map[string]look {
	shared := []string{"templates/frame.html", "templates/parts.html"}
	names, err := fs.Glob(files, "templates/*.html")
	if err != nil {
		panic(err)
	}
	all := map[string]look{}
	for _, name := range names {
		base := strings.TrimSuffix(path.Base(name), ".html")
		if base == "frame" || base == "parts" {
			continue
		}
		t := template.New("").Funcs(words)
		all[base] = look{template.Must(t.ParseFS(files, append(shared, name)...))}
	}
	return all
}

// place is one entry of the navigation.
type place struct{ Path, Name string }

// places are the pages that the navigation leads to.
var places = []place{
	{"/", "Overview"}, {"/network", "Network"}, {"/leases", "Leases"}, {"/configuration", "Configuration"}, {"/failover", "Failover"}, {"/events", "Events"},
}

// frame is what a page's template is given.
type frame struct {
	Visitor Visitor
	Places  []place
	// Here is the path of the entry of the navigation that the page belongs to.
	Here string
	// Finds says that the page has the field for a search itself.
	Finds bool
	// Part says that only the page's main part is asked for, which is put in the place of that of before.
	Part bool
	Data any
}

// replaced are the parts of pages that are asked for alone, by the name of the element whose place they take.
var replaced = []string{"state", "found", "pair", "map", "proposal", "problems", "asked", "trouble"}

// show writes a page. name is its template, here its place in the navigation.
func (p *pages) show(w http.ResponseWriter, r *http.Request, name, here string, data any) error {
	return p.write(w, r, http.StatusOK, name, here, data)
}

func (p *pages) write(w http.ResponseWriter, r *http.Request, status int, name, here string, data any) error {
	v, _ := p.Visitor(r)
	f := frame{Visitor: v, Places: places, Here: here, Data: data}
	f.Finds = name == "leases"
	part := r.Header.Get("HX-Target")
	block := "frame"
	if r.Header.Get("HX-Request") != "" && slices.Contains(replaced, part) && p.looks[name].Lookup(part) != nil {
		block, f.Part = part, true
	}
	var b bytes.Buffer
	if err := p.looks[name].ExecuteTemplate(&b, block, f); err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Add("Vary", "HX-Request")
	w.WriteHeader(status)
	w.Write(tamed(b.Bytes())) // an error means that nobody listens any more
	return nil
}

// tamed returns a page of UTF-8 in which no character does anything but be seen, whatever clients and addresses put there.
func tamed(page []byte) []byte {
	var b bytes.Buffer
	b.Grow(len(page))
	for _, r := range string(page) {
		if r != '\n' && r != '\t' && r != narrowSpace && api.Steers(r) {
			fmt.Fprintf(&b, "‹%02x›", r)
			continue
		}
		b.WriteRune(r)
	}
	return b.Bytes()
}
