package main

import (
	"os"
	"strings"

	"github.com/lessor-dhcp/lessor/internal/api"
	"github.com/lessor-dhcp/lessor/internal/config"
)

// packagedRuntime is the directory in which the package's unit has the server make a socket for its group (RuntimeDirectory=lessor).
const packagedRuntime = "/run/lessor"

// runtimeDirectory returns the directory that systemd made for this service, for as long as it runs (systemd.exec(5)); "" where there is none.
func runtimeDirectory() string {
	first, _, _ := strings.Cut(os.Getenv("RUNTIME_DIRECTORY"), ":")
	return first
}

// defaultSocket returns the socket of the server that is meant where nobody says which: the one in the usual data directory or, for who may not look
// into that or where nothing is there, the one of the package's service.
func defaultSocket() string { return reachable(config.DefaultData, packagedRuntime) }

func reachable(data, runtime string) string {
	first, second := api.SocketIn(data), api.SocketIn(runtime)
	if _, err := os.Stat(first); err == nil {
		return first
	}
	if _, err := os.Stat(second); err == nil {
		return second
	}
	return first
}
