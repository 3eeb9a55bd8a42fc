package slab

const (
	blockBytes = 32 << 10
	slotBits   = 12 // blockBytes / the smallest class
	idleBlocks = 64 // empty blocks whose memory is kept
)

// MaxOctets is the longest run that Octets holds.
const MaxOctets = 1792

// classes are the lengths of slot that there are, ascending: at most a quarter of a slot above 32 is wasted.
var classes = [...]uint16{
	8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384, 448, 512, 640, 768, 896, 1024, 1280, 1536, MaxOctets,
}

// classOf[(n+7)/8] is the index of the least class that holds n octets.
var classOf = func() (of [MaxOctets/8 + 1]uint8) {
	c := 0
	for i := range of {
		for int(classes[c]) < i*8 {
			c++
		}
		of[i] = uint8(c)
	}
	return of
}()

// Octets holds runs of at most MaxOctets octets, each under a number. A block of memory holds slots of one length; a
// block that empties serves another length afterwards. The zero Octets is empty and ready.
type Octets struct {
	blocks  []block
	open    [len(classes)]uint32 // block + 1 of a ring of those that have a free slot
	idle    uint32               // block + 1 of those that are empty, chained by next
	nIdle   int                  // those of them that still have their memory
	blocksN int                  // those that have memory
}

type block struct {
	octets     *[blockBytes]byte
	prev, next uint32 // block + 1, among those of the class that have a free slot
	class      uint8
	free       uint16 // slot + 1 of the free ones, chained through their first two octets
	used       uint16 // slots at and above it were never used
	live       uint16
}

// New returns the number of a run of n octets with undefined content; 0 for n of 0, the empty run.
func (o *Octets) New(n int) uint32 {
	if n == 0 {
		return 0
	}
	class := classOf[(n+7)/8]
	if o.open[class] == 0 {
		o.openBlock(class)
	}
	ref := o.open[class]
	b := &o.blocks[ref-1]
	slot := b.used
	if b.free != 0 {
		slot = b.free - 1
		at := b.octets[int(slot)*int(classes[class]):]
		b.free = uint16(at[0]) | uint16(at[1])<<8
	} else {
		b.used++
	}
	b.live++
	if int(b.live) == blockBytes/int(classes[class]) {
		o.unlink(ref)
	}
	return ref<<slotBits | uint32(slot)
}

// At returns the first n octets of run i. They alias the store until the run is given back.
func (o *Octets) At(i uint32, n int) []byte {
	if i == 0 {
		return nil
	}
	b := &o.blocks[i>>slotBits-1]
	from := int(i&(1<<slotBits-1)) * int(classes[b.class])
	return b.octets[from : from+n : from+n]
}

// Fits reports whether run i has the slot that a new run of n octets would get.
func (o *Octets) Fits(i uint32, n int) bool {
	if i == 0 || n == 0 {
		return i == 0 && n == 0
	}
	return o.blocks[i>>slotBits-1].class == classOf[(n+7)/8]
}

// Free takes run i back.
func (o *Octets) Free(i uint32) {
	if i == 0 {
		return
	}
	ref, slot := i>>slotBits, i&(1<<slotBits-1)
	b := &o.blocks[ref-1]
	size := int(classes[b.class])
	at := b.octets[int(slot)*size:]
	at[0], at[1] = byte(b.free), byte(b.free>>8)
	b.free = uint16(slot) + 1
	if int(b.live) == blockBytes/size {
		o.link(ref)
	}
	b.live--
	if b.live == 0 {
		o.unlink(ref)
		o.retire(ref)
	}
}

// Memory returns the octets held, those of free slots included.
func (o *Octets) Memory() int64 {
	return int64(o.blocksN)*blockBytes + int64(cap(o.blocks))*24
}

// openBlock adds a block with free slots to the class.
func (o *Octets) openBlock(class uint8) {
	ref := o.idle
	if ref != 0 {
		o.idle = o.blocks[ref-1].next
	} else {
		if len(o.blocks) == 1<<(32-slotBits)-1 {
			panic("slab: more than 32 GiB of octets")
		}
		o.blocks = append(o.blocks, block{})
		ref = uint32(len(o.blocks))
	}
	b := &o.blocks[ref-1]
	octets := b.octets
	if octets == nil {
		octets = new([blockBytes]byte)
		o.blocksN++
	} else {
		o.nIdle--
	}
	*b = block{octets: octets, class: class}
	o.link(ref)
}

// retire keeps the empty block for any class; the memory of all but a few goes back.
func (o *Octets) retire(ref uint32) {
	b := &o.blocks[ref-1]
	b.next = o.idle
	o.idle = ref
	if o.nIdle == idleBlocks {
		b.octets = nil
		o.blocksN--
		return
	}
	o.nIdle++
}

func (o *Octets) link(ref uint32) {
	b := &o.blocks[ref-1]
	b.prev, b.next = 0, o.open[b.class]
	if b.next != 0 {
		o.blocks[b.next-1].prev = ref
	}
	o.open[b.class] = ref
}

func (o *Octets) unlink(ref uint32) {
	b := &o.blocks[ref-1]
	if b.prev != 0 {
		o.blocks[b.prev-1].next = b.next
	} else {
		o.open[b.class] = b.next
	}
	if b.next != 0 {
		o.blocks[b.next-1].prev = b.prev
	}
	b.prev, b.next = 0, 0
}
