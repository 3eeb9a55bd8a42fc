// Dropped gives its capabilities up and prints what each of its threads is left with, for the test that runs it.
package main

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"sync"

	"github.com/lessor-dhcp/lessor/internal/socket"
)

func main() {
	// Threads that are there before.
	var up sync.WaitGroup
	hold := make(chan bool)
	for range 4 {
		up.Add(1)
		go func() {
			runtime.LockOSThread()
			up.Done()
			<-hold
		}()
	}
	up.Wait()
	if err := socket.DropCapabilities(socket.NetBindService, socket.NetRaw); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	all, _ := filepath.Glob("/proc/self/task/*/status")
	for _, f := range all {
		text, err := os.ReadFile(f)
		if err != nil {
			continue
		}
		os.Stdout.Write(text)
	}
	s, err := socket.Open(socket.Config{})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	s.Close()
	missing, err := socket.MissingCapabilities(socket.NetBindService, socket.NetRaw)
	fmt.Println("missing", missing, err)
}
