package ledger

import (
	"testing"

	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/policy"
)

// FuzzLook judges records whose parts may say anything, as after damage or from another release: it always ends, in the same way
// each time, and says that something differs exactly where it says what.
func FuzzLook(f *testing.F) {
	root := compile(f, "west")
	b := grant(f, root, "west", "west", "10.0.0.50", phone, list)
	f.Add(b.Facts.Shared.Bytes, []byte{}, b.Result.Bytes, b.Reasons.Bytes, "west", uint8(binding.Granted))
	f.Add(b.Facts.Shared.Bytes, []byte{0, 12, 0, 2, 'p', 'c'}, b.Result.Bytes[:20], []byte{0xff, 6, 0, 0, 0, 0, 0, 0, 14}, "east", uint8(binding.ToldOlder))
	f.Add([]byte{1, 0, 6, 'f', 'l', 'o', 'o', 'r', '2', 4, 10, 0, 2, 1}, []byte{}, []byte{1}, []byte{}, "", uint8(99))
	local := compile(f, "west", "{options: {log-servers", "{on-takeover: local, options: {log-servers")
	other := named(compile(f, "west", "corp.example", "new.example", "10.0.0.50-", "10.0.0.51-"), "other")
	f.Fuzz(func(t *testing.T, shared, own, result, reasons []byte, home string, cause uint8) {
		x := b
		x.Facts = binding.StoredFacts{Shared: binding.NewBlob(shared), Own: own}
		x.Result, x.Reasons, x.Home, x.Cause = binding.NewBlob(result), binding.NewBlob(reasons), binding.Member(home), binding.Cause(cause)
		var j Judge
		w := NewWhatIf("west", root, nil, other)
		w.Add(&x)
		d := NewDrift("west", "east", root, nil, other)
		d.Add(&x)
		for _, p := range [...]struct{ policy, agreed int }{{0, 0}, {1, 0}, {2, 0}, {2, 1}} {
			j.Use("west", []*policy.Policy{root, local, other}[p.policy], []*policy.Policy{nil, root}[p.agreed])
			standing, why := j.Look(&x)
			c := j.Compare(&x)
			if c.Standing != standing || c.Cause != why || (standing == Stale) != (c.Lost != "" || len(c.Differences) > 0) || (standing == Stale) != (why != 0) {
				t.Fatalf("%d, %v, and compared %+v", standing, why, c)
			}
			for i := range c.Differences {
				j.Why(c.Differences[i].Code)
			}
			j.Classes(func(string) {})
		}
	})
}
