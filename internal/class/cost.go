package class

import (
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/cost"
	"cel.dev/cel-go/common/types"

	"github.com/lessor-dhcp/lessor/internal/dhcpv4"
)

// MaxCost is the most that an expression may cost for the worst client, in the units in which the language counts: one
// for each step, and one for each ten octets that are gone over. A unit takes some ten to a hundred nanoseconds.
const MaxCost = 50_000

// What a client can send at most. All of it came in one message.
const (
	maxTextOctets = dhcpv4.MaxSize // of one text
	maxItems      = 255            // of a list; longer ones cannot be read
	maxItemOctets = 1024           // of a text in a list: a name of 255 octets, each escaped
	maxPath       = 5              // how deep lists and maps lie in one another in the value of an option
)

// checkCost reports an expression whose worst case is above MaxCost, or has no bound.
func (i *inspection) checkCost() {
	total, err := cost.Cost(i.checked, estimator{})
	if err == nil && total.Max <= MaxCost {
		return
	}
	e := i.dearest()
	const remedy = "write it without a loop in a loop, or look for something shorter"
	if err != nil || total.Max > 1<<40 {
		i.report(e, remedy, "what the expression costs has no bound")
		return
	}
	i.report(e, remedy, "the expression costs up to %d units, and may cost %d", total.Max, MaxCost)
}

// dearest returns the smallest part of an expression that costs too much by itself, else the whole.
func (i *inspection) dearest() ast.Expr {
	found := i.checked.Expr()
	parts := 0
	ast.PostOrderVisit(found, ast.NewExprVisitor(func(e ast.Expr) {
		if e.Kind() != ast.ComprehensionKind && e.Kind() != ast.CallKind || found != i.checked.Expr() || !i.standsAlone(e) {
			return
		}
		if parts++; parts > 64 {
			return
		}
		if c, err := cost.Cost(part(e, i.checked), estimator{}); err != nil || c.Max > MaxCost {
			found = e
		}
	}))
	return found
}

// standsAlone reports whether an expression names nothing but the variables of a class.
func (i *inspection) standsAlone(e ast.Expr) bool {
	alone := true
	ast.PreOrderVisit(e, ast.NewExprVisitor(func(e ast.Expr) {
		if e.Kind() == ast.IdentKind {
			if _, ok := variables[e.AsIdent()]; !ok {
				alone = false
			}
		}
	}))
	return alone
}

// estimator says how large what a client sends can be, and what a regular expression costs.
type estimator struct{}

func (estimator) EstimateSize(n cost.AstNode) *cost.SizeEstimate {
	path := n.Path()
	if n.ComputedSize() != nil || len(path) > maxPath {
		return nil
	}
	most := uint64(maxTextOctets)
	if len(path) > 0 {
		most = mostOf(path)
	}
	s := cost.RangedSizeEstimate(0, most)
	return &s
}

// mostOf returns how large what lies at a path from a variable can be.
func mostOf(path []string) uint64 {
	last := path[len(path)-1]
	switch {
	case last == "user_classes":
		return maxItems
	case path[0] == "user_classes", last == "@keys":
		return 255
	case last == "option" || last == "relay":
		return 256
	case last == "@items":
		return maxItemOctets
	}
	return maxTextOctets // which is more than maxItems
}

// EstimateCallCost charges a regular expression for what it compiles to, rather than for its text.
func (estimator) EstimateCallCost(function, _ string, target *cost.AstNode, args []cost.AstNode) *cost.CallEstimate {
	if function != "matches" || len(args) == 0 {
		return nil
	}
	pattern := args[len(args)-1]
	if target == nil {
		target = &args[0]
	}
	var text types.String
	if e := pattern.Expr(); e != nil && e.Kind() == ast.LiteralKind {
		text, _ = e.AsLiteral().(types.String)
	}
	steps, err := types.RegexProgramSize(string(text))
	if err != nil {
		return nil
	}
	size := cost.EstimateSize(estimator{}, *target)
	charge := cost.RangedCostEstimate(1, cost.SafeMultiply(size.Max+1, uint64(steps)/4+1))
	return cost.NewCallEstimate(charge, nil)
}
