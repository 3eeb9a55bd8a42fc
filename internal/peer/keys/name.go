package keys

import (
	"fmt"
	"net/url"
	"regexp"
	"strings"

	"github.com/lessor-dhcp/lessor/internal/binding"
)

// scheme is that of the URI in a member's certificate.
const scheme = "lessor-group"

// maxGroup is the length of the longest name of a group, in octets, as the document has it.
const maxGroup = 128

// memberName is what a member may be called: one label of a DNS name, as in the document.
var memberName = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?$`)

func checkNames(group string, member binding.Member) error {
	switch {
	case group == "" || len(group) > maxGroup:
		return fmt.Errorf("group %s: a name has 1 to %d octets", quote(group), maxGroup)
	case !memberName.MatchString(string(member)):
		return fmt.Errorf("member %s: a name is a label of a DNS name: letters, digits and hyphens, at most 63", quote(string(member)))
	}
	return nil
}

// uri returns what a certificate of the member carries. A member's name needs no escape.
func uri(group string, member binding.Member) *url.URL {
	return &url.URL{Scheme: scheme, Opaque: url.PathEscape(group) + "/" + string(member)}
}

// names returns what uri was made of, false if it was not made so.
func names(u *url.URL) (group string, member binding.Member, ok bool) {
	escaped, name, found := strings.Cut(u.Opaque, "/")
	group, err := url.PathUnescape(escaped)
	if u.Scheme != scheme || !found || err != nil || !memberName.MatchString(name) {
		return "", "", false
	}
	return group, binding.Member(name), true
}

// quote returns text of somebody else so that it can change neither a line nor a terminal.
func quote(s string) string {
	const longest = 64
	if len(s) > longest {
		return fmt.Sprintf("%+q…", s[:longest])
	}
	return fmt.Sprintf("%+q", s)
}
