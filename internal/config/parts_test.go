package config

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/lessor-dhcp/lessor/internal/binding"
)

// meaning names what the document says by its digest and those of its parts, which must tell the same documents apart.
func meaning(t *testing.T, src string) [2]binding.Digest {
	t.Helper()
	d := parsed(t, src)
	return [2]binding.Digest{d.Digest, partsDigest(t, d)}
}

// partsDigest names a set of parts, and sees to it that each is there once and can be told.
func partsDigest(t *testing.T, d *Document) binding.Digest {
	t.Helper()
	var all []binding.Digest
	names := map[string]bool{}
	for _, p := range d.Parts() {
		if key := fmt.Sprint(p.Vital, p.Name); names[key] || len(p.Name) > 255 || len(p.Says) > 255 || p.Name == "" {
			t.Errorf("the part %q stands there twice, or cannot be told: %q", p.Name, p.Says)
		} else {
			names[key] = true
		}
		all = append(all, p.Digest)
	}
	slices.SortFunc(all, func(a, b binding.Digest) int { return slices.Compare(a[:], b[:]) })
	var b []byte
	for i, x := range all {
		if i > 0 && x == all[i-1] {
			t.Errorf("two parts have the digest %v", x)
		}
		b = append(b, x[:]...)
	}
	return binding.DigestOf(b)
}

// differ fails where a document has the digest, or the parts, of one before.
func differ(t *testing.T, seen map[binding.Digest]string, src, what string) {
	t.Helper()
	for _, d := range meaning(t, src) {
		if before, ok := seen[d]; ok {
			t.Errorf("%s has the digest of %s", what, before)
		}
		seen[d] = what
	}
}

// showParts shows a document's parts, one a line.
func showParts(d *Document) string {
	var b strings.Builder
	for _, p := range d.Parts() {
		vital := ""
		if p.Vital {
			vital = "vital "
		}
		fmt.Fprintf(&b, "%v %s%s: %s\n", p.Digest, vital, p.Name, p.Says)
	}
	return b.String()
}
