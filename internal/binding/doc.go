// Package binding is the record of an address or delegated prefix: which client has it or had it last, in which
// state, until when, what that client said (Facts), what it was told (Result) and why (Reasons). It knows which
// changes of state are legal, who a client is, and keeps all the bindings of one server in a Table.
//
// It never decides who gets what (pool, responder), never reads a clock, and never touches a disk (store).
package binding
