package corewasm_test

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental"

	"github.com/wasihttp/wasihttp/internal/corewasm"
)

// uleb reads a number that is known to be well-formed.
func uleb(b []byte) (v, n int) {
	for shift := 0; n < len(b); shift += 7 {
		c := b[n]
		n++
		v |= int(c&0x7f) << shift
		if c < 0x80 {
			break
		}
	}
	return v, n
}

// coreModules finds the core modules in a core module or component, at any
// depth; none in bytes that are neither.
func coreModules(b []byte) [][]byte {
	if len(b) < 8 || string(b[:4]) != "\x00asm" {
		return nil
	}
	if b[6] == 0 {
		return [][]byte{b}
	}
	var found [][]byte
	for b = b[8:]; len(b) > 1; {
		size, n := uleb(b[1:])
		if 1+n+size > len(b) {
			break
		}
		if content := b[1+n : 1+n+size]; b[0] == 1 || b[0] == 4 {
			found = append(found, coreModules(content)...)
		}
		b = b[1+n+size:]
	}
	return found
}

// corpus calls f with every core module below the folders that are there.
func corpus(t testing.TB, f func(name string, module []byte)) {
	roots := []string{"../../testdata/guests"}
	if dir := os.Getenv("WASIHTTP_WAST_DIR"); dir != "" {
		roots = append(roots, dir)
	}
	for _, root := range roots {
		err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || !strings.HasSuffix(path, ".wasm") {
				return nil
			}
			b, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			for _, m := range coreModules(b) {
				f(path, m)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

const features = api.CoreFeaturesV2 | experimental.CoreFeaturesTailCall |
	experimental.CoreFeaturesExtendedConst | experimental.CoreFeaturesExceptionHandling |
	experimental.CoreFeaturesTypedFunctionReferences

func compiles(ctx context.Context, r wazero.Runtime, module []byte) error {
	c, err := r.CompileModule(ctx, module)
	if err != nil {
		return err
	}
	return c.Close(ctx)
}

func fullOptions(info *corewasm.Info) corewasm.Options {
	names := make([]corewasm.ImportName, len(info.Imports))
	for i, im := range info.Imports {
		names[i] = corewasm.ImportName{Module: "slot0", Name: im.Name}
	}
	return corewasm.Options{
		Imports:      names,
		Safepoint:    &corewasm.ImportName{Module: "host", Name: "safepoint"},
		MoveData:     true,
		GlobalPrefix: "\x00g",
		Lines:        true,
	}
}

// The interpreter validates as the compiler does and starts much faster.
func TestRealModulesStayValid(t *testing.T) {
	ctx := t.Context()
	r := wazero.NewRuntimeWithConfig(ctx, wazero.NewRuntimeConfigInterpreter().WithCoreFeatures(features))
	t.Cleanup(func() { _ = r.Close(context.Background()) })
	modules := 0
	corpus(t, func(name string, module []byte) {
		info, err := corewasm.Scan(module)
		if err != nil {
			if compiles(ctx, r, module) == nil {
				t.Errorf("%s: wazero takes what Scan refuses: %v", name, err)
			}
			return
		}
		opt := fullOptions(info)
		rw, err := corewasm.RewriteScanned(info, opt)
		if err != nil {
			if compiles(ctx, r, module) == nil {
				t.Errorf("%s: wazero takes what Rewrite refuses: %v", name, err)
			}
			return
		}
		modules++
		again, err := corewasm.Rewrite(module, opt)
		if err != nil || string(again.Wasm) != string(rw.Wasm) {
			t.Errorf("%s: the second rewriting differs (%v)", name, err)
		}
		// Renaming alone makes modules comparable whose import names wazero refuses.
		plain, err := corewasm.RewriteScanned(info, corewasm.Options{Imports: opt.Imports})
		if err != nil {
			t.Fatal(err)
		}
		before, after := compiles(ctx, r, plain.Wasm), compiles(ctx, r, rw.Wasm)
		if (before == nil) != (after == nil) {
			t.Errorf("%s: before %v, after %v", name, before, after)
		}
		opt.Coverage, opt.Instructions = "\x00covered", "\x00instructions"
		covered, err := corewasm.RewriteScanned(info, opt)
		if err != nil {
			t.Errorf("%s: with coverage: %v", name, err)
		} else if after := compiles(ctx, r, covered.Wasm); before == nil && after != nil {
			t.Errorf("%s: with coverage: %v", name, after)
		}
	})
	if modules == 0 {
		t.Error("no modules were found")
	}
	t.Logf("%d modules", modules)
}
