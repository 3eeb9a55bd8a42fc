package main

import (
	"io"
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
		head := make([]cell, len(t.head))
		for i, h := range t.head {
			head[i] = cell{h, dim}
		}
		rows = append([][]cell{head}, rows...)
	}
	for _, r := range rows {
		if _, err := io.WriteString(w, indent+t.line(c, r, width)+"\n"); err != nil {
			return err
		}
	}
	return nil
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
