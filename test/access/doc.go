// Package access asks whole servers from outside, as operators, programs and strangers do: over TLS with tokens, over sockets, and in ways that
// nobody should, while clients of the server go on being served.
package access
