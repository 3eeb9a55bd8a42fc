// Package api is how a running server is asked what it does, and told what to do: HTTP over a unix socket in its data
// directory, or over TCP, and the client for it. Answers are the values of package node as JSON; errors are problem details (RFC 9457).
//
// Each thing that can be asked or told is an operation (operation.go) with the types of its input and output, from which come the checks of
// a request and the description of all of them (openapi.json, docs/openapi.yaml). A Server's guarded is the one place that asks who may.
//
// Everything about a request is bounded: its size, its time, how many there are at once. A reader that is too slow for
// a stream is cut off. Text from the network may hold anything, so whatever could steer a terminal is escaped. Who changes the
// configuration is known from the kernel, never from the request.
//
// It decides nothing, and never touches the server's state but through the interfaces of node that are named for what operators want.
package api
