// Package api is how a running server is asked what it does, and told what to do: HTTP over a unix socket in its data
// directory, and the client for it. Answers are the values of package node as JSON; errors are problem details (RFC 9457).
//
// Everything about a request is bounded: its size, its time, how many there are at once. A reader that is too slow for
// a stream is cut off. Text from the network may hold anything, so whatever could steer a terminal is escaped. Who changes the
// configuration is known from the kernel, never from the request.
//
// It decides nothing, and never touches the server's state but through node.Reporter, node.Configurer and node.Comparer.
package api
