// Package web goes through the pages in a real browser, with two real servers behind them and real clients of theirs: every page,
// by pointer and by keyboard, in light and dark, on a desk and on a phone, with a failover in the middle. It makes the pictures of
// docs/pictures as it goes.
package web
