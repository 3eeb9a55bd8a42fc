package store

import "github.com/lessor-dhcp/lessor/internal/binding"

// reading is one thing that a walker found, made ready for the table.
type reading struct {
	found
	expect uint64 // the number that a frame would have had there
	rec    record // of a binding's frame that is whole
	bad    error  // why that has no record
}

// read reads the next thing; false at the end of what was written.
func (x *reading) read(w *walker, n names) (ok bool, err error) {
	x.expect = w.seq
	if x.found, ok, err = w.next(); !ok || err != nil {
		return ok, err
	}
	if x.condition == whole && x.head.kind == kindBinding {
		x.bad = x.rec.decode(x.payload(), n)
	}
	return true, nil
}

// readings are some of them, in their order.
type readings struct {
	list []reading
	buf  []byte // what they and those before them were read into, if nothing behind them was; else nil
	err  error  // the reading ended with it
}

// readAhead is how many readings are handed on at a time.
const readAhead = 128

var (
	shortFile      int64 = 128 << 10 // what is no longer is read without a goroutine
	snapshotWindow       = 1 << 20   // octets that are read of a snapshot at a time
)

// each calls do with all that w finds, in its order; each is do's for the call. A goroutine of its own reads, checks and decodes
// ahead of what do does with it, and has ended when each returns.
func (r *replay) each(w *walker, do func(*reading)) error {
	if w.limit-w.off <= shortFile {
		for x := new(reading); ; do(x) {
			if ok, err := x.read(w, r.names); !ok || err != nil {
				return err
			}
		}
	}
	a := ahead{w: w, full: make(chan *readings, 2), free: make(chan *readings, 4), spare: make(chan []byte, 4)}
	for range cap(a.free) {
		a.free <- &readings{list: make([]reading, 0, readAhead)}
	}
	if w.moves() {
		w.fresh = a.fresh
	}
	go a.run()
	var err error
	for b := range a.full {
		r.warm(b.list)
		for i := range b.list {
			do(&b.list[i])
		}
		err = b.err
		a.done(b)
	}
	w.fresh = nil
	return err
}

// warm has the table look at where it will put what was read.
func (r *replay) warm(list []reading) {
	t, ok := r.table.(interface {
		Warm(n int, at func(i int) *binding.Binding)
	})
	if !ok {
		return
	}
	t.Warm(len(list), func(i int) *binding.Binding {
		if x := &list[i]; x.condition == whole && x.head.kind == kindBinding && x.bad == nil {
			return &x.rec.binding
		}
		return nil
	})
}

// ahead reads for each.
type ahead struct {
	w     *walker
	full  chan *readings
	free  chan *readings
	spare chan []byte
}

func (a *ahead) run() {
	defer close(a.full)
	known := make(names)
	b := <-a.free
	for {
		buf := a.w.buf
		b.list = append(b.list, reading{})
		x := &b.list[len(b.list)-1]
		ok, err := x.read(a.w, known)
		if !ok || err != nil {
			b.list, b.err = b.list[:len(b.list)-1], err
			a.full <- b
			return
		}
		if moved := cap(buf) > 0 && &buf[:1][0] != &a.w.buf[:1][0]; moved || len(b.list) == cap(b.list) {
			b = a.hand(b, buf, moved)
		}
	}
}

// hand hands on what was read, the last only if it is in the same piece of memory as the others, and returns the next to be filled.
func (a *ahead) hand(b *readings, buf []byte, moved bool) *readings {
	next := <-a.free
	if moved {
		last := len(b.list) - 1
		next.list = append(next.list, b.list[last])
		b.list, b.buf = b.list[:last], buf
	}
	a.full <- b
	return next
}

// done takes back what was handed on.
func (a *ahead) done(b *readings) {
	if b.buf != nil {
		select {
		case a.spare <- b.buf:
		default:
		}
	}
	*b = readings{list: b.list[:0]}
	a.free <- b
}

// fresh returns memory for the next n octets of a file.
func (a *ahead) fresh(n int) []byte {
	select {
	case b := <-a.spare:
		if cap(b) >= n {
			return b[:n]
		}
	default:
	}
	return make([]byte, n)
}
