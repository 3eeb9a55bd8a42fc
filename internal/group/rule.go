package group

// Rules are some of the rules about who adopts a version when. Tests take them away one at a time and see that it is noticed; nothing
// else ever does. The zero value is none of them.
type Rules uint8

const (
	// RuleReceiverFirst: who makes a version serves by it when the other member does.
	RuleReceiverFirst Rules = 1 << iota
	// RuleLost: without a connection nothing is adopted before the link is declared lost.
	RuleLost
	// RuleSettled: what an address is kept for by a new agreement holds when both know what was given away by the one before.
	RuleSettled
)
