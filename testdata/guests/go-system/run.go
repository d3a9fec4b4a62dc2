// Package export_wasi_cli_run is a program of WASI 0.2 with files and sockets. Files are those of
// package os, which Go has for preview 1. Package net has only a network within the program there:
// conn makes a net.Conn of the interface instead. (The generated bindings want the package's name.)
package export_wasi_cli_run

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	. "go.bytecodealliance.org/pkg/wit/types"
)

// Run runs the command that the arguments name.
func Run() Result[Unit, Unit] {
	commands := map[string]func(args []string) error{
		"files": files, "connect": connect, "get": get, "names": names, "fake": fake,
	}
	if len(os.Args) < 2 || commands[os.Args[1]] == nil {
		fmt.Fprintln(os.Stderr, "usage: files DIR | connect HOST PORT | get HOST PORT | names "+
			"HOST… | fake")
		return Err[Unit, Unit](Unit{})
	}
	if err := commands[os.Args[1]](os.Args[2:]); err != nil {
		fmt.Println("error:", err)
		return Err[Unit, Unit](Unit{})
	}
	return Ok[Unit, Unit](Unit{})
}

// attempt prints what a step returns.
func attempt[T any](what string, value T, err error) {
	if err != nil {
		fmt.Printf("%s: %v\n", what, err)
		return
	}
	fmt.Printf("%s: %v\n", what, value)
}

func done(what string, err error) { attempt(what, "done", err) }

func files(args []string) error {
	top := args[0]
	at := func(name string) string { return filepath.Join(top, name) }
	entries, err := os.ReadDir(top)
	if err != nil {
		return err
	}
	for _, e := range entries {
		fmt.Println(e.Name(), e.Type())
	}
	text, err := os.ReadFile(at("f.txt"))
	attempt("read", string(text), err)
	text, err = os.ReadFile(at("link"))
	attempt("read through a link", string(text), err)
	target, err := os.Readlink(at("link"))
	attempt("readlink", target, err)
	for _, name := range []string{"f.txt", "sub", "missing"} {
		info, err := os.Stat(at(name))
		if err != nil {
			attempt("stat", "", err)
			continue
		}
		fmt.Println(name, info.IsDir(), info.Mode().IsRegular(),
			info.Mode().IsRegular() && info.Size() > 0)
	}
	done("write", os.WriteFile(at("new"), []byte("one\ntwo\n"), 0o666))
	f, err := os.OpenFile(at("new"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = io.WriteString(f, "three\n")
	done("append", errors.Join(err, f.Close()))
	_, err = os.OpenFile(at("new"), os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o666)
	done("exclusive", err)
	f, err = os.OpenFile(at("new"), os.O_RDWR, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteAt([]byte("TWO"), 4)
	done("write at", err)
	done("truncate", f.Truncate(8))
	end, err := f.Seek(0, io.SeekEnd)
	attempt("seek", end, err)
	done("sync", f.Sync())
	done("close", f.Close())
	text, err = os.ReadFile(at("new"))
	attempt("contents", string(text), err)
	when := time.Unix(1_000_000_000, 0)
	done("chtimes", os.Chtimes(at("new"), when, when))
	if info, err := os.Stat(at("new")); err == nil {
		fmt.Println(info.ModTime().Unix())
	}
	done("mkdir", os.Mkdir(at("folder"), 0o777))
	done("mkdir again", os.Mkdir(at("folder"), 0o777))
	done("mkdir all", os.MkdirAll(at("folder/a/b"), 0o777))
	done("rename", os.Rename(at("new"), at("folder/a/b/renamed")))
	done("link", os.Link(at("folder/a/b/renamed"), at("folder/hard")))
	done("symlink", os.Symlink("hard", at("folder/soft")))
	done("walk", filepath.WalkDir(at("folder"), func(path string, d fs.DirEntry, err error) error {
		fmt.Println(strings.TrimPrefix(path, top), d.Type())
		return err
	}))
	done("remove a folder that is not empty", os.Remove(at("folder")))
	done("remove all", os.RemoveAll(at("folder")))
	root, err := os.OpenRoot(at("sub"))
	if err != nil {
		return err
	}
	text, err = root.ReadFile("g.txt")
	attempt("root", string(text), err)
	_, err = root.ReadFile("../f.txt")
	done("out of the root", err)
	done("long", os.WriteFile(at("long"), make([]byte, 320_000), 0o666))
	text, err = os.ReadFile(at("long"))
	attempt("long again", len(text), err)
	_, err = os.ReadFile(at("../out/secret"))
	done("outside", err)
	_, err = os.ReadFile(at("up/secret"))
	done("outside by a link", err)
	return nil
}

// dial connects to the first address of a host.
func dial(args []string) (net.Conn, error) {
	port, err := strconv.ParseUint(args[1], 10, 16)
	if err != nil {
		return nil, err
	}
	addresses, err := lookUp(args[0])
	if err != nil {
		return nil, err
	}
	return dialTCP(addresses[0], uint16(port))
}

func connect(args []string) error {
	c, err := dial(args)
	if err != nil {
		return err
	}
	defer c.Close()
	fmt.Println("connected to", c.RemoteAddr().Network(), c.RemoteAddr().(*net.TCPAddr).IP)
	fmt.Fprintln(c, "hello")
	r := bufio.NewReader(c)
	line, err := r.ReadString('\n')
	if err != nil {
		return err
	}
	fmt.Printf("%q\n", line)
	if _, err := c.Write(make([]byte, 320_000)); err != nil {
		return err
	}
	if err := c.(*conn).CloseWrite(); err != nil {
		return err
	}
	n, err := io.Copy(io.Discard, r)
	fmt.Println(n)
	return err
}

// get has package net/http speak over the connection.
func get(args []string) error {
	c, err := dial(args)
	if err != nil {
		return err
	}
	defer c.Close()
	r, err := http.NewRequest(http.MethodGet, "http://"+net.JoinHostPort(args[0], args[1])+"/path",
		nil)
	if err != nil {
		return err
	}
	if err := r.Write(c); err != nil {
		return err
	}
	response, err := http.ReadResponse(bufio.NewReader(c), r)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	fmt.Println(response.Status, string(body))
	return err
}

func names(args []string) error {
	for _, name := range args {
		addresses, err := lookUp(name)
		attempt(name, addresses, err)
	}
	return nil
}

// fake shows what package net does by itself: it connects within the program, and to nothing else.
func fake([]string) error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	go func() {
		c, err := l.Accept()
		if err == nil {
			_, _ = io.WriteString(c, "from this program")
			_ = c.Close()
		}
	}()
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		return err
	}
	text, err := io.ReadAll(c)
	attempt("to itself", string(text), err)
	_, err = net.LookupHost("localhost")
	fmt.Println("net looks names up:", err == nil)
	_, err = net.DialTimeout("tcp", "127.0.0.1:1", time.Second)
	fmt.Println("net connects elsewhere:", err == nil)
	return nil
}
