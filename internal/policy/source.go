package policy

import (
	"fmt"
	"path"
)

// Source says of what text lines are counted. The zero value: of nothing that is known.
type Source struct {
	// Version is a version of the configuration: a line is one of those that `lessor config show VERSION` prints, its first one included,
	// which names the version. Empty: the text is that of File, which is no version.
	Version string `json:"version,omitempty"`
	// File is the file whose text that is: beside a version, one that says it, in which the same lines are called file_line.
	File string `json:"file,omitempty"`
}

// shortVersion is how many digits of a version's name people are shown.
const shortVersion = 12

// Where says for people which line is meant, file_line being the same one of File, or 0: lessor.yaml:7, version 0123456789ab:6, or line 6
// where it is not known of what. It is empty where line is 0.
func (s Source) Where(line, fileLine int) string {
	switch {
	case line <= 0:
		return ""
	case s.File != "" && s.Version == "":
		return fmt.Sprintf("%s:%d", path.Base(s.File), line)
	case s.File != "" && fileLine > 0:
		return fmt.Sprintf("%s:%d", path.Base(s.File), fileLine)
	case s.Version != "":
		return fmt.Sprintf("version %s:%d", s.Version[:min(len(s.Version), shortVersion)], line)
	}
	return fmt.Sprintf("line %d", line)
}

// Source says of what text the lines in what p explains are counted.
func (p *Policy) Source() Source {
	if p.named {
		return Source{Version: p.Version.String()}
	}
	return Source{File: p.Document.File}
}
