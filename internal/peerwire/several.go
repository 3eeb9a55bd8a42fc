package peerwire

import "time"

// several appends bindings in as many messages as they need.
type several struct {
	dst     []byte
	builder Builder
	head    Message // without bindings
	dialect Dialect
	room    int // octets of a message; 0: what the dialect allows
	most    int // bindings of a message
	begun   bool
}

// begin makes dst what messages of a type are appended to.
func (s *several) begin(dst []byte, typ Type, now time.Time) {
	s.dst, s.begun = dst, false
	s.head = Message{Type: typ, Time: now}
}

// number makes the bindings from now on those of a message of this number.
func (s *several) number(id uint32) {
	if s.head.XID != id {
		s.finish()
		s.head.XID = id
	}
}

func (s *several) update(u *Update) error { return s.add(u, nil) }
func (s *several) ack(a *Ack) error       { return s.add(nil, a) }

// add adds a binding to the message, or to another one. The error is ErrNoRoom where a message that has nothing else has no
// room for it, or an *Unsendable.
func (s *several) add(u *Update, a *Ack) error {
	for {
		if err := s.open(); err != nil {
			return err
		}
		err := s.try(u, a)
		if err != ErrNoRoom || s.builder.Bindings() == 0 {
			return err
		}
		s.finish()
	}
}

func (s *several) open() error {
	if s.begun {
		return nil
	}
	err := s.builder.Begin(s.dst, &s.head, s.dialect, s.room)
	s.begun = err == nil
	return err
}

func (s *several) try(u *Update, a *Ack) error {
	switch {
	case s.builder.Bindings() >= s.most:
		return ErrNoRoom
	case u != nil:
		return s.builder.Update(u)
	}
	return s.builder.Ack(a)
}

// finish ends the message, if there is one with a binding, and returns dst with all messages behind it.
func (s *several) finish() []byte {
	if s.begun && s.builder.Bindings() > 0 {
		s.dst = s.builder.Finish()
	}
	s.begun = false
	return s.dst
}
