package keys

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"sync"
	"time"

	"github.com/lessor-dhcp/lessor/internal/binding"
)

// Registrar gives certificates to the machines that come with a token, on the member that has the group's authority. It
// may be used from several goroutines.
type Registrar struct {
	dir      Dir
	group    string
	spending sync.Mutex // of two machines with one token, one is served
}

// Registrar returns the registrar of the group's authority in d; where the group was founded elsewhere, one that never
// opens.
func (d Dir) Registrar(group string) *Registrar { return &Registrar{dir: d, group: group} }

// Open reports whether a token is good.
func (r *Registrar) Open(now time.Time) bool { return r.dir.open(now) }

// What a machine is told. Without the token it learns nothing.
var (
	errNoToken = errors.New("the token is not good: it was made on another machine, was swept away, or was changed")
	errSpent   = errors.New("the token was used by another machine: if that was not you, found the group's keys anew; else make a new token")
	errTooLate = errors.New("the token is too old: make a new one")
	errTrouble = errors.New("this member cannot give a certificate now: its status says why")
)

// Answer answers a request that came over a TLS connection with that Channel, from an address that only these members
// have. When it returns a certificate, the token is durably spent. The error is for the operator of this member.
func (r *Registrar) Answer(now time.Time, b, channel []byte, from []binding.Member) ([]byte, error) {
	der, says, err := r.answer(now, b, channel, from)
	a := answer{Certificate: der}
	if says != nil {
		a = answer{Error: says.Error()}
	}
	text, _ := json.Marshal(a) // of octets and text
	return text, err
}

// answer returns a certificate, or what the machine is told, with what the operator is.
func (r *Registrar) answer(now time.Time, b, channel []byte, from []binding.Member) (der []byte, says, err error) {
	var q request
	if json.Unmarshal(b, &q) != nil || len(q.Invitation) != 2*idSize {
		return nil, errNoToken, errors.New("its request cannot be read")
	}
	if _, err := hex.DecodeString(q.Invitation); err != nil {
		return nil, errNoToken, errors.New("its request cannot be read")
	}
	r.spending.Lock()
	defer r.spending.Unlock()
	i, err := r.dir.invitation(q.Invitation)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, errNoToken, errNoToken
	}
	if err != nil {
		return nil, errTrouble, err
	}
	if !hmac.Equal(q.Proof, proof(i.Key, channel, q.Member, q.Request)) {
		return nil, errNoToken, errNoToken
	}
	return r.admit(now, &q, i, from)
}

// admit answers a machine that has the token.
func (r *Registrar) admit(now time.Time, q *request, i *invitation, from []binding.Member) (der []byte, says, err error) {
	csr, err := x509.ParseCertificateRequest(q.Request)
	if err != nil || csr.CheckSignature() != nil || !fit(csr.PublicKey) {
		err := errors.New("its key is not fit for a certificate: this needs ECDSA, P-256 or more")
		return nil, err, err
	}
	sum := sha256.Sum256(csr.RawSubjectPublicKeyInfo)
	key := hex.EncodeToString(sum[:])
	switch {
	case !i.good(now):
		return nil, errTooLate, fmt.Errorf("member %s: %w", i.Member, errTooLate)
	case q.Member != i.Member || !slices.Contains(from, i.Member):
		err := fmt.Errorf("the token is for member %s, whose peer in this member's file is another address", i.Member)
		return nil, err, err
	case i.Spent != "" && i.Spent != key:
		return nil, errSpent, fmt.Errorf("member %s: %w", i.Member, errSpent)
	}
	a, err := r.dir.Authority()
	if err == nil && a.group != r.group {
		err = fmt.Errorf("%s has the authority of group %s, and this is %s", r.dir, quote(a.group), quote(r.group))
	}
	if err != nil {
		return nil, errTrouble, err
	}
	i.Spent = key
	if err := r.dir.keep(q.Invitation, i); err != nil {
		return nil, errTrouble, err
	}
	der, err = a.Issue(i.Member, csr.PublicKey, now)
	if err != nil {
		return nil, errTrouble, err
	}
	return der, nil, nil
}
