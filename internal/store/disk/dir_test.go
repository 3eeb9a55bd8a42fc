package disk_test

import (
	"bytes"
	"testing"

	"github.com/lessor-dhcp/lessor/internal/store/disk"
)

// A file that is made ahead is the same as one that is made at once, whatever it held before, hurried in its midst or not.
func TestAFileMadeAheadIsAllZero(t *testing.T) {
	const size = 400<<10 + 512
	for name, after := range map[string]int{"never hurried": 1000, "hurried": 0, "hurried in its midst": 2} {
		f, err := disk.Dir(t.TempDir()).Open("journal", disk.Create)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		if _, err := f.WriteAt(bytes.Repeat([]byte{0xff}, size+1000), 0); err != nil {
			t.Fatal(err)
		}
		asked := 0
		if err := disk.AllocateAhead(f, size, func() bool { asked++; return asked > after }); err != nil {
			t.Fatal(err)
		}
		b := make([]byte, size)
		n, err := f.ReadAt(b, 0)
		if got, _ := f.Size(); got != size || n != size || len(bytes.TrimLeft(b, "\x00")) > 0 || asked < 2 {
			t.Errorf("%s: %d octets, %d read (%v), asked %d times whether anybody waits", name, got, n, err, asked)
		}
	}
}
