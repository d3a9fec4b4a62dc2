package grpc

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"io"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// waited gets a value when a call of Wait has been cancelled.
var waited = make(chan struct{}, 10)

// upstream starts a server with the service that the guests have. It returns its address, the
// flags with which components can reach it, and what stops it before the test ends.
func upstream(t *testing.T, secure bool) (target string, flags []string, stop func()) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	target, flags = "http://"+address, []string{"--outbound-h2c", address}
	var options []grpc.ServerOption
	if secure {
		certificate, file := certificate(t)
		options = append(options, grpc.Creds(credentials.NewServerTLSFromCert(&certificate)))
		target, flags = "https://"+address, []string{"--ca-file", file}
	}
	s := grpc.NewServer(append(options, grpc.UnknownServiceHandler(echo))...)
	go s.Serve(l)
	t.Cleanup(s.Stop)
	return target, flags, s.Stop
}

// echo responds to a call of any method.
func echo(_ any, s grpc.ServerStream) error {
	name, _ := grpc.MethodFromServerStream(s)
	var all []string
	for {
		m := new(wrapperspb.StringValue)
		err := s.RecvMsg(m)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		all = append(all, m.Value)
		switch strings.TrimPrefix(name, "/echo.Echo/") {
		case "Unary", "Chat":
			err = s.SendMsg(m)
		case "Wait":
			if err = s.SendMsg(wrapperspb.String("waiting")); err == nil {
				<-s.Context().Done()
				waited <- struct{}{}
				return s.Context().Err()
			}
		}
		if err != nil {
			return err
		}
	}
	switch strings.TrimPrefix(name, "/echo.Echo/") {
	case "Unary", "Chat":
	case "Collect":
		return s.SendMsg(wrapperspb.String(strings.Join(all, "+")))
	case "Repeat":
		for range 3 {
			if err := s.SendMsg(wrapperspb.String(all[0])); err != nil {
				return err
			}
		}
	default:
		return status.Error(codes.NotFound, "nothing there")
	}
	return nil
}

// certificate makes a certificate for 127.0.0.1, and a file that makes clients trust it.
func certificate(t *testing.T) (c tls.Certificate, file string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	file = filepath.Join(t.TempDir(), "ca.pem")
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, file
}
