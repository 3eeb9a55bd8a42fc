package web

import (
	"cmp"
	"fmt"
	"html/template"
	"math"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/lessor-dhcp/lessor/internal/api"
	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/node"
	"github.com/lessor-dhcp/lessor/internal/policy"
)

// words are what templates say things with.
var words = template.FuncMap{
	"asset": assetPath, "moment": moment, "span": span, "seconds": seconds, "number": number[uint64], "count": number[int], "plural": plural,
	"short": short, "shown": shown, "percent": percent, "state": stateOf, "lifetime": lifetime, "shareOf": func(p node.PoolStatus) float64 { return shareOf(&p) }, "leasePath": leasePath,
	"server": serverState, "value": valueText, "lines": lines, "where": whereIs, "query": query, "sub": func(a, b uint64) uint64 { return a - b },
	"stateNames": api.StateNames, "list": func(v ...any) []any { return v }, "clean": clean, "caret": caret, "columnName": columnName, "lasted": lasted, "lineNumber": func(i int) int { return i + 1 }, "apart": apart, "latestGaps": latestGaps, "partOf": func(n, total int) float64 { return percent(uint64(n), uint64(total)) },
}

// latestGaps returns the gaps of a history that are told: there may be a hundred.
func latestGaps(all []node.Gap) []node.Gap { return all[max(0, len(all)-3):] }

// shown returns text from the network so that it does nothing but be seen: characters that would steer are replaced by what they are.
func shown(s string) string {
	const most = 300
	var b strings.Builder
	for i, r := range s {
		if i > most {
			b.WriteString("…")
			break
		}
		switch {
		case r == '\uFFFD':
			b.WriteRune('\uFFFD')
		case api.Steers(r):
			fmt.Fprintf(&b, "‹%02x›", r)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// clean is shown for a text of several lines, whose ends stay.
func clean(s string) string {
	var b strings.Builder
	for line := range strings.Lines(s) {
		text, ended := strings.CutSuffix(line, "\n")
		b.WriteString(shown(strings.ReplaceAll(text, "\t", "    ")))
		if ended {
			b.WriteByte('\n')
		}
	}
	return b.String()
}

// lines returns the lines of a text.
func lines(s string) []string { return strings.Split(strings.TrimRight(s, "\n"), "\n") }

// written is where something stands in the configuration: in words, and the page that shows it.
type written struct{ Text, Page string }

// whereIs says which line of what is meant. The line of a version is opened on its page, where the numbers are the same.
func whereIs(of policy.Source, line int) written {
	if of.Version == "" {
		return written{Text: of.Where(line, 0)}
	}
	return written{fmt.Sprintf("line %d of %s", line, short(of.Version)), fmt.Sprintf("%s#L%d", query("/configuration", "version", of.Version), line)}
}

// moment says how long ago or from now a time is, and which it is to who looks closely.
func moment(now time.Time, t node.Instant) template.HTML {
	switch {
	case t.IsZero():
		return "–"
	case t.Time.Equal(binding.Forever):
		return "never"
	}
	exact := t.UTC().Format("2006-01-02 15:04:05") + " UTC"
	return template.HTML(fmt.Sprintf(`<time datetime="%s" title="%s">%s</time>`, t.UTC().Format(time.RFC3339), exact, distance(now, t.Time)))
}

// lasted says for how long something has been so, and since when to who looks closely.
func lasted(now time.Time, t node.Instant) template.HTML {
	if t.IsZero() {
		return ""
	}
	return template.HTML(fmt.Sprintf(`for <time datetime="%s" title="since %s UTC">%s</time>`, t.UTC().Format(time.RFC3339), t.UTC().Format("2006-01-02 15:04:05"), span(max(now.Sub(t.Time), 0))))
}

// apart says how far two clocks are from one another, in seconds.
func apart(skew float64) string { return fmt.Sprintf("%.2f s", math.Abs(skew)) }

// distance says a time by how far it is from now.
func distance(now, t time.Time) string {
	d := now.Sub(t)
	switch {
	case d > -2*time.Second && d < 2*time.Second:
		return "now"
	case d < 0:
		return "in " + span(-d)
	default:
		return span(d) + " ago"
	}
}

// span says a duration in one or two units.
func span(d time.Duration) string {
	if d < 0 {
		return "-" + span(-d)
	}
	const day = 24 * time.Hour
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%d s", int(d/time.Second))
	case d < time.Hour:
		return fmt.Sprintf("%d min", int(d/time.Minute))
	case d < day:
		if m := int(d % time.Hour / time.Minute); m > 0 && d < 10*time.Hour {
			return fmt.Sprintf("%d h %d min", int(d/time.Hour), m)
		}
		return fmt.Sprintf("%d h", int(d/time.Hour))
	default:
		if h := int(d % day / time.Hour); h > 0 && d < 10*day {
			return fmt.Sprintf("%s %d h", plural(int(d/day), "day", "days"), h)
		}
		return plural(int(d/day), "day", "days")
	}
}

func seconds(n int64) string { return span(time.Duration(n) * time.Second) }

// lifetime says the lifetime of a lease in seconds.
func lifetime(n uint32) string {
	if n == math.MaxUint32 {
		return "without end"
	}
	return seconds(int64(n))
}

// narrowSpace stands between thousands.
const narrowSpace = '\u202f'

// number writes a count with its thousands apart.
func number[N int | int64 | uint64](n N) string {
	s := strconv.FormatUint(uint64(n), 10)
	if n < 0 {
		return "-" + number(-n)
	}
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + string(narrowSpace) + s[i:]
	}
	return s
}

func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return number(n) + " " + many
}

// short is the beginning of a version's name or a digest.
func short(s string) string { return s[:min(len(s), 12)] }

// percent is how much n is of total; of nothing it is none.
func percent(n, total uint64) float64 {
	if total == 0 {
		return 0
	}
	return math.Round(float64(n)/float64(total)*1000) / 10
}

func shareOf(p *node.PoolStatus) float64 { return percent(p.Size-min(p.Size, p.Free), p.Size) }

// leasePath is the address of a lease's page.
func leasePath(a netip.Addr) string { return "/leases/" + url.PathEscape(a.String()) }

// query returns an address with further values in its query, which come as name, value, …; empty values are left out.
func query(path string, pairs ...any) string {
	q := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		if v := fmt.Sprint(pairs[i+1]); v != "" {
			q.Set(fmt.Sprint(pairs[i]), v)
		}
	}
	if len(q) == 0 {
		return path
	}
	return path + "?" + q.Encode()
}

// valueText is an option's value on one line.
func valueText(text string, value any) string {
	if text = cmp.Or(text, fmt.Sprint(value)); text == "<nil>" {
		return "nothing"
	}
	return shown(text)
}

// stateWords say the states of a binding to who does not know the protocol.
var stateWords = map[string]string{
	"free": "free", "backup": "free, the partner's", "offered": "on offer", "active": "leased", "expired": "over, not yet free", "released": "given back, not yet free",
	"reset": "taken back, not yet free", "abandoned": "withheld: in use by somebody unknown", "reserved": "kept for a host",
}

// stateOf explains a binding's state.
func stateOf(name string) string { return cmp.Or(stateWords[strings.ToLower(name)], name) }

// serverWords say what a server in a state does.
var serverWords = map[string]struct{ Means, Grade string }{
	"STARTUP":                    {"has just begun and waits for its partner's word", "wait"},
	"NORMAL":                     {"serves its clients and shares addresses with its partner", "good"},
	"COMMUNICATIONS-INTERRUPTED": {"does not hear its partner: serves everybody it hears, from its own share", "look"},
	"PARTNER-DOWN":               {"serves alone: its partner is known not to serve", "look"},
	"RECOVER":                    {"asks its partner for what its store lacks; answers nobody", "wait"},
	"RECOVER-WAIT":               {"waits until nobody can hold what it may have forgotten; answers nobody", "wait"},
	"RECOVER-DONE":               {"has everything again and waits for its partner to go on", "wait"},
	"POTENTIAL-CONFLICT":         {"both may have given away one address: they tell each other; answers nobody", "bad"},
	"CONFLICT-DONE":              {"knows what its partner did while they were apart; serves from its own share", "look"},
	"RESOLUTION-INTERRUPTED":     {"lost its partner while they told each other; serves from its own share", "look"},
	"PAUSED":                     {"stopped by its operator: the other server answers", "look"},
	"SHUTDOWN":                   {"does not serve until its operator says so", "bad"},
}

// Means is what a server does in a state, and how good that is: good, wait, look or bad.
type Means struct{ Name, Text, Grade string }

// serverState explains a server's state in the draft's spelling.
func serverState(name string) Means {
	if w, ok := serverWords[name]; ok {
		return Means{name, w.Means, w.Grade}
	}
	return Means{cmp.Or(name, "unknown"), "its state is not known", "look"}
}

// caret returns a sign below the character of a line at which something begins, counted from 1.
func caret(at int) string {
	if at < 1 {
		return ""
	}
	return strings.Repeat(" ", min(at, 400)-1) + "^"
}
