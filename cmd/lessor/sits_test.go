package main

import (
	"net/netip"
	"os"
	"path/filepath"
	"testing"
)

func TestWhereTheOperatorSitsIsFoundBehindSudo(t *testing.T) {
	proc := t.TempDir()
	put := func(pid, name, text string) {
		if err := os.MkdirAll(filepath.Join(proc, pid), 0o700); err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(proc, pid), name, text)
	}
	put("30", "environ", "PATH=/bin\x00SUDO_USER=ann\x00")
	put("30", "stat", "30 (su do) x) S 20 30 30 0\n")
	put("20", "environ", "SSH_CONNECTION=not an address\x00")
	put("20", "stat", "20 (bash) S 10 20 20 0\n")
	put("10", "environ", "TERM=x\x00SSH_CONNECTION=10.9.0.77 50000 10.9.0.1 22\x00")
	if a, ok := sshAbove(proc, 30); !ok || a != netip.MustParseAddr("10.9.0.77") {
		t.Errorf("got %v, %v", a, ok)
	}
	put("40", "stat", "40 (loop) S 40 40 40 0\n") // a process that is its own parent
	put("50", "stat", "50")
	for _, pid := range []int{40, 50, 60, 1, 0} {
		if a, ok := sshAbove(proc, pid); ok {
			t.Errorf("%d: got %v", pid, a)
		}
	}
}

func TestWhereTheOperatorSitsHasNoAddressOfTheMachineToItself(t *testing.T) {
	t.Setenv("SSH_CONNECTION", "::ffff:192.0.2.7 1 192.0.2.1 22")
	all := operatorSits()
	if len(all) == 0 || all[0] != netip.MustParseAddr("192.0.2.7") {
		t.Errorf("got %v", all)
	}
	for _, a := range all {
		if a.IsLoopback() || a.IsLinkLocalUnicast() || a.Zone() != "" {
			t.Errorf("%v is there", a)
		}
	}
}
