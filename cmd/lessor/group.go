package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"

	"github.com/lessor-dhcp/lessor/internal/config"
	"github.com/lessor-dhcp/lessor/internal/peer/keys"
)

// groupCommand is what makes servers a group: who they are to each other. What they do is seen by lessor status.
type groupCommand struct {
	Init   groupInitCommand   `cmd:"" help:"Found the group on its primary: its authority, this member's keys, and leave to serve alone at once."`
	Join   groupJoinCommand   `cmd:"" help:"Get this machine the keys of a member, with a token from the founder."`
	Invite groupInviteCommand `cmd:"" help:"On the founder, make a new token with which a member may join."`
	Export groupExportCommand `cmd:"" help:"On the founder, write a member's keys into a directory, to be carried there by hand."`
	Renew  groupRenewCommand  `cmd:"" help:"On the founder, give this member a fresh certificate."`
	Show   groupShowCommand   `cmd:"" help:"Show the group, its members, and how long the keys are good."`
}

// whichMember says which server's file a command about the group goes by.
type whichMember struct {
	Config string `required:"" type:"path" placeholder:"FILE" help:"The server's configuration file."`
	JSON   bool   `name:"json" help:"Print one JSON object."`
}

// member is one server of a group, by its file.
type member struct {
	doc  *config.Document
	self *config.Member
	dir  keys.Dir
	data string // the data directory by its whole name, also where it is reached as the working directory
}

// member reads the file. What is wrong with it is written as check does.
func (w whichMember) member(c *console) (*member, error) {
	src, err := readDocument(w.Config, nil)
	if err != nil {
		return nil, err
	}
	doc, problems := parseDocument(w.Config, src)
	if doc == nil {
		for _, p := range problems {
			c.note("%s", p)
		}
		return nil, errNo
	}
	if doc, err = asThisServer(doc); err != nil {
		return nil, err
	}
	m := &member{doc: doc, dir: keys.In(doc.Server.Data), data: doc.Server.Data}
	if len(doc.Group.Members) < 2 {
		return nil, fmt.Errorf("%s has no group of several servers, and a server alone needs no keys: write each server with its address under group: members, in the files of both", w.Config)
	}
	if m.self = m.named(string(doc.Server.Name)); m.self == nil {
		return nil, fmt.Errorf("this server, %s, is not a member of the group in %s: write its name in server: name as it stands under group: members", doc.Server.Name, w.Config)
	}
	return m, nil
}

func (m *member) named(name string) *config.Member {
	for i := range m.doc.Group.Members {
		if e := &m.doc.Group.Members[i]; string(e.Name) == name {
			return e
		}
	}
	return nil
}

// lessors are the other members that need keys.
func (m *member) lessors() (all []*config.Member) {
	for i := range m.doc.Group.Members {
		if e := &m.doc.Group.Members[i]; e != m.self && e.Protocol != config.ProtocolISC {
			all = append(all, e)
		}
	}
	return all
}

// ownAuthority reports whether the operator has made the keys himself.
func (m *member) ownAuthority() bool { return m.doc.Server.TLS.Certificate != "" }

// asOwner goes on as the user that the data directory belongs to, which is the server's: it could not read files of another.
func (m *member) asOwner(c *console) error {
	info, err := os.Stat(m.doc.Server.Data)
	if err != nil {
		return nil // it is made by whoever comes first
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return nil
	}
	return m.goOnAs(c, os.Geteuid(), int(st.Uid), int(st.Gid))
}

// goOnAs has the process of user me go on as user uid.
func (m *member) goOnAs(c *console, me, uid, gid int) error {
	if uid == me {
		return nil
	}
	name := strconv.Itoa(uid)
	if u, err := user.LookupId(name); err == nil {
		name = u.Username
	}
	if me != 0 {
		return fmt.Errorf("%s belongs to user %s, as which the server runs: run this as that user, or as root (sudo)", m.data, name)
	}
	within := os.Chdir(m.data) == nil
	if err := c.become(uid, gid); err != nil {
		return fmt.Errorf("%s belongs to user %s: going on as that user: %w", m.data, name, err)
	}
	if _, err := os.Stat(m.data); within && errors.Is(err, fs.ErrPermission) {
		// systemd keeps the directory of a user that it makes up where only root gets to: what is open stays open.
		d := *m.doc
		d.Server.Data = "."
		m.doc, m.dir = &d, keys.In(d.Server.Data)
	}
	return nil
}

// whole returns the whole name of a file of the data directory.
func (m *member) whole(name string) string {
	if filepath.IsAbs(name) || m.doc.Server.Data != "." {
		return name
	}
	return filepath.Join(m.data, name)
}

// mayIssue refuses what only the member can do that has the group's authority.
func (m *member) mayIssue() error {
	switch {
	case m.ownAuthority():
		return errors.New("the keys are those that server: tls names: make them with the authority that made those (docs/members.md)")
	case !m.dir.Founded():
		return fmt.Errorf("this member has not the group's authority (%s/authority.key): run this where lessor group init was run", m.dir)
	}
	return nil
}
