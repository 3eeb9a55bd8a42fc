package config

import (
	"strconv"
	"time"

	"github.com/lessor-dhcp/lessor/internal/binding"
)

// scope adds a part for each key that a scope sets, and one for each option.
func (x *cutter) scope(path string, s *Scope) {
	one := func(key, says string, has bool, only Scope) {
		if has {
			x.plain(path+"."+key, says, func() { x.canonical.scope(&only) })
		}
	}
	one("authoritative", saysFlag(s.Authoritative), s.Authoritative != nil, Scope{Authoritative: s.Authoritative})
	one("boot-file-name", s.BootFileName, s.BootFileName != "", Scope{BootFileName: s.BootFileName})
	if p := s.ConflictProbe; p != nil {
		one("conflict-probe", brief(*p), true, Scope{ConflictProbe: p})
	}
	l := s.Lease
	one("lease.default", saysLifetime(l.Default), l.Default != 0, Scope{Lease: Lease{Default: l.Default}})
	one("lease.min", saysLifetime(l.Min), l.Min != 0, Scope{Lease: Lease{Min: l.Min}})
	one("lease.max", saysLifetime(l.Max), l.Max != 0, Scope{Lease: Lease{Max: l.Max}})
	if a := s.NextServer; a.IsValid() {
		one("next-server", a.String(), true, Scope{NextServer: a})
	}
	one("on-takeover", saysTakeover(s.OnTakeover), s.OnTakeover != 0, Scope{OnTakeover: s.OnTakeover})
	for i := range s.Options {
		o := &s.Options[i]
		p := Part{Name: path + ".options." + o.Def.Name, Says: o.says()} // which it may have under several names
		x.add(p, path+".options."+strconv.Itoa(int(o.Def.Code)), func() { x.canonical.scope(&Scope{Options: s.Options[i : i+1]}) })
	}
	for _, q := range namedShares(s.Quota) {
		only := Scope{}
		switch q.key {
		case "interface":
			only.Quota.Interface = q.share
		case "port":
			only.Quota.Port = q.share
		case "relay":
			only.Quota.Relay = q.share
		}
		one("quota."+q.key, q.share.String(), true, only)
	}
	one("rapid-commit", saysFlag(s.RapidCommit), s.RapidCommit != nil, Scope{RapidCommit: s.RapidCommit})
	one("server-hostname", s.ServerHostname, s.ServerHostname != "", Scope{ServerHostname: s.ServerHostname})
}

// says returns an option's value as it is shown.
func (o *Setting) says() string {
	if o.Form == Unset {
		return "unset"
	}
	s := o.Def.Text(o.Value)
	if o.Form != Set {
		s = o.Form.String() + " " + s
	}
	if o.OnTakeover != 0 {
		s += ", on-takeover " + saysTakeover(o.OnTakeover)
	}
	return s
}

func saysFlag(b *bool) string {
	if b == nil {
		return ""
	}
	return strconv.FormatBool(*b)
}

func saysLifetime(d time.Duration) string {
	if d == binding.Infinite {
		return "infinite"
	}
	return brief(d)
}

func saysTakeover(t Takeover) string {
	if t == TakeoverLocal {
		return "local"
	}
	return "home"
}
