package main

import (
	"io"
	"slices"
	"strings"
	"unicode/utf8"
)

// cell is one text in a table and how it is shown.
type cell struct {
	text  string
	style style
}

// table is rows of cells under a heading, in columns that are as wide as their widest cell.
type table struct {
	head  []string     // without any text, no heading is written
	right map[int]bool // columns of numbers
	rows  [][]cell
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

// write writes the table, each line after indent.
func (t *table) write(c *console, w io.Writer, indent string) error {
	width := make([]int, len(t.head))
	measure := func(i int, s string) { width[i] = max(width[i], utf8.RuneCountInString(s)) }
	for i, h := range t.head {
		measure(i, h)
	}
	for _, r := range t.rows {
		for i, x := range r {
			measure(i, x.text)
		}
	}
	rows := t.rows
	if strings.Join(t.head, "") != "" {
		rows = append([][]cell{t.headCells()}, rows...)
	}
	for _, r := range rows {
		if _, err := io.WriteString(w, indent+t.line(c, r, width)+"\n"); err != nil {
			return err
		}
	}
	return nil
}

// minFlexible is how narrow a column may be made.
const minFlexible = 12

// fit wraps the cells of the columns in flexible so that no line is wider than width, where that can be done: the widest
// columns give way first.
func (t *table) fit(width int, flexible ...int) {
	natural := make([]int, len(t.head))
	for _, r := range append([][]cell{t.headCells()}, t.rows...) {
		for i, x := range r {
			natural[i] = max(natural[i], utf8.RuneCountInString(x.text))
		}
	}
	room := width - 2*(len(t.head)-1)
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
	}
	return rows
}

// wrapped returns s in lines of at most width characters, broken at spaces where that can be done.
func wrapped(s string, width int) (lines []string) {
	r := []rune(s)
	for len(r) > width {
		at := breakBefore(r, width)
		lines = append(lines, strings.TrimRight(string(r[:at]), " "))
		r = r[at:]
	}
	return append(lines, string(r))
}

// breakBefore returns where a line of at most width characters of r ends: after a space, else after a mark inside a
// long word, as of a range, else where it must.
func breakBefore(r []rune, width int) int {
	if r[width] == ' ' {
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
		pad := strings.Repeat(" ", width[i]-utf8.RuneCountInString(x.text))
		if i > 0 {
			b.WriteString("  ")
		}
		if t.right[i] {
			b.WriteString(pad + c.paint(x.style, x.text))
		} else {
			b.WriteString(c.paint(x.style, x.text) + pad)
		}
	}
	return strings.TrimRight(b.String(), " ")
}
