package option

import (
	"fmt"
	"strconv"
	"unicode/utf8"
)

// maxShown is the most that an error message repeats of what a person wrote, in characters.
const maxShown = 40

// brief names an Input in an error message.
func (in Input) brief() string {
	switch in.Kind {
	case Scalar:
		s := in.Scalar
		if utf8.RuneCountInString(s) > maxShown {
			s = string([]rune(s)[:maxShown]) + "…"
		}
		return strconv.Quote(s)
	case List:
		return "a list"
	case Map:
		return "a map"
	}
	return "nothing"
}

// items returns what a list was written as: its elements, or a scalar as a list of one.
func (in Input) items() []Input {
	if in.Kind == List {
		return in.List
	}
	return []Input{in}
}

// single returns the value of a map with the one given key.
func (in Input) single(key string) (Input, bool) {
	if in.Kind == Map && len(in.Map) == 1 && in.Map[0].Key == key {
		return in.Map[0].Value, true
	}
	return Input{}, false
}

// under returns e with the index i before its path.
func (e *InputError) under(i int) *InputError {
	e.Path = append([]int{i}, e.Path...)
	return e
}

// at returns e under element i of in, or unchanged where in is not a list but stands for a list of one.
func (e *InputError) at(in Input, i int) *InputError {
	if in.Kind != List {
		return e
	}
	return e.under(i)
}

func wrong(remedy, format string, args ...any) *InputError {
	return &InputError{Reason: fmt.Sprintf(format, args...), Remedy: remedy}
}
