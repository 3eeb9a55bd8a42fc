package binding

import "testing"

func TestClientsHaveEqualKeysExactlyWhenTheyAreTheSame(t *testing.T) {
	r := newRandom(t)
	some := make([]Client, 200)
	for i := range some {
		some[i] = randomClient(r)
	}
	some = append(some, Client{}, Client{ID: []byte{1}}, Client{ID: []byte{1, 2, 0, 0, 0, 0, 1}})
	for i := range some {
		for j := range some {
			a, b := &some[i], &some[j]
			key := string(a.Key(nil))
			if is := a.Is(b); is != b.Is(a) || is != (key != "" && key == string(b.Key(nil))) {
				t.Fatalf("%+v is %+v: %v, but keys %x and %x", a, b, is, key, b.Key(nil))
			}
		}
	}
}

func TestEveryStateHasANameAndIsReadByIt(t *testing.T) {
	for s := Free; s <= Abandoned; s++ {
		if got, ok := ParseState(s.String()); !ok || got != s {
			t.Errorf("%d, %q: %v, %v", s, s, got, ok)
		}
		if !MayFollow(0, s) && !MayFollow(Active, s) {
			t.Errorf("nothing becomes %v", s)
		}
	}
	for _, bad := range []string{"", "invalid", "ACTIVE"} {
		if s, ok := ParseState(bad); ok {
			t.Errorf("%q is %v", bad, s)
		}
	}
	if MayFollow(Released, Expired) || MayFollow(Active, 0) || MayFollow(State(200), Free) {
		t.Error("an illegal change is allowed")
	}
}
