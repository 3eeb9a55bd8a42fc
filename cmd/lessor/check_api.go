package main

import (
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/lessor-dhcp/lessor/internal/api"
	"github.com/lessor-dhcp/lessor/internal/config"
)

// endsSoon is how long before its end a certificate is spoken of.
const endsSoon = 30 * 24 * time.Hour

// checkAPI returns what is the matter with the files of server: api: tls. They are the machine's, and the document may be for another one, so it
// warns only: a server without them serves its clients, and cannot be asked over TCP.
func checkAPI(doc *config.Document, now time.Time) config.Problems {
	t := doc.Server.API.TLS
	if t.Certificate == "" {
		return nil
	}
	certificate, key := beside(doc.File, t.Certificate), beside(doc.File, t.Key)
	warning := func(message, remedy string) config.Problems {
		return config.Problems{doc.Warning(t.Position, "api: "+message+": on this machine nobody could ask this server over TCP", remedy)}
	}
	c, err := api.CertificateOf(certificate, key)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return warning(err.Error(), "put the file there, or name the one that is meant; it does not matter where the document is for another machine")
	case errors.Is(err, fs.ErrPermission):
		return warning(err.Error(), "check as the user that the server runs as, or as root")
	case err != nil:
		return warning(err.Error(), "both are files in PEM, of which the key belongs to the certificate and nobody but its owner, or the group that root gave it to, may read it")
	case now.After(c.Ends()):
		return config.Problems{doc.Warning(t.Position, fmt.Sprintf("api: the certificate %s ended %s: whoever asks over TCP refuses it", certificate, c.Ends().UTC().Format(time.DateOnly)),
			"put a new one in its place and reload the server")}
	case now.Before(c.Begins()):
		return config.Problems{doc.Warning(t.Position, fmt.Sprintf("api: the certificate %s holds from %s on only: whoever asks over TCP refuses it until then", certificate, c.Begins().UTC().Format(time.DateOnly)),
			"see that the clock of this machine is right")}
	case c.Ends().Sub(now) < endsSoon:
		return config.Problems{doc.Warning(t.Position, fmt.Sprintf("api: the certificate %s ends %s", certificate, c.Ends().UTC().Format(time.DateOnly)),
			"put a new one in its place and reload the server before that")}
	}
	return nil
}
