package e2e

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
)

// postgresVariable names the folder of PostgreSQL's programs; without it no database is tested.
const postgresVariable = "WASIHTTP_E2E_POSTGRES"

// database is a PostgreSQL server on a port of the loopback interface, with a folder of its own.
type database struct {
	programs string
	port     string
}

const (
	databaseUser     = "guest"
	databasePassword = "one two=three"
)

// startDatabase starts a server, which ends with the test. The server refuses to run as root: then
// it is run as the user nobody.
func startDatabase(t *testing.T, programs string) *database {
	t.Helper()
	folder, err := os.MkdirTemp("", "wasihttp-e2e-postgres") // t.TempDir is for this user alone
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(folder) })
	passwords := filepath.Join(folder, "password")
	err = errors.Join(
		os.WriteFile(passwords, []byte(databasePassword), 0o600), os.Chmod(folder, 0o700),
	)
	var other *syscall.Credential
	if os.Geteuid() == 0 {
		const nobody = 65534
		other = &syscall.Credential{Uid: nobody, Gid: nobody}
		err = errors.Join(err,
			os.Chown(folder, nobody, nobody), os.Chown(passwords, nobody, nobody))
	}
	if err != nil {
		t.Fatal(err)
	}
	command := func(name string, args ...string) *exec.Cmd {
		c := exec.Command(filepath.Join(programs, name), args...)
		c.Dir = folder
		c.SysProcAttr = &syscall.SysProcAttr{Credential: other}
		return c
	}
	data := filepath.Join(folder, "data")
	made, err := command("initdb", "--pgdata", data, "--username", databaseUser, "--pwfile", passwords,
		"--auth", "scram-sha-256", "--encoding", "UTF8", "--locale", "C", "--no-sync").CombinedOutput()
	if err != nil {
		t.Fatalf("initdb: %v\n%s", err, made)
	}
	port := freePort(t)
	server := command("postgres", "-D", data, "-h", "127.0.0.1", "-p", port, "-k", "", "-F")
	var output bytes.Buffer
	server.Stdout, server.Stderr = &output, &output
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = server.Process.Signal(os.Interrupt) // ends connections and then itself
		_ = server.Wait()
		if t.Failed() {
			t.Logf("output of the database:\n%s", tail(output.String(), 4000))
		}
	})
	d := &database{programs, port}
	await(t, "the database", func() bool {
		return exec.Command(filepath.Join(programs, "pg_isready"), "-h", "127.0.0.1", "-p", port).Run() == nil
	})
	return d
}

// create makes a database and returns its URL.
func (d *database) create(t *testing.T, name string) string {
	t.Helper()
	c := exec.Command(filepath.Join(d.programs, "createdb"),
		"-h", "127.0.0.1", "-p", d.port, "-U", databaseUser, name)
	c.Env = append(os.Environ(), "PGPASSWORD="+databasePassword)
	if output, err := c.CombinedOutput(); err != nil {
		t.Fatalf("createdb: %v\n%s", err, output)
	}
	return d.url(databasePassword, "127.0.0.1", name)
}

func (d *database) url(password, host, name string) string {
	u := url.URL{Scheme: "postgresql", Host: net.JoinHostPort(host, d.port), Path: "/" + name}
	u.User = url.UserPassword(databaseUser, password)
	return u.String()
}

// notes are what the service is asked in a new database, in order.
var notes = []asked{
	{"/rows", "", 200, ""},
	{"/rows?add=one", "", 200, "one\n"},
	{"/rows?add=two", "", 200, "one\ntwo\n"},
	{"/rollback", "", 200, "one\ntwo\n"},
	{"/rows", "", 200, "one\ntwo\n"},
	{"/types", "", 200, "true 1 -2 3 0.5 wörd [0, 255] None [1, 2]\n"},
	{"/big?n=20000", "", 200, "20000 rows, sum 200010000, 2000000 bytes\n"},
	{"/wrong", "", 502, "db error: ERROR: relation \"nowhere\" does not exist\n"},
}

// TestPostgres has services of both versions use a real database through their sockets, and
// compares that with what wasmtime's do.
func TestPostgres(t *testing.T) {
	programs := os.Getenv(postgresVariable)
	if programs == "" || !ours() {
		return // needs a database, which not every machine has
	}
	d := startDatabase(t, programs)
	c := client(t)
	for _, name := range []string{"rust-system-postgres", "rust-system-postgres-p3"} {
		service := built(t, name)
		t.Run(name, func(t *testing.T) {
			u := d.create(t, name)
			server := serve(t, service, "--allow-net", "127.0.0.1:"+d.port, "--env", "DATABASE_URL="+u)
			askDisk(t, server.URL, notes)

			const n = 20
			var all sync.WaitGroup
			for i := range n {
				all.Go(func() { get(t, c, fmt.Sprintf("%s/rows?add=%d", server.URL, i)) })
			}
			all.Wait()
			rows := strings.Fields(get(t, c, server.URL+"/rows"))
			want := []string{"one", "two"}
			for i := range n {
				want = append(want, fmt.Sprint(i))
			}
			slices.Sort(rows)
			slices.Sort(want)
			if !slices.Equal(rows, want) {
				t.Errorf("rows %q, want %q", rows, want)
			}
		})
		t.Run(name+" elsewhere", func(t *testing.T) {
			u := d.create(t, name+" elsewhere")
			peer := servePeer(t, service, "-Sinherit-network", "--env", "DATABASE_URL="+u)
			if peer != nil {
				askDisk(t, peer.URL, notes)
			}
		})
	}

	service := built(t, "rust-system-postgres")
	allowed := []string{"--allow-net", "127.0.0.1:" + d.port}
	const unreachable = "Permission denied (os error 2)\n"
	for name, tt := range map[string]struct {
		flags []string
		url   string
		want  asked
		says  string // the terminal
	}{
		"a name": {[]string{"--allow-net", "localhost:" + d.port},
			d.url(databasePassword, "localhost", "postgres"), asked{"/rows", "", 200, ""}, ""},
		"a wrong password": {allowed, d.url("guessed", "127.0.0.1", "postgres"),
			asked{"/rows", "", 502, "db error: FATAL: password authentication failed for user " +
				"\"guest\"\n"}, ""},
		"no flag": {nil, d.url(databasePassword, "127.0.0.1", "postgres"),
			asked{"/rows", "", 502, unreachable}, "--allow-net PATTERN"},
		"requests only": {[]string{"--allow-outbound", "127.0.0.1:" + d.port},
			d.url(databasePassword, "127.0.0.1", "postgres"),
			asked{"/rows", "", 502, unreachable}, "--allow-net PATTERN"},
		"another port": {[]string{"--allow-net", "127.0.0.1:1"},
			d.url(databasePassword, "127.0.0.1", "postgres"),
			asked{"/rows", "", 502, unreachable}, "--allow-net 127.0.0.1:" + d.port},
	} {
		t.Run(name, func(t *testing.T) {
			server := serve(t, service, append(tt.flags, "--env", "DATABASE_URL="+tt.url)...)
			askDisk(t, server.URL, []asked{tt.want})
			if err := server.WaitOutput(limited(t), tt.says); err != nil {
				t.Error(err)
			}
			if tt.says == "" {
				return
			}
			// A guest that gives up instead: the page says what to do.
			page := ask(t, c, http.MethodGet, server.URL+"/panic", nil, "Accept", "text/html")
			if page.status != http.StatusInternalServerError ||
				!strings.Contains(page.body, "--allow-net") {
				t.Errorf("status %d, page:\n%s", page.status, page.body)
			}
		})
	}
}
