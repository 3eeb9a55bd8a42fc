package node

import "testing"

// What stands behind the stroke in the name of a switch's port is no hardware address, which every client's would have in it.
func TestThePortOfASwitchIsNoHardware(t *testing.T) {
	for text, want := range map[string]string{"ge-70/0:0": "", "eth0/1:00": "", "6/02:00": "0200", "02:00": "0200"} {
		s, err := parseSearch(text)
		if err != nil || string(s.digits) != want {
			t.Errorf("%s is read as the digits %q: %v", text, s.digits, err)
		}
	}
}
