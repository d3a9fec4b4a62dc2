package devcert

import (
	"crypto/tls"
	"encoding/pem"
	"fmt"
	"strings"
	"time"

	"github.com/wasihttp/wasihttp/internal/regular"
)

// FileError says which of the user's files cannot be used, and why.
type FileError struct {
	// Key reports whether it is the file with the key, rather than the one with the certificate.
	Key     bool
	Path    string
	Problem string
	// Hint is the next step.
	Hint string
	// Err is why the file cannot be read; nil if it can.
	Err error
}

// Error returns path and problem.
func (e *FileError) Error() string { return e.Path + ": " + e.Problem }

// Unwrap returns why the file cannot be read.
func (e *FileError) Unwrap() error { return e.Err }

// Own returns the user's certificate, with its chain, and its key, each in a file in PEM format;
// both may be the same file. Notes say that it is not valid now. The error is a *FileError.
func Own(certPath, keyPath string, now time.Time) (*Certificate, error) {
	cert, err := readOwn(certPath, false)
	if err != nil {
		return nil, err
	}
	key, err := readOwn(keyPath, true)
	if err != nil {
		return nil, err
	}
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil {
		e := &FileError{Path: certPath, Problem: strings.TrimPrefix(err.Error(), "tls: "),
			Hint: "name the certificate of the server first in that file, in PEM format"}
		if strings.Contains(err.Error(), "private key") {
			e.Key, e.Path = true, keyPath
			e.Hint = "name the key that the certificate was made for"
		}
		if strings.Contains(err.Error(), "does not match") {
			e.Problem = "the key does not belong to the certificate in " + certPath
		}
		return nil, e
	}
	c := &Certificate{TLS: pair, File: certPath}

	if leaf := pair.Leaf; now.After(leaf.NotAfter) {
		c.Notes = append(c.Notes, fmt.Sprintf("the certificate in %s has expired on %s: clients "+
			"refuse it", certPath, leaf.NotAfter.Local().Format(day)))
	} else if now.Before(leaf.NotBefore) {
		c.Notes = append(c.Notes, fmt.Sprintf("the certificate in %s is valid from %s: clients "+
			"refuse it until then", certPath, leaf.NotBefore.Local().Format(day)))
	}
	return c, nil
}

// readOwn reads a file, which must have a key, or a certificate.
func readOwn(path string, key bool) ([]byte, error) {
	text, err := regular.ReadFile(path, regular.MaxText)
	if err != nil {
		return nil, &FileError{
			Key: key, Path: path, Problem: regular.Reason(err).Error(), Err: err,
			Hint: "name a file in PEM format",
		}
	}
	certs, keys, encrypted := 0, 0, false
	for rest := text; ; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		switch {
		case block.Type == typeCertificate:
			certs++
		case strings.HasSuffix(block.Type, typeKey):
			keys++
			encrypted = block.Type == "ENCRYPTED "+typeKey || block.Headers["DEK-Info"] != ""
		}
	}
	e := &FileError{Key: key, Path: path}
	switch {
	case certs == 0 && keys == 0:
		e.Problem, e.Hint = "is not in PEM format", "a file in PEM format has lines such as "+
			"-----BEGIN CERTIFICATE-----; openssl x509 -inform DER -in FILE -out FILE.pem makes it"
		if key {
			e.Hint = "a file in PEM format has lines such as -----BEGIN PRIVATE KEY-----; " +
				"openssl pkey -inform DER -in FILE -out FILE.pem makes it"
		}
	case key && keys == 0:
		e.Problem = "has a certificate, and no key"
		e.Hint = "name the file with the private key; are the two files swapped?"
	case !key && certs == 0:
		e.Problem = "has a key, and no certificate"
		e.Hint = "name the file with the certificate; are the two files swapped?"
	case key && encrypted:
		e.Problem = "the key is encrypted"
		e.Hint = "decrypt it: openssl pkey -in " + path + " -out decrypted.pem"
	default:
		return text, nil
	}
	return nil, e
}
