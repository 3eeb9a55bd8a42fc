package config

import (
	"fmt"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/lessor-dhcp/lessor/internal/pool"
)

// MaxQuota is the highest number of addresses that a quota may name: more than IPv4 has.
const MaxQuota = 1<<32 - 1

// withQuota returns the keys of an object that pools are in, or that is one, and quota, which holds for them.
func withQuota[T any](keys []key[T], scope func(*T) *Scope) []key[T] {
	return append(keys, key[T]{
		name: "quota", noted: true, shape: ref("quota"),
		doc:  "How much of a pool clients at one place may have: behind one port, through one relay, or heard without one. Built in: 90% each, of a relay and without one only where others use the pool, too.",
		read: func(p *parser, t *T, _, v *yaml.Node) { fields(p, p.tables.quota, v, &scope(t).Quota) },
	})
}

func quotaKeys() *object[pool.Quota] {
	share := func(name, doc string, at func(*pool.Quota) *pool.Share) key[pool.Quota] {
		return key[pool.Quota]{name: name, doc: doc, shape: shareShape(), read: func(p *parser, q *pool.Quota, _, v *yaml.Node) { *at(q) = p.share(v, "quota: "+name) }}
	}
	return &object[pool.Quota]{
		name: "quota", what: "quota", where: "quota", example: "quota: {port: 20, relay: 50%}",
		keys: []key[pool.Quota]{
			share("port", "Of clients behind one port: one circuit and remote id (option 82).", func(q *pool.Quota) *pool.Share { return &q.Port }),
			share("relay", "Of clients that are heard through one relay.", func(q *pool.Quota) *pool.Share { return &q.Relay }),
			share("interface", "Of clients that are heard without a relay.", func(q *pool.Quota) *pool.Share { return &q.Interface }),
		},
	}
}

func shareShape() shape {
	return shape{"oneOf": []any{
		shape{"type": "integer", "minimum": 1, "maximum": MaxQuota},
		stringShape(`^([1-9][0-9]?|100)%$`, "50%"),
	}}
}

// share reads a number of addresses, or so many hundredths of a pool.
func (p *parser) share(v *yaml.Node, what string) (s pool.Share) {
	text, ok := p.scalar(v, what, "20 or 50%")
	if !ok {
		return s
	}
	digits, hundredths := strings.CutSuffix(text, "%")
	most := uint64(MaxQuota)
	if hundredths {
		most = 100
	}
	n, err := strconv.ParseUint(digits, 10, 64)
	switch {
	case err == nil && n == 0:
		p.fail(v, fmt.Sprintf("%s is %s: nobody there would get an address", what, clip(text)), "write 1 or more; who may not use a pool is said by allow and deny, and 100% is no limit")
	case err != nil || n > most || digits[0] == '+' || digits[0] == '0':
		p.fail(v, fmt.Sprintf("%s must be a number of addresses or a part of the pool, not %s", what, clip(text)), "write a number such as 20, or 1% to 100%")
	case hundredths:
		s.Percent = uint8(n)
	default:
		s.Addresses = n
	}
	return s
}

// namedShares are the parts of a quota that are said, by their keys in alphabetical order.
func namedShares(q pool.Quota) (all []namedShare) {
	for _, s := range [...]namedShare{{"interface", q.Interface}, {"port", q.Port}, {"relay", q.Relay}} {
		if s.share != (pool.Share{}) {
			all = append(all, s)
		}
	}
	return all
}

type namedShare struct {
	key   string
	share pool.Share
}
