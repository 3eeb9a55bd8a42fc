package dhcpv4

// field is a part of the message that can hold options.
type field uint8

const (
	inOptions field = iota
	inFile
	inSName
	nowhere
	everywhere // spread over several fields: longer than one option, and than what is left of any field
)

// place is where an option goes. Parts of a spread one lie in the order in which a client joins them (RFC 3396 §5):
// options, file, sname; end holds where those of each field but the last end.
type place struct {
	field field
	end   [2]uint16
}

// part returns which octets of a value of n octets lie in f; false if none do.
func (p *place) part(f field, n int) (from, to int, ok bool) {
	if p.field != everywhere {
		return 0, n, p.field == f
	}
	bounds := [4]int{0, int(p.end[0]), int(p.end[1]), n}
	from, to = bounds[f], bounds[f+1]
	return from, to, to > from
}

// cost returns how many octets an option of n octets takes with its codes and lengths.
func cost(n int, present bool) int {
	if !present {
		return 0
	}
	return n + 2*max((n+254)/255, 1)
}

// payload returns the longest value that fits into room octets; 0 if none does.
func payload(room int) int {
	n := room / 257 * 255
	return n + max(room%257-2, 0)
}

// Octets that are kept for what an answer cannot do without, when option 82 is large: message type, server identifier,
// lease time, overload, end.
const essential = 3 + 6 + 6 + 3 + 1

func (b *Builder) relayFits(info []byte) bool {
	return atOptions+cost(len(info), true)+essential <= b.room
}

// lay finds a place for every option that was added, relay octets being kept for option 82, and returns the value of
// option 52 that this needs, 0 if none.
func (b *Builder) lay(relay int) (overload uint8) {
	left := [3]int{b.room - atOptions - relay - 1, 0, 0}
	if b.layPlain(left[inOptions]) {
		return 0
	}
	if b.free&overloadFile != 0 {
		left[inFile] = atCookie - atFile - 1 // an END in each
	}
	if b.free&overloadSName != 0 {
		left[inSName] = atFile - atSName - 1
	}
	if left[inFile]+left[inSName] > 0 {
		left[inOptions] -= 3 // option 52
	}
	full := left
	for i := range b.waiting[:b.n] {
		w := &b.waiting[i]
		if w.place = find(int(w.n), &left); w.place.field == nowhere {
			b.omit(w.code)
		}
	}
	if left[inFile] != full[inFile] {
		overload |= overloadFile
	}
	if left[inSName] != full[inSName] {
		overload |= overloadSName
	}
	return overload
}

// layPlain puts everything into the options field, if it fits.
func (b *Builder) layPlain(room int) bool {
	for i := range b.waiting[:b.n] {
		w := &b.waiting[i]
		w.place = place{field: inOptions}
		room -= cost(int(w.n), true)
	}
	return room >= 0
}

// find takes the room for a value of n octets. One of at most 255 octets is never divided, since clients that do not
// join parts would take the last for the whole (RFC 3396 §4).
func find(n int, left *[3]int) place {
	c := cost(n, true)
	for f := inOptions; f <= inSName; f++ {
		if c <= left[f] {
			left[f] -= c
			return place{field: f}
		}
	}
	if n <= 255 {
		return place{field: nowhere}
	}
	return spread(n, left)
}

// spread divides a long value over what is left of the fields.
func spread(n int, left *[3]int) place {
	var took [3]int
	rest := n
	for f := range took {
		took[f] = min(payload(left[f]), rest)
		rest -= took[f]
	}
	if rest > 0 {
		return place{field: nowhere}
	}
	for f, t := range took {
		left[f] -= cost(t, t > 0)
	}
	return place{everywhere, [2]uint16{uint16(took[0]), uint16(took[0] + took[1])}}
}
