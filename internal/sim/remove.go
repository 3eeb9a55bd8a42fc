package sim

import "github.com/lessor-dhcp/lessor/internal/failover"

// Removal takes a rule away, to see whether that is noticed. The zero Removal takes nothing away.
type Removal struct {
	Name string
	// TellFirst lets what was decided leave before it is durable.
	TellFirst bool
}

// relationship returns a relationship without what is taken away.
func (r *Removal) relationship(cfg failover.Config) failover.Config { return cfg }
