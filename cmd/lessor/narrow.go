package main

import "slices"

// minShortened is how narrow a column is shortened to before it is left out, minWrapped how narrow one is whose texts go on in the next line.
const (
	minShortened = 10
	minWrapped   = 16
)

// narrowed returns the table as it fits into width columns of a terminal, and the headings of the columns that are
// left out for it. First a column says the same in fewer words, then what may go on in the next line does, then what is too long is
// cut with …, then the least important columns go. What may not give way stays, and the terminal breaks the lines.
func (t *table) narrowed(width int) (*table, []string) {
	order := t.least
	if order == nil {
		for i := len(t.head) - 1; i > 0; i-- {
			order = append(order, i)
		}
	}
	for gone := 0; ; gone++ {
		n := t.without(order[:gone])
		kept := renumbered(order[gone:], order[:gone])
		if n.inBrief(width, kept) || n.wrap(width) || n.shorten(width, kept) || n.wrap(width) || gone == len(order) {
			return n, t.headings(order[:gone])
		}
	}
}

// headings returns those of some columns, in the order in which they stand.
func (t *table) headings(of []int) (all []string) {
	for i, h := range t.head {
		if slices.Contains(of, i) && h != "" {
			all = append(all, h)
		}
	}
	return all
}

// without returns a copy of the table that lacks some columns.
func (t *table) without(gone []int) *table {
	n := &table{right: map[int]bool{}, wraps: map[int]bool{}, brief: map[int]func(string) string{}}
	for i, h := range t.head {
		if !slices.Contains(gone, i) {
			n.right[len(n.head)], n.wraps[len(n.head)], n.brief[len(n.head)] = t.right[i], t.wraps[i], t.brief[i]
			n.head = append(n.head, h)
		}
	}
	for _, r := range t.rows {
		var row []cell
		for i, x := range r {
			if !slices.Contains(gone, i) {
				row = append(row, x)
			}
		}
		n.rows = append(n.rows, row)
	}
	return n
}

// renumbered returns columns as they are counted where others are gone.
func renumbered(all, gone []int) []int {
	out := make([]int, len(all))
	for k, i := range all {
		out[k] = i
		for _, g := range gone {
			if g < i {
				out[k]--
			}
		}
	}
	return out
}

// over returns by how many columns of the terminal the table is too wide.
func (t *table) over(width int) int {
	sum := gap * (len(t.head) - 1)
	for _, n := range t.widths() {
		sum += n
	}
	return sum - width
}

// inBrief has columns say the same in fewer words, in that order and as far as needed, and reports whether the table fits.
func (t *table) inBrief(width int, of []int) bool {
	for _, i := range of {
		if t.over(width) <= 0 {
			return true
		}
		for _, r := range t.rows {
			if i < len(r) && t.brief[i] != nil {
				r[i].text = t.brief[i](r[i].text)
			}
		}
	}
	return t.over(width) <= 0
}

// shorten cuts what is too long in columns, in that order and as far as needed, and reports whether the table fits.
func (t *table) shorten(width int, of []int) bool {
	natural := t.widths()
	for _, i := range of {
		over := t.over(width)
		if over <= 0 {
			return true
		}
		least := max(minShortened, columns(t.head[i]))
		if t.right[i] || t.wraps[i] || natural[i] <= least {
			continue
		}
		to := max(least, natural[i]-over)
		for _, r := range t.rows {
			if i < len(r) {
				r[i].text = clipped(r[i].text, to)
			}
		}
	}
	return t.over(width) <= 0
}

// wrap has texts go on in the next line, in columns that are no narrower for it than they must be, and reports whether the table fits.
func (t *table) wrap(width int) bool {
	natural := t.widths()
	over := t.over(width)
	for i := range natural {
		least := max(minWrapped, columns(t.head[i]))
		if n := natural[i] - least; t.wraps[i] && n > 0 {
			natural[i] -= min(n, max(over, 0))
			over -= min(n, max(over, 0))
		}
	}
	if over > 0 {
		return false
	}
	var rows [][]cell
	for _, r := range t.rows {
		rows = append(rows, wrapRow(r, natural)...)
	}
	t.rows = rows
	return true
}
