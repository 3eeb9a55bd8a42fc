// Package logbook keeps what happened in files that nobody waits for. A Book is a file to which pages are added, and the file before it: when
// the one is full it takes the other's place, so a book never has more octets than was said. Nothing is synced: a machine that loses its
// power loses what the kernel had not written by itself. What is read is looked at with suspicion: a page whose checksum is wrong is left
// out, and an end that is no page is cut off. It knows nothing of what is on a page.
package logbook
