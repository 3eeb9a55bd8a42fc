package web

import (
	"testing"

	"github.com/lessor-dhcp/lessor/test/world"
)

func TestMain(m *testing.M) { world.Main(m) }
