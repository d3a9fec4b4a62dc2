// Package listening opens what serve listens on: an address or a socket of the file system, with
// TLS or without.
package listening

import (
	"context"
	"crypto/tls"
	"errors"
	"io/fs"
	"net"
	"path/filepath"
	"syscall"
	"time"

	"github.com/wasihttp/wasihttp/cmd/internal/exit"
	"github.com/wasihttp/wasihttp/cmd/internal/values"
	"github.com/wasihttp/wasihttp/internal/devcert"
	"github.com/wasihttp/wasihttp/serve/listen"
)

// Settings are what the flags say.
type Settings struct {
	// Addr is HOST:PORT or unix:PATH.
	Addr string
	// FindFree takes the next port if that one is in use.
	FindFree bool
	// TLS makes the server speak https. CertFile and KeyFile have the certificate; if they are "",
	// the one that is kept in Folder is used. Folder is "" if the user has none.
	TLS               bool
	CertFile, KeyFile string
	Folder            string
}

// Check returns an error about the flags, nil if there is nothing wrong.
func (s *Settings) Check() error {
	path, isSocket := listen.SocketPath(s.Addr)
	switch {
	case isSocket && path == "":
		return exit.Usagef("for example --addr unix:app.sock", "--addr %q names no file", s.Addr)
	case isSocket && s.FindFree:
		return exit.Usagef("remove one of the two flags",
			"--find-free-port needs an address with a port, not --addr %s", s.Addr)
	case s.CertFile != "" && s.KeyFile == "":
		return exit.Usagef("add --tls-key FILE; it may be the same file",
			"--tls-cert needs --tls-key")
	case s.CertFile == "" && s.KeyFile != "":
		return exit.Usagef("add --tls-cert FILE; it may be the same file",
			"--tls-key needs --tls-cert")
	case isSocket:
		return nil
	}
	return values.Addr(s.Addr)
}

// Secure reports whether the server speaks https.
func (s *Settings) Secure() bool { return s.TLS || s.CertFile != "" }

// Names returns the name in the address, which the user opens, if there is one.
func (s *Settings) Names() []string {
	if _, isSocket := listen.SocketPath(s.Addr); isSocket {
		return nil
	}
	if host, _, err := net.SplitHostPort(s.Addr); err == nil {
		if name, ok := values.HostName(host); ok {
			return []string{name}
		}
	}
	return nil
}

// Listener is what a server listens on.
type Listener struct {
	net.Listener
	// TLS is nil for http.
	TLS *tls.Config
	// URL is the address to open, or unix:PATH.
	URL string
	// Certificate is that of https; nil for http.
	Certificate *devcert.Certificate
}

// Open opens the listener, or explains why it cannot. The caller closes it.
func (s *Settings) Open(ctx context.Context) (*Listener, error) {
	l := &Listener{}
	if s.Secure() {
		var err error
		if l.Certificate, err = s.certificate(); err != nil {
			return nil, err
		}
		l.TLS = &tls.Config{Certificates: []tls.Certificate{l.Certificate.TLS}}
	}
	var err error
	if l.Listener, err = listen.Listen(ctx, s.Addr, s.FindFree); err != nil {
		return nil, s.explain(err)
	}
	l.URL = listen.URL(l.Listener, s.Addr, s.Secure())
	return l, nil
}

func (s *Settings) certificate() (*devcert.Certificate, error) {
	if s.CertFile == "" {
		c, err := devcert.Kept(s.Folder, time.Now())
		if err != nil {
			return nil, exit.Loadf(err, "bring your own: --tls-cert FILE --tls-key FILE",
				"--tls: no certificate could be made: %v", err)
		}
		return c, nil
	}
	c, err := devcert.Own(s.CertFile, s.KeyFile, time.Now())
	var bad *devcert.FileError
	if !errors.As(err, &bad) {
		return c, err
	}
	if bad.Key {
		return nil, exit.Loadf(err, bad.Hint, "--tls-key %s: %s", bad.Path, bad.Problem)
	}
	return nil, exit.Loadf(err, bad.Hint, "--tls-cert %s: %s", bad.Path, bad.Problem)
}

// explain explains why the server cannot listen.
func (s *Settings) explain(err error) error {
	var inUse *listen.AddressInUseError
	var other *listen.NotASocketError
	path, isSocket := listen.SocketPath(s.Addr)
	switch {
	case errors.As(err, &other):
		return exit.Loadf(err, "name a path where nothing is, or remove what is there",
			"cannot listen on %s: %v", s.Addr, other)
	case errors.As(err, &inUse) && isSocket:
		return exit.Loadf(err, "stop the program that listens there, or use another path", "%v",
			inUse)
	case errors.As(err, &inUse):
		return exit.Loadf(err, "stop the program that listens there, or use another port: "+
			"--find-free-port or --addr "+anyPort(s.Addr), "%v", inUse)
	case isSocket:
		return exit.Loadf(err, socketHint(err, path), "cannot listen on %s: %v", s.Addr,
			reason(err))
	}
	return exit.Loadf(err, hint(err, s.Addr), "cannot listen on %s: %v", s.Addr, reason(err))
}

// maxSocketPath is the length that the path of a socket can have on all systems, in bytes.
const maxSocketPath = 103

// socketHint returns the next step for a socket on which the server cannot listen.
func socketHint(err error, path string) string {
	switch {
	case len(path) > maxSocketPath:
		return "the path of a socket has about a hundred bytes at most: use a shorter one, for " +
			"example a relative one"
	case errors.Is(err, fs.ErrNotExist):
		return "make the folder " + filepath.Dir(path) + " first"
	}
	return "use a path in a folder of your own, for example --addr unix:app.sock"
}

// reason returns what the system or the resolver says, without the call that was made.
func reason(err error) string {
	var lookup *net.DNSError
	if errors.As(err, &lookup) {
		return lookup.Err
	}
	var system syscall.Errno
	if errors.As(err, &system) {
		return system.Error()
	}
	return err.Error()
}

// hint returns the next step for an address on which the server cannot listen.
func hint(err error, addr string) string {
	_, port, splitErr := net.SplitHostPort(addr)
	if splitErr == nil && errors.Is(err, fs.ErrPermission) {
		return "ports below 1024 need special rights: use another, for example --addr " +
			"127.0.0.1:8080"
	}
	return "use an address of this machine: 127.0.0.1:" + port + " for this machine only, :" +
		port + " for all interfaces"
}

// anyPort replaces the port of an address by 0.
func anyPort(addr string) string {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return ":0"
	}
	return net.JoinHostPort(host, "0")
}
