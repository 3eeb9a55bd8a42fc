package failover

import (
	"time"

	"github.com/lessor-dhcp/lessor/internal/binding"
)

// Asking is a new client's request, as load balancing looks at it.
type Asking struct {
	Client *binding.Client
	// Secs is how long the client says that it has been asking (RFC 2131 §2), already put right where it came swapped.
	Secs time.Duration
	// PartnerHasFree says that the partner has free addresses for the client.
	PartnerHasFree bool
}

// Answerer is why a client is answered, or not. The zero value is invalid.
type Answerer uint8

const (
	_ Answerer = iota
	// PartnersClient: the hash gives it to the partner, and nothing speaks against that.
	PartnersClient
	// OurClient: the hash gives it to us.
	OurClient
	// AskedLong: by its own word it has asked for long.
	AskedLong
	// AskedAgain: it has asked so often or so long that the partner seems not to answer it.
	AskedAgain
	// PartnerHasNone: the partner has no address for it.
	PartnerHasNone
)

// Answer reports whether we answer.
func (a Answerer) Answer() bool { return a > PartnersClient }

// String returns why, in the operator's words.
func (a Answerer) String() string {
	switch a {
	case PartnersClient:
		return "the partner answers this client"
	case OurClient:
		return "this client is ours"
	case AskedLong:
		return "it has asked for long"
	case AskedAgain:
		return "it asked again, and the partner did not answer"
	case PartnerHasNone:
		return "the partner has no address for it"
	}
	return "invalid"
}

const (
	askedTimes  = 3                // the DISCOVER that overrides the hash
	askedWithin = 30 * time.Second // counted from the first
	// or this long after the first: a client repeats a DISCOVER after 3 to 5 s (RFC 2131 §4.1), and a server answers in less than one
	askedFor = 2500 * time.Millisecond
	// takenWithin is how long after its first DISCOVER a client that was helped takes what it was offered, at most.
	takenWithin = 2 * askedWithin
	// silentClients is how many clients of the partner's in silentWithin must have leases of us since they asked again, while it told
	// of none, until it is said to be silent.
	silentClients = 10
	silentWithin  = 5 * time.Minute
)

// Serves reports whether a DISCOVER of a client without a binding here is ours to answer in NORMAL (RFC 3074, with
// overrides where the partner does not answer its share). It remembers the client for a while, in bounded memory.
func (e *Endpoint) Serves(now time.Time, a Asking) Answerer {
	if e.rec.Buckets.Primary(HashOf(a.Client)) == (e.cfg.Role == Primary) {
		return OurClient
	}
	if e.cfg.LoadBalanceSecs > 0 && a.Secs > e.cfg.LoadBalanceSecs {
		if a.PartnerHasFree {
			e.heard.again(now, a.Client) // the partner may be silent for it, too
		}
		return AskedLong
	}
	if !a.PartnerHasFree {
		return PartnerHasNone
	}
	if e.heard.again(now, a.Client) {
		return AskedAgain
	}
	return PartnersClient
}

// heard remembers who asked, for askedWithin: a table of buckets in which the oldest makes room.
type heard struct {
	seed    uint64
	slots   []asker
	helped  time.Time // when a client was last answered that asked again
	begun   time.Time // of the count of those that took our offer
	count   int
	silent  bool
	changed bool // silent is to be noted
}

type asker struct {
	key   uint64
	first time.Time
	times int
	// helped says that it was answered since it asked again.
	helped bool
}

const (
	askers = 1 << 13
	ways   = 4
)

func (h *heard) init(seed uint64) { h.seed = seed }

// keyOf hashes a client with the seed (FNV-1a, mixed at the end).
func (h *heard) keyOf(c *binding.Client) uint64 {
	var room [binding.MaxClientID + 2]byte
	k := uint64(14695981039346656037) ^ h.seed
	for _, b := range c.Key(room[:0]) {
		k = (k ^ uint64(b)) * 1099511628211
	}
	k ^= k >> 32
	k *= h.seed | 1
	k ^= k >> 29
	return k | 1
}

// bucket returns the slots in which a key may stand.
func (h *heard) bucket(key uint64) []asker {
	if h.slots == nil {
		h.slots = make([]asker, askers)
	}
	at := key >> 3 % (askers / ways) * ways
	return h.slots[at : at+ways]
}

// again counts a DISCOVER, and reports whether the client has waited for the partner long enough.
func (h *heard) again(now time.Time, c *binding.Client) bool {
	key := h.keyOf(c)
	b := h.bucket(key)
	oldest := &b[0]
	for i := range b {
		s := &b[i]
		if s.key == key && now.Sub(s.first) <= askedWithin {
			s.times++
			if s.times < askedTimes && now.Sub(s.first) < askedFor {
				return false
			}
			s.helped, h.helped = true, now
			return true
		}
		if s.key == key || s.first.Before(oldest.first) {
			oldest = s
		}
		if s.key == key {
			break
		}
	}
	*oldest = asker{key: key, first: now, times: 1}
	return false
}

// answered: the partner told of a lease of the client.
func (h *heard) answered(c *binding.Client) {
	if h.slots == nil {
		return
	}
	h.forget(c)
}

// forget returns what was known of a client, and does not know it any more.
func (h *heard) forget(c *binding.Client) asker {
	key := h.keyOf(c)
	b := h.bucket(key)
	for i, s := range b {
		if s.key == key {
			b[i] = asker{}
			return s
		}
	}
	return asker{}
}

// granted counts a client of the partner's that has a lease of us since it asked again, as one that the partner seems not to have
// answered. Who only asks is not counted: the partner may be offering it an address all the time, and offers are not told.
func (h *heard) granted(now time.Time, c *binding.Client) {
	if h.helped.IsZero() || now.Sub(h.helped) > takenWithin {
		return // nobody is awaited, as nearly always
	}
	if s := h.forget(c); !s.helped || now.Sub(s.first) > takenWithin {
		return
	}
	if now.Sub(h.begun) > silentWithin {
		h.begun, h.count = now, 0
	}
	h.count++
	if h.count >= silentClients && !h.silent {
		h.silent, h.changed = true, true
	}
}

// partnerAnswers: the partner told of a lease, so it answers somebody.
func (s *step) partnerAnswers() {
	s.heard.count = 0
	if s.heard.silent {
		s.heard.silent, s.heard.changed = false, true
	}
}

// heardTimer notes that the partner is silent, or is so no longer.
func (s *step) heardTimer() {
	if !s.heard.changed {
		return
	}
	s.heard.changed = false
	if s.heard.silent {
		s.note(Note{Kind: PartnerSilent, Cause: "clients that are the partner's were answered here, since they asked again and it told of no lease: look at its interfaces, and at the relays that should reach it"})
		return
	}
	s.note(Note{Kind: PartnerHeard, Cause: "the partner told of a lease"})
}
