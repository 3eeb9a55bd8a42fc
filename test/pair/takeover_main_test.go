// Package pair puts two real servers into namespaces, with clients on either side, and takes away from them what can be
// taken away: the process, the power, the time, the cable between them, the disk. Clients keep a ledger of what they were
// told, which is what decides.
package pair

import (
	"testing"

	"github.com/lessor-dhcp/lessor/test/world"
)

func TestMain(m *testing.M) { world.Main(m) }
