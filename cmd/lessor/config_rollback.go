package main

import (
	"context"
	"errors"

	"github.com/lessor-dhcp/lessor/internal/api"
	"github.com/lessor-dhcp/lessor/internal/node"
)

type configRollbackCommand struct {
	whichServer `embed:""`
	changeFlags `embed:""`
	Version     string `arg:"" complete:"version" help:"The version to go back to: at least 6 of its digits, or agreed, or partner."`
	WhatIf      bool   `name:"what-if" help:"Show what it would do to the clients that have a lease now, and change nothing."`
}

func (configRollbackCommand) Help() string {
	return `The next version of the configuration says what an earlier one did. Nothing is taken out of the history. lessor config history lists the versions, lessor config diff shows what going back would undo.

Examples:

  lessor config rollback 0123abcd --comment 'the new router is not there yet'
  lessor config rollback 0123abcd --what-if`
}

// Run goes back to a version.
func (x configRollbackCommand) Run(ctx context.Context, c *console) error {
	r, err := x.request(c, "lessor config rollback")
	if err != nil {
		return err
	}
	if x.Version == api.Head || x.Version == tipName {
		return usageError{errors.New("going back to where one is changes nothing: name an earlier version (`lessor config history` lists them)"), "lessor config rollback --help"}
	}
	client, err := x.client()
	if err != nil {
		return err
	}
	id, err := versionOf(ctx, client, x.Version)
	if err != nil {
		return err
	}
	if x.WhatIf {
		v, err := client.ConfigShow(ctx, id)
		if err != nil {
			return versionMeant(ctx, client, err, id)
		}
		r.Document, r.File = []byte(v.Text), "version "+shortName(v.Version)
		return whatIf(ctx, c, client, r, x.JSON)
	}
	return changing(c, x.JSON, &r, mergedWithOthers, func() (node.Applied, error) {
		a, err := client.ConfigRollback(ctx, id, r)
		return a, versionMeant(ctx, client, err, id)
	})
}
