package main

import (
	"io"
	"slices"
	"strings"
)

// cell is one text in a table and how it is shown.
type cell struct {
	text  string
	style style
}

// table is rows of cells under a heading, in columns that are as wide as their widest cell. What goes to a terminal fits
// it; what goes elsewhere is as wide as it is.
type table struct {
	head  []string     // without any text, no heading is written
	right map[int]bool // columns of numbers, which are never shortened
	rows  [][]cell
	// least are the columns that may give way where the terminal is too narrow, the least important one first; nil: all
	// but the first, from the last on.
	least []int
	// wraps are the columns whose texts go on in the next line where there is no room for them, and are never cut.
	wraps map[int]bool
	// brief says the texts of a column in fewer words, which is done first where the terminal is too narrow.
	brief map[int]func(string) string
}

func (t *table) add(cells ...cell) { t.rows = append(t.rows, cells) }

// addText adds a row of plain texts.
func (t *table) addText(texts ...string) {
	row := make([]cell, len(texts))
	for i, s := range texts {
		row[i].text = s
	}
	t.rows = append(t.rows, row)
}

// gap is how many columns of the terminal are between two of the table.
const gap = 2

// write writes the table, each line after indent, and then which columns there was no room for.
func (t *table) write(c *console, w io.Writer, indent string) error {
	var missing []string
	if width := c.width(); width > 0 {
		t, missing = t.narrowed(width - columns(indent))
	}
	width := t.widths()
	rows := t.rows
	if strings.Join(t.head, "") != "" {
		rows = append([][]cell{t.headCells()}, rows...)
	}
	var err error
	line := func(text string) {
		if err == nil {
			_, err = io.WriteString(w, indent+text+"\n")
		}
	}
	for _, r := range rows {
		line(t.line(c, r, width))
	}
	if len(missing) > 0 {
		line(c.paint(dim, "(no room here for "+strings.Join(missing, ", ")+")"))
	}
	return err
}

// widths returns how wide each column is.
func (t *table) widths() []int {
	width := make([]int, len(t.head))
	for i, h := range t.head {
		width[i] = columns(h)
	}
	for _, r := range t.rows {
		for i, x := range r {
			width[i] = max(width[i], columns(x.text))
		}
	}
	return width
}

// maxIndent is how far in a table stands at most.
const maxIndent = 4

// minFlexible is how narrow a column may be made.
const minFlexible = 12

// fit wraps the cells of the columns in flexible so that no line is wider than the terminal, or than width where out is
// none, where that can be done: the widest columns give way first.
func (t *table) fit(c *console, width int, flexible ...int) {
	if own := c.width(); own > 0 {
		width = own - maxIndent
	}
	natural := t.widths()
	room := width - gap*(len(t.head)-1)
	for i, n := range natural {
		if !slices.Contains(flexible, i) {
			room -= n
		}
	}
	slices.SortFunc(flexible, func(a, b int) int { return natural[a] - natural[b] })
	for k, i := range flexible {
		natural[i] = min(natural[i], max(room/(len(flexible)-k), minFlexible))
		room -= natural[i]
	}
	var rows [][]cell
	for _, r := range t.rows {
		rows = append(rows, wrapRow(r, natural)...)
	}
	t.rows = rows
}

func (t *table) headCells() []cell {
	head := make([]cell, len(t.head))
	for i, h := range t.head {
		head[i] = cell{h, dim}
	}
	return head
}

// wrapRow returns a row as rows whose cells are at most as wide as their columns.
func wrapRow(r []cell, width []int) [][]cell {
	lines, high := make([][]string, len(r)), 1
	for i, x := range r {
		lines[i] = wrapped(x.text, width[i])
		high = max(high, len(lines[i]))
	}
	rows := make([][]cell, high)
	for k := range rows {
		rows[k] = make([]cell, len(r))
		for i, x := range r {
			if k < len(lines[i]) {
				rows[k][i] = cell{lines[i][k], x.style}
			}
		}
		if high == 1 {
			rows[k] = r
		}
	}
	return rows
}

// wrapped returns s in lines of at most width columns, broken at spaces where that can be done.
func wrapped(s string, width int) (lines []string) {
	r := []rune(s)
	for {
		n := within(r, width)
		if n == len(r) {
			return append(lines, string(r))
		}
		at := breakBefore(r, max(n, 1))
		lines = append(lines, strings.TrimRight(string(r[:at]), " "))
		r = r[at:]
	}
}

// breakBefore returns where a line of at most width characters of r ends: after a space, else after a mark inside a
// long word, as of a range, else where it must.
func breakBefore(r []rune, width int) int {
	if width < len(r) && r[width] == ' ' {
		return width + 1
	}
	for _, marks := range []string{" ", "-,;/"} {
		for k := width - 1; k > width/3; k-- {
			if strings.ContainsRune(marks, r[k]) {
				return k + 1
			}
		}
	}
	return width
}

// line returns one row in columns of the given widths, without spaces at its end.
func (t *table) line(c *console, row []cell, width []int) string {
	var b strings.Builder
	for i, x := range row {
		pad := strings.Repeat(" ", width[i]-columns(x.text))
		if i > 0 {
			b.WriteString(strings.Repeat(" ", gap))
		}
		if t.right[i] {
			b.WriteString(pad + c.paint(x.style, x.text))
		} else {
			b.WriteString(c.paint(x.style, x.text) + pad)
		}
	}
	return strings.TrimRight(b.String(), " ")
}
