package node

import (
	"context"

	"github.com/lessor-dhcp/lessor/internal/binding"
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

// MinVersion is how many digits of a version's name are enough to name it.
const MinVersion = 6
