// Package devcert is the certificate of a server that speaks https: one for this machine that is
// made once and kept, or the user's own.
package devcert

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/wasihttp/wasihttp/internal/regular"
)

const (
	// Lifetime is how long a certificate that is made is valid: longer, and some clients refuse it.
	Lifetime = 397 * 24 * time.Hour
	// Renewal is the time before the end of a kept certificate from which another one is made.
	Renewal = 30 * 24 * time.Hour

	// pairFile has the certificate and its key: in one file, they always belong together.
	pairFile = "localhost.pem"
	// certFile has the certificate alone, for the programs that are to trust it.
	certFile = "localhost.crt"

	typeCertificate = "CERTIFICATE"
	typeKey         = "PRIVATE KEY"
)

// names are those that the certificate is for, beside the addresses.
var names = [...]string{"localhost"}

// Certificate is a certificate with its key.
type Certificate struct {
	// TLS has the certificate, its chain, its key, and its Leaf.
	TLS tls.Certificate
	// File is where the certificate is for other programs; "" if it is kept nowhere.
	File string
	// Made reports whether the certificate is new.
	Made bool
	// Notes are what the user should know: lines without an end.
	Notes []string
}

// Fingerprint returns the SHA-256 hash of the certificate, as browsers show it.
func (c *Certificate) Fingerprint() string {
	sum := sha256.Sum256(c.TLS.Leaf.Raw)
	digits := strings.ToUpper(hex.EncodeToString(sum[:]))
	var text strings.Builder
	for i := 0; i < len(digits); i += 2 {
		if i > 0 {
			text.WriteByte(':')
		}
		text.WriteString(digits[i : i+2])
	}
	return text.String()
}

// Kept returns the certificate in a folder, for localhost, 127.0.0.1 and ::1. If there is none, or
// if it ends soon, it makes one; if that cannot be kept, or folder is "", it is another one each
// time, as Notes say. Processes may call it at once.
func Kept(folder string, now time.Time) (*Certificate, error) {
	if folder != "" {
		c, err := read(filepath.Join(folder, pairFile))
		if err == nil && isGood(c.TLS.Leaf, now) {
			err = c.publish(folder)
			c.notKept(err)
			return c, nil
		}
		damaged := err != nil && !errors.Is(err, fs.ErrNotExist)
		made, err := keep(folder, now)
		if err == nil {
			if damaged {
				made.Notes = append(made.Notes, "the certificate in "+
					filepath.Join(folder, pairFile)+" was damaged: there is a new one")
			}
			return made, nil
		}
		pair, makeErr := newPair(now)
		if makeErr != nil {
			return nil, makeErr
		}
		c, makeErr = parse(pair)
		if makeErr != nil {
			return nil, makeErr
		}
		c.Made = true
		c.notKept(err)
		return c, nil
	}
	pair, err := newPair(now)
	if err != nil {
		return nil, err
	}
	c, err := parse(pair)
	if err != nil {
		return nil, err
	}
	c.Made = true
	c.notKept(errors.New("this user has no folder for settings"))
	return c, nil
}

// notKept says that the certificate cannot be kept, unless err is nil.
func (c *Certificate) notKept(err error) {
	if err != nil {
		c.Notes = append(c.Notes, "the certificate cannot be kept: "+regular.Reason(err).Error()+
			"; programs have to trust another one at each start")
	}
}

// keep makes a certificate and returns the one that is in the folder then.
func keep(folder string, now time.Time) (*Certificate, error) {
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return nil, err
	}
	pair, err := newPair(now)
	if err != nil {
		return nil, err
	}
	path := filepath.Join(folder, pairFile)
	next := filepath.Join(folder, "."+pairFile+"."+rand.Text())
	if err := os.WriteFile(next, pair, 0o600); err != nil {
		return nil, errors.Join(err, os.Remove(next))
	}
	// Of processes that make the first one at once, one succeeds, and the others use its.
	if err = os.Link(next, path); err != nil {
		if c, readErr := read(path); readErr == nil && isGood(c.TLS.Leaf, now) {
			c.notKept(errors.Join(os.Remove(next), c.publish(folder)))
			return c, nil
		}
		err = os.Rename(next, path)
	} else {
		err = os.Remove(next)
	}
	if err != nil {
		return nil, errors.Join(err, removed(next))
	}
	c, err := read(path)
	if err != nil {
		return nil, err
	}
	c.Made = true
	return c, c.publish(folder)
}

// removed removes a file that may have gone.
func removed(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// publish writes the certificate alone to its file, unless it is there.
func (c *Certificate) publish(folder string) error {
	path := filepath.Join(folder, certFile)
	text := pem.EncodeToMemory(&pem.Block{Type: typeCertificate, Bytes: c.TLS.Leaf.Raw})
	if old, err := regular.ReadFile(path, regular.MaxText); err != nil || !bytes.Equal(old, text) {
		if err := regular.Replace(path, text, 0o644); err != nil {
			return err
		}
	}
	c.File = path
	return nil
}

// read reads a file with a certificate and its key, and makes sure that only its owner can.
func read(path string) (*Certificate, error) {
	text, err := regular.ReadFile(path, regular.MaxText)
	if err != nil {
		return nil, err
	}
	if runtime.GOOS != "windows" {
		if info, err := os.Stat(path); err == nil && info.Mode().Perm()&0o077 != 0 {
			if err := os.Chmod(path, 0o600); err != nil {
				return nil, err
			}
		}
	}
	return parse(text)
}

func parse(pair []byte) (*Certificate, error) {
	t, err := tls.X509KeyPair(pair, pair)
	if err != nil {
		return nil, err
	}
	return &Certificate{TLS: t}, nil
}

// isGood reports whether a kept certificate is one of ours that does not end soon.
func isGood(leaf *x509.Certificate, now time.Time) bool {
	for _, host := range append(names[:], "127.0.0.1", "::1") {
		if leaf.VerifyHostname(host) != nil {
			return false
		}
	}
	return !now.Before(leaf.NotBefore) && now.Add(Renewal).Before(leaf.NotAfter)
}

// newPair makes a certificate and its key.
func newPair(now time.Time) ([]byte, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return nil, err
	}
	// A clock that is a little behind, that of a container for instance, is no reason to refuse it.
	from := now.Add(-time.Hour)
	template := &x509.Certificate{
		SerialNumber: serial.Add(serial, big.NewInt(1)),
		Subject:      pkix.Name{CommonName: "wasihttp on " + hostname()},
		NotBefore:    from, NotAfter: from.Add(Lifetime - time.Second),
		KeyUsage:              x509.KeyUsageDigitalSignature,
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		BasicConstraintsValid: true, // of no authority: who trusts it trusts this server alone
		DNSNames:              names[:],
		IPAddresses:           []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback},
	}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, err
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	text := pem.EncodeToMemory(&pem.Block{Type: typeCertificate, Bytes: cert})
	return append(text, pem.EncodeToMemory(&pem.Block{Type: typeKey, Bytes: secret})...), nil
}

// hostname returns the name of this machine, for people who look at the certificate.
func hostname() string {
	name, err := os.Hostname()
	if err != nil || len(name) > 40 { // a common name has 64 characters at most
		return "this machine"
	}
	return name
}

// Text returns a line about the certificate for a person.
func (c *Certificate) Text() string {
	text := "certificate "
	if c.Made {
		text = "new certificate "
	}
	if c.File != "" {
		text += c.File + ", "
	}
	return text + c.until() + ", SHA-256 " + c.Fingerprint()
}

// Short returns the same in a few words, but the fingerprint.
func (c *Certificate) Short() []string {
	var items []string
	if c.File != "" {
		items = append(items, c.File)
	}
	if c.Made {
		items = append(items, "new")
	}
	return append(items, c.until(), "SHA-256:")
}

func (c *Certificate) until() string {
	return "until " + c.TLS.Leaf.NotAfter.Local().Format(day)
}

// JSON returns a line about the certificate for a program.
func (c *Certificate) JSON() string {
	b, err := json.Marshal(struct {
		Fingerprint string    `json:"certificate_sha256"`
		File        string    `json:"certificate_file,omitempty"`
		NotAfter    time.Time `json:"not_after"`
	}{c.Fingerprint(), c.File, c.TLS.Leaf.NotAfter})
	if err != nil {
		// Strings and times always have a JSON form.
		panic(fmt.Sprintf("devcert: %v", err))
	}
	return string(b)
}

// day is the form of a date.
const day = "2006-01-02"
