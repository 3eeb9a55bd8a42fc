package class

import (
	"encoding/binary"
	"fmt"
	"testing"

	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/option"
)

// classes returns n expressions of one sort.
func classes(n int, sort string) (texts []string) {
	for i := range n {
		switch sort {
		case "simple":
			texts = append(texts, []string{
				fmt.Sprintf(`vendor_class.startsWith("Phone-%d")`, i),
				fmt.Sprintf(`hardware.startsWith("02:00:%02x")`, i%256),
				fmt.Sprintf(`user_class == "kiosk%d"`, i),
				fmt.Sprintf(`option[93] == %d`, i),
			}[i%4])
		case "cel":
			texts = append(texts, []string{
				fmt.Sprintf(`vendor_class.size() > %d && vendor_class.substring(2).startsWith("one-%d")`, i%7, i),
				fmt.Sprintf(`vendor_class.matches("^Phone-[0-9]+%d$")`, i),
				fmt.Sprintf(`user_classes.exists(c, c == "kiosk%d")`, i),
				fmt.Sprintf(`93 in option && option[93][0] == %d`, i),
			}[i%4])
		}
	}
	return texts
}

func setOf(t testing.TB, texts []string) *Set {
	t.Helper()
	c := NewCompiler(option.Standard())
	var ms []*Match
	for _, text := range texts {
		m, problems := c.Expression(text)
		if m == nil {
			t.Fatalf("%s: %v", text, problems)
		}
		ms = append(ms, m)
	}
	return NewSet(ms)
}

// stranger makes c a client that nobody has seen.
func stranger(c *Client, n uint64) {
	var b [8]byte
	binary.BigEndian.PutUint64(b[:], n*0x9e3779b97f4a7c15)
	c.Identity.Hardware = binding.HardwareOf(1, b[:6])
	c.Options.(sent)[option.CodeVendorClass] = fmt.Appendf(nil, "Phone-%d", n)
	c.Options.(sent)[option.CodeUserClass] = fmt.Appendf(nil, "kiosk%d", n)
}

func BenchmarkMembers(b *testing.B) {
	for _, sort := range []string{"simple", "cel"} {
		for _, n := range []int{0, 20, 500} {
			set := setOf(b, classes(n, sort))
			b.Run(fmt.Sprintf("%s/%d/hit", sort, n), func(b *testing.B) {
				var m Memory
				var dst []uint32
				c := phone()
				b.ReportAllocs()
				for b.Loop() {
					dst, _ = set.Members(c, &m, dst[:0])
				}
			})
			b.Run(fmt.Sprintf("%s/%d/miss", sort, n), func(b *testing.B) {
				var m Memory
				var dst []uint32
				c := phone()
				b.ReportAllocs()
				for i := uint64(0); b.Loop(); i++ {
					stranger(c, i)
					dst, _ = set.Members(c, &m, dst[:0])
				}
			})
		}
	}
}

func BenchmarkStranger(b *testing.B) { // what the clients of a miss cost by themselves
	c := phone()
	b.ReportAllocs()
	for i := uint64(0); b.Loop(); i++ {
		stranger(c, i)
	}
}

func BenchmarkCompile500(b *testing.B) {
	for _, sort := range []string{"simple", "cel"} {
		texts := classes(500, sort)
		b.Run(sort, func(b *testing.B) {
			for b.Loop() {
				setOf(b, texts)
			}
		})
	}
}
