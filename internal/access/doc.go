// Package access is who may ask a server, and what is kept of what they did: roles and identities, the tokens that programs
// and people prove themselves with, the sessions of browsers, the holding back of those who guess, and the log of changes.
//
// It knows nothing of HTTP and of what is asked; package api has that. Secrets come in once, are compared in constant time, and are
// kept as digests only: no error, log line or file has one.
package access
