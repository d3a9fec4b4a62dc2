package validate_test

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental"

	"github.com/wasihttp/wasihttp/component/internal/binary"
	"github.com/wasihttp/wasihttp/component/internal/validate"
)

type wastCommand struct {
	Type       string `json:"type"`
	Line       int    `json:"line"`
	Filename   string `json:"filename"`
	ModuleType string `json:"module_type"`
	Text       string `json:"text"`
}

// TestWastDecodesAndValidates runs the module, assert_malformed and assert_invalid commands of the
// suites under the folder that WASIHTTP_WAST_DIR names, as written by wasm-tools json-from-wast.
func TestWastDecodesAndValidates(t *testing.T) {
	dir := os.Getenv("WASIHTTP_WAST_DIR")
	if dir == "" {
		t.Log("nothing to run: WASIHTTP_WAST_DIR is not set")
		return
	}
	j := newJudge(t)
	files, passed, commands := 0, 0, 0
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Ext(path) != ".json" {
			return err
		}
		files++
		var doc struct {
			Commands []wastCommand `json:"commands"`
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if err := json.Unmarshal(text, &doc); err != nil {
			return err
		}
		for _, c := range doc.Commands {
			if c.Filename == "" || c.ModuleType != "binary" {
				continue
			}
			commands++
			data, err := os.ReadFile(filepath.Join(filepath.Dir(path), c.Filename))
			if err != nil {
				return err
			}
			// What is valid may still exceed the engine's features, so it is asked only about what
			// is not.
			refuse := c.Type == "assert_malformed" || c.Type == "assert_invalid"
			verdict := j.check(data, refuse)
			if refuse != (verdict != nil) {
				t.Errorf("%s:%d: %s (%s): got %v, want: %q", path, c.Line, c.Type, c.Filename,
					verdict, c.Text)
				continue
			}
			if refuse && testing.Verbose() {
				t.Logf("%s:%d: want %q\n    got %v", filepath.Base(path), c.Line, c.Text, verdict)
			}
			passed++
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if files == 0 {
		t.Errorf("no suite in %s", dir)
	}
	t.Logf("%d of %d commands in %d files", passed, commands, files)
}

// judge decides about whole files: the component by this package, the core modules by the engine.
type judge struct {
	ctx     context.Context
	runtime wazero.Runtime
}

func newJudge(t *testing.T) *judge {
	ctx := context.Background()
	r := wazero.NewRuntimeWithConfig(ctx,
		wazero.NewRuntimeConfigInterpreter().WithCoreFeatures(api.CoreFeaturesV2|
			experimental.CoreFeaturesTailCall|experimental.CoreFeaturesExtendedConst|experimental.CoreFeaturesExceptionHandling|
			experimental.CoreFeaturesThreads|experimental.CoreFeaturesTypedFunctionReferences))
	t.Cleanup(func() {
		if err := r.Close(ctx); err != nil {
			t.Error(err)
		}
	})
	return &judge{ctx: ctx, runtime: r}
}

func (j *judge) check(data []byte, compile bool) error {
	if binary.Kind(data) == binary.KindModule {
		return j.compile(data)
	}
	c, err := binary.Decode(data)
	if err != nil {
		return err
	}
	if err := verdictOn(c, validate.DefaultFeatures); err != nil {
		return err
	}
	if !compile {
		return nil
	}
	return j.modules(c)
}

func (j *judge) modules(c *binary.Component) error {
	for _, d := range c.Defs {
		switch d := d.(type) {
		case *binary.Component:
			if err := j.modules(d); err != nil {
				return err
			}
		case *binary.CoreModule:
			if err := j.compile(d.Bytes); err != nil {
				return err
			}
		}
	}
	return nil
}

func (j *judge) compile(data []byte) error {
	m, err := j.runtime.CompileModule(j.ctx, data)
	if err != nil {
		return errors.New("core module: " + err.Error())
	}
	return m.Close(j.ctx)
}
