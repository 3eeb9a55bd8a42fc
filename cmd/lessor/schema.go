package main

import "github.com/lessor-dhcp/lessor/internal/config"

type schemaCommand struct{}

func (schemaCommand) Help() string {
	return `An editor that knows YAML completes and checks configuration files with it. With the YAML language server, the first line of the configuration file is then:

  # yaml-language-server: $schema=lessor.schema.json

Example:

  lessor schema > lessor.schema.json`
}

// Run prints the schema.
func (schemaCommand) Run(c *console) error {
	_, err := c.out.Write(config.Schema())
	return err
}
