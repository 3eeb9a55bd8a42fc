package node

import (
	"context"
	"net/netip"

	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/config"
	"github.com/lessor-dhcp/lessor/internal/config/version"
)

// Configurer is a server that keeps versions of the group's configuration. It is safe for concurrent use. A version is named
// by its ID, or by at least MinVersion digits that begin no other; "" is the head.
//
// Errors of all of them: *RefusedError says why not. A document that is wrong is config.Problems; a change that needs a yes a
// *ConfirmError; one that does not fit what others changed a *ConflictError.
type Configurer interface {
	// ConfigStatus returns how the configuration stands now.
	ConfigStatus(ctx context.Context) (GroupConfigStatus, error)
	// ConfigShow returns a version whole.
	ConfigShow(ctx context.Context, id string) (VersionShown, error)
	// ConfigHistory returns up to limit versions, the latest first.
	ConfigHistory(ctx context.Context, limit int) ([]VersionRow, error)
	// ConfigDiff returns what differs from a to b.
	ConfigDiff(ctx context.Context, a, b string) ([]version.Change, error)
	// ConfigApply makes a document the next version. Once it returns without an error that is durable here.
	ConfigApply(ctx context.Context, r ApplyRequest) (Applied, error)
	// ConfigRollback makes the next version say what an earlier one does. r.Document is not looked at.
	ConfigRollback(ctx context.Context, id string, r ApplyRequest) (Applied, error)
	// ConfigResolve ends a conflict by what a member's version says wherever the two are in conflict. r.Document is not looked
	// at.
	ConfigResolve(ctx context.Context, take binding.Member, r ApplyRequest) (Applied, error)
}

// A node is both: who reports for another may lack either.
var (
	_ Configurer = (*Node)(nil)
	_ Comparer   = (*Node)(nil)
)

// MinVersion is how many digits of a version's name are enough to name it.
const MinVersion = 6

// Comparer is a server that compares what clients have with what they would get. It is safe for concurrent use. A *RefusedError says
// why it cannot.
type Comparer interface {
	// Stale calls each with the clients that hold something else than the head would give them and that f lets through, in no
	// particular order, until each returns an error, which Stale returns.
	Stale(ctx context.Context, f StaleFilter, each func(*StaleRow) error) error
	// WhatIf says what would become of the clients that have a lease now if doc were the head. progress, if not nil, is called now
	// and then, by the goroutine that asked.
	WhatIf(ctx context.Context, doc *config.Document, progress func(done, total int)) (*WhatIfReport, error)
	// Drift says where a member would treat clients in another way; "" is the other member of the group. progress is as of WhatIf.
	Drift(ctx context.Context, with binding.Member, progress func(done, total int)) (*DriftReport, error)
	// Rehome gives the binding of an address another home. Once it returns without an error that is durable here.
	Rehome(ctx context.Context, addr netip.Addr, to binding.Member) error
}
