package node

import (
	"testing"
	"time"
)

// A clock that begins ahead, since a store knows a later time, comes back by running slower: it never goes back, and no time that
// passes is longer by it than it was.
func TestAClockThatIsAheadComesBack(t *testing.T) {
	wall := time.Now()
	c, held := newClock(wall, wall.Add(time.Hour))
	if held != time.Hour {
		t.Fatalf("held %v", held)
	}
	last := c.at(wall)
	if ahead := last.Sub(wall); ahead.Round(time.Second) != time.Hour {
		t.Errorf("it begins ahead by %v", ahead)
	}
	for passed := time.Minute; passed <= 30*time.Hour; passed += time.Minute {
		now := c.at(wall.Add(passed))
		if step := now.Sub(last); step < 0 || step > time.Minute {
			t.Fatalf("after %v it went on by %v in a minute", passed, step)
		}
		last = now
	}
	if ahead := last.Sub(wall.Add(30 * time.Hour)); ahead.Abs() > time.Second {
		t.Errorf("after 30 hours it is ahead by %v", ahead)
	}
}

// What a machine slept through is counted, since nobody waited meanwhile; a difference that comes of reading two clocks is not.
func TestTimeGoesOnWhileTheMachineSleeps(t *testing.T) {
	wall := time.Now()
	c, _ := newClock(wall, time.Time{})
	c.sleptFor(50 * time.Microsecond)
	if got := c.at(wall); got.Sub(wall) > time.Millisecond {
		t.Errorf("it went on by %v", got.Sub(wall))
	}
	c.sleptFor(time.Hour)
	if got := c.at(wall); got.Sub(wall).Round(time.Second) != time.Hour {
		t.Errorf("it went on by %v", got.Sub(wall))
	}
	c.sleptFor(time.Hour - time.Millisecond)
	if got := c.at(wall); got.Sub(wall).Round(time.Second) != time.Hour {
		t.Errorf("it went back: %v", got.Sub(wall))
	}
	if d := suspended(); d < -time.Second {
		t.Errorf("this machine was suspended for %v", d)
	}
}

// What the store rounded up is no time that has passed: a lease that was granted before a restart ends no earlier by it.
func TestAFractionOfASecondIsNoTime(t *testing.T) {
	wall := time.Now()
	for _, ahead := range []time.Duration{-time.Hour, 0, 300 * time.Millisecond, time.Second} {
		c, held := newClock(wall, wall.Add(ahead))
		if now := c.at(wall); !now.Equal(wall) || held != 0 {
			t.Errorf("%v ahead: it shows %v", ahead, now.Sub(wall))
		}
	}
	if c, held := newClock(wall, wall.Add(2*time.Second)); held != 2*time.Second || !c.at(wall).Equal(wall.Add(held)) {
		t.Errorf("2 s ahead: it shows %v", c.at(wall).Sub(wall))
	}
}
