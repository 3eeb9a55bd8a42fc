package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"

	"github.com/alecthomas/kong"

	"github.com/lessor-dhcp/lessor/internal/api"
	"github.com/lessor-dhcp/lessor/internal/config"
	configversion "github.com/lessor-dhcp/lessor/internal/config/version"
)

// reach says how a running server is reached.
type reach struct {
	Socket string `type:"path" default:"" placeholder:"PATH" help:"The server's socket; default: what is in LESSOR_SOCKET, else ${socket}."`
	remote `embed:""`
}

// socketVariable says in the environment what --socket does. Empty, it says nothing.
const socketVariable = "LESSOR_SOCKET"

// client returns a client of the server that is meant.
func (r reach) client() (*api.Client, error) {
	socket, url := os.Getenv(socketVariable), os.Getenv(apiVariable)
	switch {
	case r.API != "" && r.Socket != "":
		return nil, usageError{err: errors.New("--socket asks a server on this machine, --api one over TCP: give one of them")}
	case r.API != "":
		return r.remote.client()
	case r.Socket != "":
		return api.NewClient(r.Socket), nil
	case r.TokenFile+r.CA+r.Fingerprint != "" && url == "":
		return nil, usageError{err: errors.New("--token-file, --ca and --fingerprint are about a server that is asked over TCP: which one? Give --api URL")}
	case socket != "" && r.TokenFile+r.CA+r.Fingerprint == "":
		return api.NewClient(kong.ExpandPath(socket)), nil
	case url != "":
		r.API = url
		return r.remote.client()
	}
	return api.NewClient(defaultSocket()), nil
}

// whichServer says which running server a command asks.
type whichServer struct {
	Socket string `type:"path" default:"" placeholder:"PATH" help:"The server's socket; default: what is in LESSOR_SOCKET, else ${socket}."`
	Config string `type:"path" default:"" placeholder:"FILE" help:"The server's configuration file: the socket is in its data directory."`
	remote `embed:""`
}

// client returns a client of the server that is meant. What a flag says goes before what the environment does.
func (s whichServer) client() (*api.Client, error) {
	switch {
	case s.Config == "" || s.Socket != "":
		return reach{s.Socket, s.remote}.client()
	case s.API != "":
		return nil, usageError{err: errors.New("--config names a server on this machine, --api one over TCP: give one of them")}
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
