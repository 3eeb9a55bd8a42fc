// Package groupwire is the bytes of what two members say on `lessor-group/1`: messages, and the pieces of them that go
// into frames, so that a long document never keeps a connection to itself.
//
// What arrives is believed to come from the partner and nothing else: it is bounded, and read strictly. The package never
// decides what follows from a message (group), and never sends one (peer).
package groupwire
