package main

import (
	"errors"
	"fmt"
	"io"
	"os"

	"go.yaml.in/yaml/v4"

	"github.com/lessor-dhcp/lessor/internal/api"
	"github.com/lessor-dhcp/lessor/internal/config"
)

// whichServer says which running server a command asks.
type whichServer struct {
	Socket string `type:"path" placeholder:"PATH" env:"LESSOR_SOCKET" help:"The server's socket; default: ${socket}."`
	Config string `type:"path" placeholder:"FILE" help:"The server's configuration file: the socket is in its data directory."`
}

// client returns a client of the server that is meant.
func (s whichServer) client() (*api.Client, error) {
	switch {
	case s.Socket != "":
		return api.NewClient(s.Socket), nil
	case s.Config == "":
		return api.NewClient(api.SocketIn(config.DefaultData)), nil
	}
	dir, err := dataDirectory(s.Config)
	if err != nil {
		return nil, err
	}
	return api.NewClient(api.SocketIn(dir)), nil
}

// dataDirectory returns the data directory that a configuration file names. A file with errors will do as long as that
// much can be read of it: whoever has just broken it wants to ask the server that still runs.
func dataDirectory(file string) (string, error) {
	src, err := readDocument(file, nil)
	if err != nil {
		return "", err
	}
	doc, problems := config.Parse(file, src)
	if doc != nil {
		return doc.Server.Data, nil
	}
	var part struct {
		Server struct {
			Data string `yaml:"data"`
		} `yaml:"server"`
	}
	if err := yaml.Unmarshal(src, &part); err != nil {
		return "", fmt.Errorf("%s has errors, so the server's socket is not known: mend it (`lessor check %[1]s` shows %d problems), or give --socket PATH",
			file, len(problems))
	}
	if part.Server.Data == "" {
		return config.DefaultData, nil
	}
	return part.Server.Data, nil
}

// readDocument returns what stands in a configuration file; "-" is in, where there is one.
func readDocument(file string, in io.Reader) ([]byte, error) {
	if file != "-" || in == nil {
		f, err := os.Open(file)
		if err != nil {
			return nil, err
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
