package main

import (
	"fmt"
	"time"
)

// patience is how long somebody waits who need not be told that it goes on.
const patience = 2 * time.Second

// progress returns what shows a person at a terminal how far something is that takes longer than patience, and what
// takes that away again. At no terminal, step is nil.
func (c *console) progress(what string) (step func(done, total int), end func()) {
	if !c.interactive {
		return nil, func() {}
	}
	began, said := c.now(), 0
	step = func(done, total int) {
		if c.now().Sub(began) < patience {
			return
		}
		s := fmt.Sprintf("%d of %d %s", done, total, what)
		fmt.Fprintf(c.err, "\r%-*s", said, s)
		said = max(said, len(s))
	}
	return step, func() {
		if said > 0 {
			fmt.Fprintf(c.err, "\r%*s\r", said, "")
		}
	}
}
