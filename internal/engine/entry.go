package engine

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"

	"github.com/wasihttp/wasihttp/internal/regular"
)

// wazero decodes and validates a module before it looks for its code, which takes several times as
// long as loading it. So code is kept for the stub of a module (see corewasm.Stub): wazero decodes
// that, and finds the code of the module under the name of the file that it has for the stub. The
// stub names the module that it is for, as two modules can differ in code alone.

// features is how many sets of features of a processor wazero tells apart, at most.
const features = 8

// fileNames returns the names under which wazero looks for the code of a module, which is given in
// parts, by the features that the processor may have.
func fileNames(wasm ...[]byte) (names [features]string) {
	h := sha256.New()
	for _, part := range wasm {
		h.Write(part)
	}
	h.Write([]byte{0}) // code does not end with its context
	id := h.Sum(nil)
	for f := range names {
		h.Reset()
		h.Write(id)
		h.Write([]byte(entryMagic))
		h.Write(binary.LittleEndian.AppendUint64(nil, uint64(f)))
		names[f] = hex.EncodeToString(h.Sum(nil))
	}
	return names
}

// entryMagic is what wazero's files begin with.
const entryMagic = "WAZEVO"

// load returns the code of a module that has an entry, or nil. Whatever is wrong with the entry,
// the module can be compiled.
func (d *diskCache) load(
	ctx context.Context, rt wazero.Runtime, digest string, stub []byte,
) wazero.CompiledModule {
	if d.entries == "" {
		return nil
	}
	folder := filepath.Join(d.entries, digest)
	found, err := os.ReadDir(folder)
	if err != nil {
		return nil
	}
	names, own := fileNames(stub), fileNames(stub, d.mark)
	var staged []string
	for _, e := range found {
		path := filepath.Join(folder, e.Name())
		key, _, _ := strings.Cut(e.Name(), "-")
		at := slices.Index(names[:], key)
		if at < 0 || !soundEntry(path, digest) {
			_ = os.Remove(path)
			continue
		}
		now := time.Now()
		_ = os.Chtimes(path, now, now) // for prune, and sweepStages
		_ = os.MkdirAll(d.stageDir, 0o700)
		if linkOrCopy(path, filepath.Join(d.stageDir, own[at])) == nil {
			staged = append(staged, path)
		}
	}
	c := d.loadStaged(ctx, rt, digest, stub, len(staged))
	for _, path := range staged {
		if c == nil && ctx.Err() == nil {
			_ = os.Remove(path)
		}
	}
	return c
}

// loadStaged compiles a stub whose code is in the stage under n of its names. It removes those
// files, and returns nil if wazero has not used one of them.
func (d *diskCache) loadStaged(
	ctx context.Context, rt wazero.Runtime, digest string, stub []byte, n int,
) wazero.CompiledModule {
	if n == 0 {
		return nil
	}
	names := fileNames(stub, d.mark)
	defer d.unstage(names[:])
	if d.isSpoiled(digest) {
		return nil
	}
	before := d.staged(names[:])
	c, err := compileCarefully(ctx, rt, d.marked(stub))
	if err == nil && len(before) == n &&
		maps.EqualFunc(before, d.staged(names[:]), os.SameFile) {
		return c
	}
	// What wazero has compiled is the stub itself. It may remember that.
	d.mu.Lock()
	d.spoiled[digest] = true
	d.mu.Unlock()
	if err == nil {
		_ = c.Close(noValues{})
	}
	return nil
}

// marked returns what is given to wazero for a module.
func (d *diskCache) marked(wasm []byte) []byte {
	if d.mark == nil {
		return wasm
	}
	return slices.Concat(wasm, d.mark)
}

func (d *diskCache) isSpoiled(digest string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.spoiled[digest]
}

// staged describes those of the files that are in the stage.
func (d *diskCache) staged(names []string) map[string]os.FileInfo {
	found := map[string]os.FileInfo{}
	files, err := os.ReadDir(d.stageDir)
	if err != nil {
		return found
	}
	for _, f := range files {
		if !slices.Contains(names, f.Name()) {
			continue
		}
		if info, err := os.Stat(filepath.Join(d.stageDir, f.Name())); err == nil {
			found[f.Name()] = info
		}
	}
	return found
}

func (d *diskCache) unstage(names []string) {
	for name := range d.staged(names) {
		_ = os.Remove(filepath.Join(d.stageDir, name)) // whatever stays is swept with the stage
	}
}

// compile compiles a module that has no entry, and makes one. extraRefs is how many more times than
// once the code must be closed. The code comes from help, unless that is nil. A failure of the
// cache or the helper never makes it fail.
func (d *diskCache) compile(
	ctx context.Context, rt wazero.Runtime, digest string, wasm, stub []byte, help Helper,
) (compiled wazero.CompiledModule, extraRefs int, err error) {
	_ = os.MkdirAll(d.stageDir, 0o700) // when it fails, wazero's own write does too, see below
	names := fileNames(wasm, d.mark)
	defer d.unstage(names[:])
	marked := d.marked(wasm)
	if help != nil && d.help(ctx, help, marked, names[:]) == nil {
		if at, path := d.made(names[:]); path != "" {
			kept := d.setAside(path)
			own := fileNames(stub, d.mark)[at]
			if kept == "" || linkOrCopy(kept, filepath.Join(d.stageDir, own)) == nil {
				compiled = d.loadStaged(ctx, rt, digest, stub, 1)
			}
			if compiled != nil {
				d.publish(kept, digest, fileNames(stub)[at])
				return compiled, 0, nil
			}
			_ = os.Remove(kept)
		}
	}
	d.unstage(names[:]) // what the helper failed to do is done here
	if err := ctx.Err(); err != nil {
		return nil, 0, err
	}
	compiled, err = compileCarefully(ctx, rt, marked)
	if err != nil && ctx.Err() == nil {
		// When only writing the entry failed, the code is in memory all the same,
		// where a second attempt finds it; it then counts two users.
		if compiled, err = compileCarefully(ctx, rt, marked); err == nil {
			extraRefs = 1
		}
	}
	if err != nil {
		return nil, 0, err
	}
	if at, path := d.made(names[:]); path != "" && d.entries != "" {
		if kept := d.setAside(path); kept != "" {
			key, want := fileNames(stub)[at], signatures(compiled)
			d.background(func() {
				if d.check(ctx, kept, digest, key, stub, want) {
					d.publish(kept, digest, key)
				}
				_ = os.Remove(kept)
			})
		}
	}
	return compiled, extraRefs, nil
}

// help has the helper compile wasm in a folder of its own, which the helper removes if this process
// ends, and takes the code, which is called one of names, into the stage.
func (d *diskCache) help(ctx context.Context, help Helper, wasm []byte, names []string) error {
	if d.mark == nil { // the whole stage is such a folder
		return help(ctx, d.stageTop, wasm)
	}
	dir, err := os.MkdirTemp(d.stageTop, "help-")
	if err != nil {
		return err
	}
	err = help(ctx, dir, wasm)
	for _, name := range names {
		from := filepath.Join(dir, filepath.Base(d.stageDir), name)
		_ = os.Rename(from, filepath.Join(d.stageDir, name)) // one of them is there, if any
	}
	return errors.Join(err, os.RemoveAll(dir))
}

// made returns the file that wazero has just written for the code of a module that has these names,
// and which of them it has; "" if there is none, which is so too if wazero names its files
// otherwise than it used to.
func (d *diskCache) made(names []string) (at int, path string) {
	for name := range d.staged(names) {
		return slices.Index(names, name), filepath.Join(d.stageDir, name)
	}
	return 0, ""
}

// setAside takes a file out of the stage, and returns its new path or "".
func (d *diskCache) setAside(path string) string {
	to := filepath.Join(d.stageTop, filepath.Base(path))
	if os.Rename(path, to) != nil {
		return ""
	}
	return to
}

// publish makes a file an entry.
func (d *diskCache) publish(path, digest, key string) {
	if d.entries == "" {
		_ = os.Remove(path)
		return
	}
	size, sum, err := entrySum(path, digest, key, maxCacheBytes)
	if err != nil {
		return
	}
	// A failure here only costs a compilation next time.
	folder := filepath.Join(d.entries, digest)
	_ = os.MkdirAll(folder, 0o700)
	if os.Rename(path, filepath.Join(folder, entryName(key, size, sum))) == nil {
		d.grown(size, maxCacheBytes/8)
	}
}

// check loads code as later processes will, and compares what the result says of itself with what
// the module's own does.
func (d *diskCache) check(
	ctx context.Context, path, digest, key string, stub []byte, want []string,
) bool {
	other, err := openStage(d.stageTop, "check-")
	if err != nil {
		return false
	}
	defer func() { _ = other.close() }()
	if linkOrCopy(path, filepath.Join(other.stageDir, key)) != nil {
		return false
	}
	rt := newRuntime(other.stage)
	defer func() { _ = errors.Join(rt.Close(noValues{}), other.stage.Close(noValues{})) }()
	c := other.loadStaged(context.WithoutCancel(ctx), rt, digest, stub, 1)
	if c == nil {
		return false
	}
	same := slices.Equal(signatures(c), want)
	return errors.Join(c.Close(noValues{})) == nil && same
}

// signatures describes what a module imports and exports.
func signatures(c wazero.CompiledModule) []string {
	var list []string
	describe := func(f api.FunctionDefinition) string {
		return fmt.Sprint(f.Index(), f.ParamTypes(), f.ResultTypes())
	}
	for name, f := range c.ExportedFunctions() {
		list = append(list, fmt.Sprintf("export %q %s", name, describe(f)))
	}
	for _, f := range c.ImportedFunctions() {
		module, name, _ := f.Import()
		list = append(list, fmt.Sprintf("import %q %q %s", module, name, describe(f)))
	}
	for name, m := range c.ExportedMemories() {
		list = append(list, fmt.Sprintf("memory %q %d", name, m.Min()))
	}
	slices.Sort(list)
	return append(list, c.Name())
}

func entryName(key string, size int64, sum uint32) string {
	return fmt.Sprintf("%s-%d-%08x", key, size, sum)
}

// soundEntry checks an entry for the module of that digest against its name.
func soundEntry(path, digest string) bool {
	var size int64
	var sum uint32
	key, rest, _ := strings.Cut(filepath.Base(path), "-")
	// A file of another size need not be read to its end, if it has one.
	if _, err := fmt.Sscanf(rest, "%d-%x", &size, &sum); err != nil {
		return false
	}
	found, foundSum, err := entrySum(path, digest, key, min(size, maxCacheBytes))
	return err == nil && entryName(key, found, foundSum) == filepath.Base(path)
}

// entrySum returns the size of a file of wazero's and the CRC-32C of what it says: for which module
// it is, and all its contents but the machine code, whose own checksum they hold. wazero reads the
// code in any case, and compares it with that.
//
//	"WAZEVO" length version | functions: 4 bytes | offset: 8 bytes each |
//	size: 8 bytes | machine code | checksum: 4 bytes | tables
func entrySum(path, digest, key string, limit int64) (size int64, sum uint32, err error) {
	f, info, err := regular.Open(path)
	if err != nil {
		return 0, 0, err
	}
	defer f.Close()
	size = info.Size()
	if size > limit {
		return size, 0, errors.New("too large")
	}
	h := crc32.New(crc32.MakeTable(crc32.Castagnoli))
	fmt.Fprintln(h, digest, key)
	at := int64(0)
	part := func(n int64) []byte {
		if err != nil {
			return nil
		}
		if n > size-at {
			err = io.ErrUnexpectedEOF
			return nil
		}
		b := make([]byte, n)
		_, err = f.ReadAt(b, at)
		h.Write(b)
		at += n
		return b
	}
	little := func(b []byte) (n int64) {
		for i := len(b) - 1; i >= 0; i-- {
			n = n<<8 | int64(b[i])
		}
		return n
	}
	magic := part(int64(len(entryMagic)))
	part(little(part(1))) // the version
	part(8 * little(part(4)))
	code := little(part(8))
	if err == nil && string(magic) != entryMagic || code < 0 || code > size-at {
		return size, 0, errors.New("not a file of wazero's")
	}
	at += code
	part(size - at)
	return size, h.Sum32(), err
}

// compileCarefully turns a panic over unexpected bytes into an error.
func compileCarefully(
	ctx context.Context, rt wazero.Runtime, wasm []byte,
) (c wazero.CompiledModule, err error) {
	defer func() {
		if v := recover(); v != nil {
			c, err = nil, fmt.Errorf("compiler: %v", v)
		}
	}()
	return rt.CompileModule(ctx, wasm)
}
