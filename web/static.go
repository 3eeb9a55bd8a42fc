package web

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strings"
)

//go:embed static templates
var files embed.FS

// asset is one embedded file.
type asset struct {
	kind, tag string
	octets    []byte
}

// assets are the embedded files by their path.
var assets = readAssets()

func readAssets() map[string]asset {
	all := map[string]asset{}
	err := fs.WalkDir(files, "static", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := files.ReadFile(name)
		if err != nil {
			return err
		}
		kind := mime.TypeByExtension(path.Ext(name))
		switch path.Ext(name) { // the machine's table may say otherwise
		case ".js":
			kind = "text/javascript; charset=utf-8"
		case ".css":
			kind = "text/css; charset=utf-8"
		case ".svg":
			kind = "image/svg+xml"
		case ".LICENSE":
			kind = "text/plain; charset=utf-8"
		}
		sum := sha256.Sum256(b)
		all["/"+name] = asset{kind: kind, tag: hex.EncodeToString(sum[:8]), octets: b}
		return nil
	})
	if err != nil {
		panic(err) // they are in the program
	}
	return all
}

// assetPath returns the address of an embedded file, which is another one when the file is.
func assetPath(name string) string {
	a, ok := assets["/static/"+name]
	if !ok {
		panic("no embedded file " + name)
	}
	return "/static/" + name + "?" + a.tag
}

// static answers with an embedded file.
func static(w http.ResponseWriter, r *http.Request) {
	a, ok := assets[r.URL.Path]
	if !ok {
		http.Error(w, "there is no such file", http.StatusNotFound)
		return
	}
	h := w.Header()
	h.Set("Content-Type", a.kind)
	h.Set("ETag", `"`+a.tag+`"`)
	h.Set("Cache-Control", "no-cache")
	if r.URL.RawQuery == a.tag {
		h.Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	if strings.Contains(r.Header.Get("If-None-Match"), a.tag) {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	w.Write(a.octets) // an error means that nobody listens any more
}
