package peerwire

import "testing"

func TestParsingAndBuildingDoNotAllocate(t *testing.T) {
	all := capture(t)
	bundle := manyUpdates(t, 100)
	var m Message
	room := make([]byte, 0, 1<<16)
	ours, isc := Lessor, ISC
	for what, f := range map[string]func(){
		"parse what ISC says": func() {
			for i := range all {
				_ = m.Parse(all[i].b, isc)
			}
		},
		"write what ISC says": func() {
			for i := range all {
				_ = m.Parse(all[i].b, isc)
				_, _ = m.Append(room, ISC, 0)
			}
		},
		"parse 100 bindings": func() { _ = m.Parse(bundle, ours) },
		"write 100 bindings": func() {
			_ = m.Parse(bundle, ours)
			_, _ = m.Append(room, Lessor, 0)
		},
		"refuse": func() {
			for i := range hostile {
				_ = m.Parse(hostile[i].b, ours)
			}
		},
		"there is no room": func() {
			_ = m.Parse(bundle, ours)
			_, _ = m.Append(room, Lessor, 20)
		},
		"cut": func() { _, _, _ = Cut(bundle, 1<<16) },
	} {
		if n := testing.AllocsPerRun(10, f); n != 0 {
			t.Errorf("%s: %v allocations", what, n)
		}
	}
}

// manyUpdates is a message as goes between two Lessors all the time: the results and requests are named, not said.
func manyUpdates(t testing.TB, n int) []byte {
	u := everyDetail()
	u.Has = draftUpdate.Without(OptIPFlags) | SetOf(ExtSequence, ExtStarts, ExtConfigVersion, ExtHome, ExtCause, ExtRequestDigest,
		ExtResultDigest, ExtReasonsDigest)
	m := bndUpd()
	for range n {
		m.Updates = append(m.Updates, u)
	}
	b, err := m.Append(nil, Lessor, 0)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func BenchmarkParseUpdateOfISC(b *testing.B) { benchmarkParse(b, unhex(written[12].want), ISC) }

func BenchmarkParseUpdateOfALessor(b *testing.B) { benchmarkParse(b, manyUpdates(b, 1), Lessor) }

func BenchmarkParse100Updates(b *testing.B) { benchmarkParse(b, manyUpdates(b, 100), Lessor) }

func benchmarkParse(b *testing.B, msg []byte, d Dialect) {
	var m Message
	b.ReportAllocs()
	b.SetBytes(int64(len(msg)))
	for b.Loop() {
		if err := m.Parse(msg, d); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkWriteUpdateToISC(b *testing.B) { benchmarkWrite(b, unhex(written[12].want), ISC) }

func BenchmarkWrite100Updates(b *testing.B) { benchmarkWrite(b, manyUpdates(b, 100), Lessor) }

func benchmarkWrite(b *testing.B, msg []byte, d Dialect) {
	var m Message
	if err := m.Parse(msg, d); err != nil {
		b.Fatal(err)
	}
	room := make([]byte, 0, 1<<16)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := m.Append(room, d, 0); err != nil {
			b.Fatal(err)
		}
	}
}
