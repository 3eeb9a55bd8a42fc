package sim

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

// Shrink returns the shortest plan that it finds of those that still fail, by leaving out decisions of p (delta debugging): first all
// behind the failure, then whole clients, then parts of what is left, smaller and smaller. fails plays a plan. It plays no more
// than most histories.
func Shrink(p *Plan, most int, fails func(*Plan) bool) *Plan {
	s := shrinker{best: p, left: most, fails: fails}
	s.cutEnd()
	for c := range p.Settings.Clients {
		s.try(slices.DeleteFunc(slices.Clone(s.best.Actions), func(a Action) bool { return a.Kind.OfClient() && a.Who == c }))
	}
	for k := Kind(1); k < allKinds; k++ {
		s.try(slices.DeleteFunc(slices.Clone(s.best.Actions), func(a Action) bool { return a.Kind == k }))
	}
	for size := len(s.best.Actions) / 2; size > 0; size /= 2 {
		for at := 0; at < len(s.best.Actions); {
			to := min(at+size, len(s.best.Actions))
			if !s.try(slices.Delete(slices.Clone(s.best.Actions), at, to)) {
				at = to
			}
		}
	}
	return s.best
}

type shrinker struct {
	best  *Plan
	left  int
	fails func(*Plan) bool
}

// try makes a plan of these decisions the best one, if it fails.
func (s *shrinker) try(actions []Action) bool {
	if len(actions) == len(s.best.Actions) || s.left <= 0 {
		return false
	}
	s.left--
	p := &Plan{Settings: s.best.Settings, Actions: actions}
	if !s.fails(p) {
		return false
	}
	s.best = p
	return true
}

// cutEnd leaves out the end, by halves of what is left of it.
func (s *shrinker) cutEnd() {
	for size := len(s.best.Actions) / 2; size > 0; {
		if !s.try(slices.Clone(s.best.Actions[:len(s.best.Actions)-size])) {
			size /= 2
		}
		size = min(size, len(s.best.Actions)/2)
	}
	last := time.Duration(0)
	if n := len(s.best.Actions); n > 0 {
		last = s.best.Actions[n-1].At
	}
	for _, days := range []time.Duration{last + time.Hour, last + 12*time.Hour, last + 24*time.Hour} {
		if s.left--; days < s.best.Settings.Days && s.left > 0 {
			p := &Plan{Settings: s.best.Settings, Actions: s.best.Actions}
			if p.Settings.Days = days; s.fails(p) {
				s.best = p
				return
			}
		}
	}
}

// Write writes a plan as a transcript, and what is said about it in front.
func (p *Plan) Write(to io.Writer, about ...string) error {
	settings, err := json.Marshal(&p.Settings)
	if err != nil {
		return err
	}
	for _, line := range about {
		fmt.Fprintf(to, "# %s\n", line)
	}
	fmt.Fprintf(to, "settings %s\n", settings)
	for _, a := range p.Actions {
		fmt.Fprintln(to, a)
	}
	return nil
}

// ReadPlan reads what Write wrote; about is what is said in front.
func ReadPlan(from io.Reader) (p *Plan, about []string, err error) {
	p = &Plan{}
	lines := bufio.NewScanner(from)
	for lines.Scan() && err == nil {
		line := lines.Text()
		switch {
		case strings.HasPrefix(line, "# "):
			about = append(about, line[2:])
		case strings.HasPrefix(line, "settings "):
			err = json.Unmarshal([]byte(line[len("settings "):]), &p.Settings)
		case line != "":
			var a Action
			a, err = parseAction(line)
			p.Actions = append(p.Actions, a)
		}
	}
	if err == nil {
		err = lines.Err()
	}
	return p, about, err
}
