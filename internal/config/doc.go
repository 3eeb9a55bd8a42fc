// Package config is the operator's document: reading YAML into a Document, with defaults, validated, every problem
// found at once and each with its line, its column and what would be right; the document's digest; and the JSON Schema
// that editors use. One table of keys (object.go) drives the parser, the suggestions and the schema.
//
// It never opens a file, never compiles the document into what serves packets (policy), and never looks at the machine
// it runs on: the same octets give the same Document, or the same Problems, everywhere.
package config

//go:generate go test -run TestSchemaInDocsIsFresh . -update
