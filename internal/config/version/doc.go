// Package version is the history of the group's configuration: versions, each named by its content, which of them comes
// from which, what differs between two documents by the operator's keys, and the merge of two documents that come from
// one.
//
// It never decides which version is the head (group), never stores or sends one, and never looks at a clock or at who
// is serving: the same versions give the same answers, in the same octets, on every member.
package version
