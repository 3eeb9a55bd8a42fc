package access

import "context"

// Identity is who sent a request, as the server found out: never what the request says of itself.
type Identity struct {
	// Name is the user of the process at the other end of the unix socket, or the name of the token.
	Name string
	Role Role
	// From is the address that the request came from, or "socket".
	From string
	// Token names the token that the identity was proved with; empty over the socket.
	Token string
	// Session says that the proof was a browser's cookie, so that a page of another site may have had the browser send it.
	Session bool
}

// FromSocket is the From of who asks over the unix socket.
const FromSocket = "socket"

// May reports whether who asks has at least the role.
func (id Identity) May(r Role) bool { return id.Role >= r && r >= Viewer }

type identityKey struct{}

// With returns a context whose request was sent by id.
func With(ctx context.Context, id Identity) context.Context {
	return context.WithValue(ctx, identityKey{}, id)
}

// From returns who sent the request of ctx; false if nobody has proved anything.
func From(ctx context.Context) (Identity, bool) {
	id, ok := ctx.Value(identityKey{}).(Identity)
	return id, ok
}
