package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"

	"github.com/lessor-dhcp/lessor/internal/api"
	"github.com/lessor-dhcp/lessor/internal/config"
	configversion "github.com/lessor-dhcp/lessor/internal/config/version"
)

// whichServer says which running server a command asks.
type whichServer struct {
	Socket string `type:"path" placeholder:"PATH" env:"LESSOR_SOCKET" help:"The server's socket; default: ${socket}."`
	Config string `type:"path" placeholder:"FILE" help:"The server's configuration file: the socket is in its data directory."`
	remote `embed:""`
}

// client returns a client of the server that is meant.
func (s whichServer) client() (*api.Client, error) {
	switch {
	case s.API != "":
		return s.remote.client()
	case s.Socket != "":
		return api.NewClient(s.Socket), nil
	case s.Config == "" && os.Getenv(apiVariable) != "":
		s.API = os.Getenv(apiVariable)
		return s.remote.client()
	case s.Config == "":
		return api.NewClient(defaultSocket()), nil
	}
	dir, err := dataDirectory(s.Config)
	if err != nil {
		return nil, err
	}
	return api.NewClient(api.SocketIn(dir)), nil
}

// dataDirectory returns the data directory that a configuration file names.
func dataDirectory(file string) (string, error) {
	src, err := readDocument(file, nil)
	if err != nil {
		return "", err
	}
	if doc, _ := parseDocument(file, src); doc != nil {
		return doc.Server.Data, nil
	}
	return dataDirectoryOfBroken(src), nil
}

// parseDocument is config.Parse for a document that may say which version it was written against.
func parseDocument(file string, src []byte) (*config.Document, config.Problems) {
	if _, rest, err := configversion.Against(src); err == nil {
		src = rest
	}
	return config.Parse(file, src)
}

var dataKey = regexp.MustCompile(`(?m)^[^#\n]*\bdata:[ \t]*["']?([^\s"',}#]+)`)

// dataDirectoryOfBroken returns the data directory that a document with errors seems to name: whoever has just broken
// the file wants to ask the server that still runs. A wrong guess asks a socket that is not there.
func dataDirectoryOfBroken(src []byte) string {
	if m := dataKey.FindSubmatch(src); m != nil {
		return string(m[1])
	}
	return config.DefaultData
}

// readDocument returns what stands in a configuration file; "-" is in, where there is one.
func readDocument(file string, in io.Reader) ([]byte, error) {
	if file != "-" || in == nil {
		f, err := os.Open(file)
		if err != nil {
			return nil, fmt.Errorf("the configuration cannot be read: %w: does the file exist, and may this user read it?", err)
		}
		defer f.Close()
		in = f
	}
	src, err := io.ReadAll(io.LimitReader(in, config.MaxSize+1))
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", file, err)
	}
	if len(src) > config.MaxSize {
		return nil, errors.New(file + ": larger than 64 MiB: is that a configuration file?")
	}
	return src, nil
}
