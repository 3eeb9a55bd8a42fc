package config

// eachScope calls each with every scope of layers 2 to 13 and its layer, the weakest layer of the native order first.
func (d *Document) eachScope(each func(Layer, *Scope)) {
	each(EnterpriseLayer, &d.Enterprise)
	for i := range d.Intranets {
		each(IntranetLayer, &d.Intranets[i].Scope)
	}
	for i := range d.ServerClasses {
		each(ServerClassLayer, &d.ServerClasses[i].Scope)
	}
	for i := range d.Servers {
		each(ServerLayer, &d.Servers[i].Scope)
	}
	for i := range d.Networks {
		n := &d.Networks[i]
		each(SharedNetwork, &n.Scope)
		for j := range n.Subnets {
			s := &n.Subnets[j]
			each(SubnetLayer, &s.Scope)
			for k := range s.Pools {
				each(PoolLayer, &s.Pools[k].Scope)
			}
		}
	}
	for i := range d.Classes {
		each(d.Classes[i].Kind, &d.Classes[i].Scope)
	}
	for i := range d.Domains {
		each(DomainLayer, &d.Domains[i].Scope)
	}
	for i := range d.Hosts {
		each(HostLayer, &d.Hosts[i].Scope)
	}
}
