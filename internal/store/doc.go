// Package store keeps the bindings of one server on disk: a journal of every change, in segments that are allocated
// ahead and used again, and now and then a snapshot of everything, so that the journal stays short. It also keeps who
// the directory belongs to and which version of the configuration was adopted. docs/store-format.md has the bytes.
//
// "Durable, then told": when Commit has returned nil, what was Put into the batch survives any crash. When it has
// returned an error, the store is dead, nothing of the batch may leave the machine, and only Open and Load anew say what
// is on the disk. What was damaged on the disk is never handed out as data; it is reported, with its address wherever
// either half of the record can still be read.
//
// Three goroutines may use a Store at a time: the decider (Begin, Put, Room, Reserve, SnapshotDue, BeginSnapshot, Step;
// none of them touches the disk), the committer (Commit), and whoever calls Run or Work. The package starts none itself
// and reads no clock.
package store
