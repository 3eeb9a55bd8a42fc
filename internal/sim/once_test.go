package sim

import "testing"

// Histories that failed once, each for a reason of its own.
func TestWhatFailedOnceHolds(t *testing.T) {
	for _, c := range []struct {
		seed uint64
		why  string
	}{
		{144, "of two that were declared down each waited for the other"},
		{155, "on a full disk a server that began anew wrote at once, failed, and began anew"},
		{348, "a reload that met a server in the middle of opening its store was forgotten"},
		{419, "one that stood still while its disk was full went on as if it had not"},
		{445, "a store that went back to its beginning did not wait"},
		{481, "a partner that was declared down and had only begun was taken for one that serves"},
		{498, "what was done in PARTNER-DOWN with a range that was taken out since was not told, and the range came back"},
		{986, "a store that went back lacked what the other server had never heard of"},
		{989, "time freed what a partner in RECOVER-DONE had prolonged"},
		{1326, "in RECOVER-DONE somebody was given the address that it had had before"},
		{1628, "what a client was told had rotted"},
		{1637, "two starts in a row that failed tore both copies of the identity"},
		{3699, "that a store had gone back was forgotten when it was read anew"},
		{3821, "what was told before an address was free, and left after, was taken for told of what came then"},
		{4186, "a server took the other one's older store for a sign that its own was lost"},
		{5671, "that it had been declared down was forgotten when the store was read anew"},
		{5830, "of two on full disks each waited for the other"},
		{10482, "a word that was told twice was taken for the last one"},
		{14782, "a lost store waited by a smaller MCLT than it had granted by"},
		{14831, "a client was granted time by what another one had been promised"},
		{19614, "the same, where the other server's client was the later one"},
		{11829, "a server that began waited as long as the process before it"},
		{11622, "a server with a full disk that was declared down came back unheard"},
		{11792, "a release of an address that was in no pool was refused"},
	} {
		if out := Run(Draw(c.seed, false), nil, nil); out.Failed != "" {
			t.Errorf("make sim SEED=%d (%s): %s", c.seed, c.why, out.Failed)
		}
	}
}
