package version

import (
	"encoding/json"
	"testing"
)

func TestNamesComeBackFromJSON(t *testing.T) {
	for k := Added; k <= Moved; k++ {
		b, err := json.Marshal(k)
		var back Kind
		if err != nil || json.Unmarshal(b, &back) != nil || back != k {
			t.Errorf("%v: %s came back as %v", k, b, back)
		}
	}
	for r := BothChanged; r <= Invalid; r++ {
		b, err := json.Marshal(r)
		var back Reason
		if err != nil || json.Unmarshal(b, &back) != nil || back != r {
			t.Errorf("%v: %s came back as %v", r, b, back)
		}
	}
	for _, s := range []string{`""`, `"invalid"`, `"gone"`} {
		var k Kind
		var r Reason
		if json.Unmarshal([]byte(s), &k) == nil || json.Unmarshal([]byte(s), &r) == nil {
			t.Errorf("%s: read as %v, %v", s, k, r)
		}
	}
}
