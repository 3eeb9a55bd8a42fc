package peer

import (
	"crypto/tls"
	"io"
	"net"
	"time"

	"github.com/lessor-dhcp/lessor/internal/binding"
	"github.com/lessor-dhcp/lessor/internal/peer/keys"
)

// register answers one request of a machine that wants to join. It has as long for all of it as for the handshake.
func (v *visit) register(t *tls.Conn, raw net.Conn) *Refusal {
	now := time.Now()
	raw.SetDeadline(now.Add(v.peer.cfg.Limits.Handshake))
	request, err := keys.ReadFrame(t)
	if err != nil {
		return v.refusal(JoinRefused, "its request did not come")
	}
	channel, err := keys.Channel(t)
	if err != nil {
		return v.refusal(JoinRefused, "its connection cannot be told from others")
	}
	var names []binding.Member
	for _, m := range v.members {
		names = append(names, m.Name)
	}
	answer, refused := v.peer.cfg.Registrar.Answer(now, request, channel, names)
	if keys.WriteFrame(t, answer) == nil && t.CloseWrite() == nil {
		io.CopyN(io.Discard, t, 1) // until it has read that, and closes
	}
	if refused != nil {
		return v.refusal(JoinRefused, refused.Error())
	}
	return nil
}
