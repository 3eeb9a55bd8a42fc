package policy

import "github.com/lessor-dhcp/lessor/internal/binding"

// FactsOf returns the facts that b stored, for Resolve. It is false if they are not known, or if the network that the
// client was heard on is none any more and its address is in no subnet.
func (p *Policy) FactsOf(b *binding.Binding) (*Facts, bool) {
	said, f := new(binding.Facts), new(Facts)
	known, linked := p.ReadFacts(b, said, f)
	return f, known && linked
}

// ReadFacts makes f the facts that b stored, in the memory of said, to which f then refers. known says that they could be read,
// linked that the document still has a link for them: the network that the client was heard on, or the subnet of its address.
func (p *Policy) ReadFacts(b *binding.Binding, said *binding.Facts, f *Facts) (known, linked bool) {
	if b.Facts.Shared == nil || !said.Read(&b.Facts, p.linkName) {
		return false, false
	}
	*f = Facts{Client: b.Client, GIAddr: said.GIAddr, Options: said, Link: p.SubnetOf(b.Addr())}
	n := p.byName[said.Link]
	switch {
	case f.Link != nil && (n == nil || f.Link.Network == n):
	case n != nil && len(n.Subnets) > 0:
		f.Link = n.Subnets[0]
	}
	return true, f.Link != nil
}

// linkName returns the name as the document's network has it.
func (p *Policy) linkName(name []byte) string {
	if n := p.byName[string(name)]; n != nil {
		return n.Name
	}
	return string(name)
}
