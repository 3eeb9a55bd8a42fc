package peer

import "sync"

// maxQueued is how many messages may wait to be written on a link, and maxQueuedOctets how many octets of them.
const (
	maxQueued       = 4096
	maxQueuedOctets = 8 << 20
)

// queue is what waits to be written on a link. The zero value is not ready: see newQueue.
type queue struct {
	wake chan struct{} // has one element when there may be something new to see

	mu       sync.Mutex // guards what follows
	messages [][]byte
	octets   int // of messages, and of those that take has given out and that are not written yet
	closed   bool
}

func newQueue() queue { return queue{wake: make(chan struct{}, 1)} }

// put adds a message; false if there is no room, or never will be.
func (q *queue) put(msg []byte) bool {
	q.mu.Lock()
	ok := !q.closed && len(q.messages) < maxQueued && q.octets+len(msg) <= maxQueuedOctets
	if ok {
		q.messages = append(q.messages, msg)
		q.octets += len(msg)
	}
	q.mu.Unlock()
	if ok {
		q.signal()
	}
	return ok
}

// shut lets nothing more in.
func (q *queue) shut() {
	q.mu.Lock()
	q.closed = true
	q.mu.Unlock()
	q.signal()
}

func (q *queue) signal() {
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

// take returns the oldest messages, about up to most octets of them but at least one, and whether none will follow. spare
// is used for the answer.
func (q *queue) take(spare [][]byte, most int) (messages [][]byte, last bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	n, octets := 0, 0
	for n < len(q.messages) && (n == 0 || octets+len(q.messages[n]) <= most) {
		octets += len(q.messages[n])
		n++
	}
	messages = append(spare[:0], q.messages[:n]...)
	rest := copy(q.messages, q.messages[n:])
	clear(q.messages[rest:])
	q.messages = q.messages[:rest]
	return messages, q.closed && rest == 0
}

// wrote makes the room free again of messages that take gave out.
func (q *queue) wrote(octets int) {
	q.mu.Lock()
	q.octets -= octets
	q.mu.Unlock()
}
