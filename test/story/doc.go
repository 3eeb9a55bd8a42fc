// Package story plays the story of two servers and the bridge, in network namespaces: west and east, each on its own segment
// of one shared network; a bridge between them, over which they also talk to each other; 129 clients. Somebody changes the
// configuration at west, the bridge fails before east has heard of it, clients move from one segment to the other, the bridge
// heals. The same is played with two Lessors, with two ISC dhcpd, with two Kea, and with one of each.
//
// What decides is what clients were told, by their own lease files. No server is believed about that.
package story
