package main

import (
	"os"
	"testing"

	"github.com/lessor-dhcp/lessor/internal/api"
)

// Who says nothing of a socket asks at the one in the data directory, else at the service's own; where there is neither, the first is what is missed.
func TestTheSocketThatIsMeant(t *testing.T) {
	data, runtime := t.TempDir(), t.TempDir()
	if got := reachable(data, runtime); got != api.SocketIn(data) {
		t.Errorf("where there is none: %s", got)
	}
	if err := os.WriteFile(api.SocketIn(runtime), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if got := reachable(data, runtime); got != api.SocketIn(runtime) {
		t.Errorf("where only the service's own is: %s", got)
	}
	if err := os.WriteFile(api.SocketIn(data), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if got := reachable(data, runtime); got != api.SocketIn(data) {
		t.Errorf("where both are: %s", got)
	}
}

func TestTheFirstRuntimeDirectoryIsUsed(t *testing.T) {
	for value, want := range map[string]string{"": "", "/run/lessor": "/run/lessor", "/run/lessor:/run/other": "/run/lessor"} {
		t.Setenv("RUNTIME_DIRECTORY", value)
		if got := runtimeDirectory(); got != want {
			t.Errorf("%q: %q, want %q", value, got, want)
		}
	}
}
