// Package web is what an operator sees in a browser: pages made here, on the server, from the same questions that the command
// line asks, with the same checks, as the person who is signed in.
//
// Everything is embedded: there is no build step, and nothing comes from another host. No page has a script or a style in it, so that
// a content security policy can forbid both; whatever text a client sent is escaped by html/template. A page has an address that can
// be sent to a colleague, works without a pointer, and says in words what it says in colours.
//
// It decides nothing, keeps nothing between two requests, and never touches a server but through Service.
package web
