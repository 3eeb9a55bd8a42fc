// Package ledger knows which clients hold something else than the configuration would give them: it judges one binding by a
// policy (Judge), keeps those that are stale (Ledger), and adds up what another configuration, or another member, would
// mean for all of them (WhatIf, Drift).
//
// It is pure. It never decides what a client is told (responder), and never looks for bindings: they are shown to it.
package ledger
