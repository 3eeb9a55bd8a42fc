package class

import (
	"bytes"

	"github.com/lessor-dhcp/lessor/internal/dhcpv4"
	"github.com/lessor-dhcp/lessor/internal/option"
)

// AppendDomain appends the client's domain: what follows the first label of the name in option 81 (RFC 4702), else of
// that in option 12, in lower case and without a dot at the end. Nothing is appended where neither names a domain. What
// no host name has is escaped as in a domain name's text form, so equal names are equal texts.
func (c *Client) AppendDomain(dst []byte) []byte {
	n := len(dst)
	if v, ok := c.option(option.CodeClientFQDN); ok {
		if name, ok := dhcpv4.ParseFQDN(v); ok {
			if dst = keepDomain(name.AppendName(dst), n); len(dst) > n {
				return dst
			}
		}
	}
	if v, ok := c.option(option.CodeHostName); ok && len(v) <= option.MaxName {
		return keepDomain(appendHostName(dst, v), n)
	}
	return dst
}

// appendHostName appends option 12 as option.AppendFQDNText appends a name: dots between labels, what is no host name
// escaped, the zeros left out that some clients end it with.
func appendHostName(dst, name []byte) []byte {
	for i, c := range bytes.TrimRight(name, "\x00") {
		switch {
		case c == '.':
			dst = append(dst, '.')
		case isNameOctet(c):
			dst = append(dst, name[i])
		default:
			dst = append(dst, '\\', '0'+c/100, '0'+c/10%10, '0'+c%10)
		}
	}
	return dst
}

func isNameOctet(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '_'
}

// keepDomain leaves of the name from n on what follows its first label, in lower case and without dots at the end.
func keepDomain(dst []byte, n int) []byte {
	name := bytes.TrimRight(dst[n:], ".")
	dot := bytes.IndexByte(name, '.')
	if dot < 0 {
		return dst[:n]
	}
	end := n
	for _, c := range name[dot+1:] {
		if c >= 'A' && c <= 'Z' {
			c += 'a' - 'A'
		}
		dst[end] = c
		end++
	}
	return dst[:end]
}
