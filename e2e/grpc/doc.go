// Package grpc calls components with a client of gRPC, and has components call a server of gRPC. It
// is a module of its own, so that what it needs is no dependency of wasihttp.
package grpc
