// Package sim is a group of two whole servers and their clients in one goroutine under virtual time: the real node.Core,
// real packets in octets, the real store over a disk that forgets, tears and fails, the real octets between the two servers.
// Everything comes from one seed, so that a history can be played again; nothing of it is in the program that is installed.
//
// Where things are:
//
//	plan.go      what a history is made of: settings, and the list of decisions that are carried out
//	swarm.go     a plan from a seed
//	world.go     the history: events in the order of time, its hash, its log
//	clock.go     what the clocks of the machines show
//	member.go    a server's process: what node.Run does around the core
//	disk.go      its commits, its crashes, what its disk does wrong
//	link.go      the connection between the two servers, as TCP has it
//	lan.go       the networks between clients and servers
//	client.go    a client by RFC 2131, dialogue.go what it says and hears
//	fault.go     how decisions are carried out; operator.go those of operators; ambush.go faults that wait for their moment
//	ledger.go    what the clients hold by their own count
//	oracle_*.go  what must hold after every event
//	heal.go      the end: faults are over, and all must come to rest
//	mark.go      what must have happened sometimes
//	remove.go    the rules that are taken away to see whether it is noticed
//	shrink.go    a long history that fails made short, and transcripts
package sim
