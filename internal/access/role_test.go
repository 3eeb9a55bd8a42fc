package access

import (
	"encoding/json"
	"testing"
)

func TestARoleMayWhatALowerOneMay(t *testing.T) {
	for _, test := range []struct {
		has, needs Role
		may        bool
	}{
		{0, Viewer, false}, {0, 0, false}, {Viewer, 0, false}, {Viewer, Viewer, true}, {Viewer, Operator, false}, {Viewer, Administrator, false},
		{Operator, Viewer, true}, {Operator, Operator, true}, {Operator, Administrator, false},
		{Administrator, Viewer, true}, {Administrator, Operator, true}, {Administrator, Administrator, true},
	} {
		if got := (Identity{Role: test.has}).May(test.needs); got != test.may {
			t.Errorf("%v may what needs %v: got %v", test.has, test.needs, got)
		}
	}
}

func TestRolesHaveNames(t *testing.T) {
	for i, name := range Roles() {
		r, err := ParseRole(name)
		if err != nil || r != Role(i+1) || r.String() != name {
			t.Errorf("%s: got %v, %v", name, r, err)
		}
	}
	for _, name := range []string{"", "nobody", "Viewer", "root", "administrator "} {
		if r, err := ParseRole(name); err == nil {
			t.Errorf("%q became %v", name, r)
		}
	}
	if _, err := json.Marshal(Role(0)); err == nil {
		t.Error("a role that is none was written")
	}
}

func TestNobodyIsNobody(t *testing.T) {
	if id, ok := From(t.Context()); ok {
		t.Errorf("got %v", id)
	}
	want := Identity{Name: "west", Role: Operator, From: FromSocket}
	if id, ok := From(With(t.Context(), want)); !ok || id != want {
		t.Errorf("got %v, %v", id, ok)
	}
}
