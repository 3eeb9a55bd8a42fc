// Package e2e runs the whole server against the DHCP clients, relays and load generators that are out there, in network
// namespaces, and looks at three places: what the client has, what passed on the wire, and what the server says it knows.
package e2e
