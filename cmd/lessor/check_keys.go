package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/lessor-dhcp/lessor/internal/config"
	"github.com/lessor-dhcp/lessor/internal/peer/keys"
)

// checkKeys returns a problem for each file without which this server has nothing to prove to other Lessors who it is.
// They are the machine's, so this looks at the machine; what only the server's user may see counts as there.
func checkKeys(doc *config.Document) config.Problems {
	if !meetsLessors(doc) {
		return nil
	}
	t := doc.Server.TLS
	if t.Certificate == "" {
		d := keys.In(doc.Server.Data)
		if !isMissing(d.Files().Certificate) {
			return nil
		}
		return config.Problems{doc.Warning(doc.Group.Position,
			fmt.Sprintf("two Lessors talk with keys only, and there are none in %s: `lessor serve` refuses this document on this machine", d),
			"run lessor group init on the primary and lessor group join on the other member (docs/members.md), or name the files in server: tls")}
	}
	var all config.Problems
	for _, f := range []struct{ key, name string }{{"certificate", t.Certificate}, {"key", t.Key}, {"authority", t.Authority}} {
		if name := beside(doc.File, f.name); isMissing(name) {
			all = append(all, doc.Warning(t.Position, fmt.Sprintf("tls: %s: there is no file %s: `lessor serve` refuses this document on this machine", f.key, name),
				"put the file there, or name the one that is meant"))
		}
	}
	return all
}

// meetsLessors reports whether some other member is a Lessor.
func meetsLessors(doc *config.Document) bool {
	n := 0
	for _, m := range doc.Group.Members {
		if m.Protocol == config.ProtocolLessor {
			n++
		}
	}
	return n > 1
}

// beside returns where a file is that a document names.
func beside(document, name string) string {
	if filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(filepath.Dir(document), name)
}

func isMissing(name string) bool {
	_, err := os.Stat(name)
	return errors.Is(err, fs.ErrNotExist)
}
