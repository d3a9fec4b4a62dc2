//go:build !linux

package main

import (
	"errors"
	"os/exec"
)

// A terminal is a pseudo terminal with a program in it.
type terminal struct{}

func startIn(*exec.Cmd, uint16) (*terminal, error) {
	return nil, errors.New("the pictures are made on Linux")
}

func (*terminal) until(string) ([]string, error) { return nil, errors.ErrUnsupported }

func (*terminal) end() {}
