package keys

import (
	"crypto"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
)

// maxCertificates is how many certificates a file may have.
const maxCertificates = 16

const (
	typeCertificate = "CERTIFICATE"
	typeKey         = "PRIVATE KEY"
	// typeOldKey is what openssl ecparam writes (RFC 5915).
	typeOldKey = "EC PRIVATE KEY"
)

func encodeCertificate(der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: typeCertificate, Bytes: der})
}

func encodeKey(key crypto.Signer) ([]byte, error) {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, errors.New("a key of this kind cannot be written")
	}
	return pem.EncodeToMemory(&pem.Block{Type: typeKey, Bytes: der}), nil
}

// decodeCertificates returns the certificates of a file, of which there must be one. Other blocks are passed over.
func decodeCertificates(b []byte) (all []*x509.Certificate, err error) {
	for block, rest := pem.Decode(b); block != nil; block, rest = pem.Decode(rest) {
		if block.Type != typeCertificate {
			continue
		}
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("certificate %d cannot be read: %s", len(all)+1, quote(err.Error()))
		}
		if len(all) == maxCertificates {
			return nil, fmt.Errorf("more than %d certificates", maxCertificates)
		}
		all = append(all, c)
	}
	if len(all) == 0 {
		return nil, errors.New("no certificate in PEM is in it")
	}
	return all, nil
}

// decodeKey returns the first private key of a file. Its errors say nothing of what is in the file.
func decodeKey(b []byte) (crypto.Signer, error) {
	for block, rest := pem.Decode(b); block != nil; block, rest = pem.Decode(rest) {
		var key any
		var err error
		switch block.Type {
		case typeKey:
			key, err = x509.ParsePKCS8PrivateKey(block.Bytes)
		case typeOldKey:
			key, err = x509.ParseECPrivateKey(block.Bytes)
		case "ENCRYPTED PRIVATE KEY":
			return nil, errors.New("the private key is encrypted, and nobody is there to give the password: store it without")
		default:
			continue
		}
		signer, ok := key.(crypto.Signer)
		if err != nil || !ok {
			return nil, errors.New("the private key cannot be read")
		}
		return signer, nil
	}
	return nil, errors.New("no private key in PEM is in it")
}
