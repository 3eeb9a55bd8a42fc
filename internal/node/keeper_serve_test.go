package node

import (
	"testing"

	"github.com/lessor-dhcp/lessor/internal/config"
	"github.com/lessor-dhcp/lessor/internal/store"
	"github.com/lessor-dhcp/lessor/internal/store/memfs"
)

// Whether there is somebody who tells what a store lacks is what the head says, whatever this member's file does.
func TestWhoTellsWhatAStoreLacksIsSaidByTheHead(t *testing.T) {
	st, err := store.Open(store.Config{FS: memfs.New(0), Dir: "/nowhere", Member: "west", NewID: store.ID{1}, SegmentSize: 64 << 10})
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	read := func(text string) *config.Document {
		d, problems := config.Parse("lessor.yaml", []byte(text))
		if d == nil {
			t.Fatal(problems)
		}
		return d.As("west")
	}
	alone := read(runDocument)
	two := read(runDocument + "group: {name: campus, members: {west: {peer: 127.0.0.1}, east: {peer: 127.0.0.2}}}\n")
	for _, c := range []struct {
		file, head *config.Document
		asks       bool
	}{{alone, two, true}, {two, alone, false}, {two, nil, true}, {alone, nil, false}} {
		n := &Node{keeper: &keeper{file: c.file, heads: served{document: c.head}}}
		if got := n.asksPartner(st); got != c.asks {
			t.Errorf("by a file with %d members and a head: %v", len(c.file.Group.Members), got)
		}
	}
}
