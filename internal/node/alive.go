package node

import "context"

// Alive returns nil once whoever decides has had its turn, for a watchdog. Once the store is open anew, nobody
// has a turn for as long as its leases take to be counted, and the server is alive all the same. Otherwise the error is ctx's, or ErrStopped.
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
