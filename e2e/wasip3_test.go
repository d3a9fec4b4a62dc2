package e2e

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// wasip3Variable names the folder of the official programs for WASI 0.3 with their specifications.
const wasip3Variable = "WASIHTTP_WASI_P3_DIR"

// wasip3Spec is the specification of a program. One without operations is run, in the way that the
// other members say, and must end with ExitCode.
type wasip3Spec struct {
	World      string
	Servers    []wasip3Server
	Operations []wasip3Operation

	wasip3Launch
	ExitCode       int `json:"exit_code"`
	Stdout, Stderr *string
}

// wasip3Launch is how a program is started.
type wasip3Launch struct {
	Root string
	Env  map[string]string
	Args []string
}

type wasip3Operation struct {
	Type string
	wasip3Launch
	ExitCode             int `json:"exit_code"`
	ID, Payload          string
	Signal, Method, Path string
	Headers              map[string]string
	Body                 string
	Response             wasip3Response
}

type wasip3Response struct {
	Status   int
	Headers  map[string]string
	Body     string
	Chunks   []string
	Trailers map[string]string
}

// status returns 200 if nothing else is specified.
func (r *wasip3Response) status() int { return cmp.Or(r.Status, http.StatusOK) }

// UnmarshalJSON reads an object, or a string that stands for a body.
func (r *wasip3Response) UnmarshalJSON(text []byte) error {
	if json.Unmarshal(text, &r.Body) == nil {
		return nil
	}
	type plain wasip3Response
	return json.Unmarshal(text, (*plain)(r))
}

// wasip3Limit is the time that one program may take.
const wasip3Limit = time.Minute

func TestWasiP3(t *testing.T) {
	folder := os.Getenv(wasip3Variable)
	if folder == "" {
		folder = filepath.Join("..", "..", "shared", "conformance", "wasi-p3")
		if _, err := os.Stat(folder); err != nil || !ours() {
			fmt.Println("wasi-p3: nothing to run: set " + wasip3Variable)
			return
		}
	}
	programs, err := filepath.Glob(filepath.Join(folder, "*.wasm"))
	if err != nil || len(programs) == 0 {
		t.Fatalf("no programs in %s: %v", folder, err)
	}
	passed := 0
	for _, program := range programs {
		name := strings.TrimSuffix(filepath.Base(program), ".wasm")
		if err := wasip3Run(t, program); err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		passed++
	}
	fmt.Printf("wasi-p3: %d of %d programs\n", passed, len(programs))
}

// wasip3Read reads the specification of a program.
func wasip3Read(program string) (*wasip3Spec, error) {
	var spec wasip3Spec
	text, err := os.ReadFile(strings.TrimSuffix(program, ".wasm") + ".json")
	switch {
	case err == nil:
		if err := json.Unmarshal(text, &spec); err != nil {
			return nil, err
		}
	case !errors.Is(err, os.ErrNotExist):
		return nil, err
	}
	if len(spec.Operations) > 0 {
		return &spec, nil
	}
	spec.Operations = []wasip3Operation{{Type: "run", wasip3Launch: spec.wasip3Launch}}
	for id, payload := range map[string]*string{"stdout": spec.Stdout, "stderr": spec.Stderr} {
		if payload != nil {
			spec.Operations = append(spec.Operations, wasip3Operation{Type: "read", ID: id, Payload: *payload})
		}
	}
	spec.Operations = append(spec.Operations, wasip3Operation{Type: "wait", ExitCode: spec.ExitCode})
	return &spec, nil
}

// wasip3Run runs a program in a process of its own and returns what is not as specified.
func wasip3Run(t *testing.T, program string) (err error) {
	spec, err := wasip3Read(program)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(t.Context(), wasip3Limit)
	defer cancel()
	env := map[string]string{}
	for i := range spec.Servers {
		s := &spec.Servers[i]
		address, stop, err := s.start()
		if err != nil {
			return err
		}
		defer stop()
		env["HTTP_SERVER_"+strings.ToUpper(s.Name)] = address
	}
	p := &wasip3Process{client: client(t)}
	defer func() {
		if output := p.close(); err != nil && output != "" {
			err = fmt.Errorf("%w\n%s", err, output)
		}
	}()
	for i := range spec.Operations {
		op := &spec.Operations[i]
		if op.Type == "run" {
			err = p.run(ctx, t, spec.World, program, op.wasip3Launch, env)
		} else {
			err = p.do(ctx, op)
		}
		if ctx.Err() != nil {
			return fmt.Errorf("%s: does not end", op.Type)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", op.Type, err)
		}
	}
	return nil
}
