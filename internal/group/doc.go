// Package group decides which version of the configuration is the head on a member, and who may move it: first contact of
// two members, adoption by the receiver first, branches while the link is declared lost, and what becomes of them when
// the two meet again.
//
// It never stores or sends anything and never looks at a clock. A Step says what is to be made durable, and what is to be
// told when that is done. How a change is made and merged is config/version's.
package group
