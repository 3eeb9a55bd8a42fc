package node

import "context"

// Alive returns nil once whoever decides has had its turn, for a watchdog. While the store is opened anew, which takes as long as its leases
// take to be read, nobody has a turn, and the server is alive all the same. Otherwise the error is ctx's, or ErrStopped.
func (n *Node) Alive(ctx context.Context) error {
	err := n.do(ctx, func(*Effects) {})
	if err != nil && err != ErrStopped {
		if !n.opening.TryLock() {
			return nil
		}
		n.opening.Unlock()
	}
	return err
}
