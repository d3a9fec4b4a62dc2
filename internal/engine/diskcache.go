package engine

import (
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tetratelabs/wazero"

	"github.com/wasihttp/wasihttp/internal/regular"
)

// rewriteVersion changes when the same input is rewritten differently in a way
// that its digest does not show.
const rewriteVersion = "r1"

const (
	// maxCacheBytes bounds the folder; the entries used longest ago go first.
	maxCacheBytes = 2 << 30
	// staleStage is how old a staging folder is that a process must have left
	// behind when it ended.
	staleStage = 24 * time.Hour
)

// diskCache keeps compiled code between runs. wazero trusts its cache folder, so each process uses
// one of its own, the stage, which is empty but for the entry being used. Entries live beside it
// and are checked before they are staged: their path is
//
//	DIGEST/KEY-LENGTH-CRC
//
// digest of the rewritten module, wazero's file name for the code (which
// depends on the processor), length and CRC-32C of the contents. They are
// written under another name and renamed, so that processes sharing the folder
// see whole entries only.
//
// Methods must not be called concurrently.
type diskCache struct {
	stage    wazero.CompilationCache
	stageTop string // removed at the end
	stageDir string // where wazero puts files
	entries  string // "" keeps none
	added    int64  // bytes that came in since the folder was last pruned
}

func openDiskCache(dir string) (*diskCache, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	sweepStages(dir, time.Now().Add(-staleStage))
	d, err := openStage(dir, "stage-")
	if err != nil {
		return nil, err
	}
	fail := func(err error) (*diskCache, error) { return nil, errors.Join(err, d.close()) }
	// The folder's name holds wazero's version, architecture and system.
	d.entries = filepath.Join(dir, filepath.Base(d.stageDir)+"-"+rewriteVersion)
	if err := os.MkdirAll(d.entries, 0o700); err != nil {
		return fail(err)
	}
	probe, err := os.CreateTemp(d.entries, "tmp-")
	if err != nil {
		return fail(err)
	}
	if err := errors.Join(probe.Close(), os.Remove(probe.Name())); err != nil {
		return fail(err)
	}
	return d, nil
}

// openStage returns a cache that has a stage but keeps no entries.
func openStage(dir, prefix string) (*diskCache, error) {
	top, err := os.MkdirTemp(dir, prefix)
	if err != nil {
		return nil, err
	}
	d := &diskCache{stageTop: top}
	fail := func(err error) (*diskCache, error) { return nil, errors.Join(err, d.close()) }
	if d.stage, err = wazero.NewCompilationCacheWithDir(top); err != nil {
		return fail(err)
	}
	sub, err := os.ReadDir(top)
	if err != nil {
		return fail(err)
	}
	if len(sub) != 1 {
		return fail(fmt.Errorf("%s: %d folders where wazero makes one", top, len(sub)))
	}
	d.stageDir = filepath.Join(top, sub[0].Name())
	return d, nil
}

func sweepStages(dir string, before time.Time) {
	old, err := filepath.Glob(filepath.Join(dir, "stage-*"))
	if err != nil {
		return
	}
	for _, path := range old {
		if st, err := os.Stat(path); err == nil && st.ModTime().Before(before) {
			_ = os.RemoveAll(path) // another process may be doing the same
		}
	}
}

// prune removes the entries used longest ago until the rest fit. It looks at
// all of them, so it is for when some were added.
func (d *diskCache) prune(limit int64) {
	d.added = 0
	type file struct {
		path string
		used time.Time
		size int64
	}
	var files []file
	var total int64
	_ = filepath.WalkDir(d.entries, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return nil // another process has removed it
		}
		if info, err := e.Info(); err == nil && info.Mode().IsRegular() {
			files = append(files, file{path, info.ModTime(), info.Size()})
			total += info.Size()
		}
		return nil
	})
	slices.SortFunc(files, func(a, b file) int { return a.used.Compare(b.used) })
	for _, f := range files {
		if total <= limit {
			return
		}
		if os.Remove(f.path) == nil {
			total -= f.size
			_ = os.Remove(filepath.Dir(f.path)) // unless there are others
		}
	}
}

func (d *diskCache) close() error {
	if d.added > 0 {
		d.prune(maxCacheBytes)
	}
	return os.RemoveAll(d.stageTop)
}

// compile compiles a module with what the cache holds. hit reports that nothing had to be compiled,
// and extraRefs is how many more times than once the code must be closed. Without an entry the code
// comes from help, unless that is nil. A failure of the cache or the helper never makes it fail.
func (d *diskCache) compile(
	ctx context.Context, rt wazero.Runtime, digest string, wasm []byte, help Helper,
) (compiled wazero.CompiledModule, extraRefs int, hit bool, err error) {
	_ = os.MkdirAll(d.stageDir, 0o700) // when it fails, wazero's own write does too, see below
	defer d.clearStage()
	entry, key := d.stageEntry(digest)
	if help != nil && entry == "" && help(ctx, d.stageTop, wasm) != nil {
		d.clearStage() // what it failed to do is done here
	}
	if err := ctx.Err(); err != nil {
		return nil, 0, false, err
	}
	compiled, err = compileCarefully(ctx, rt, wasm)
	if err != nil && entry != "" && ctx.Err() == nil {
		_ = os.Remove(entry)
		d.clearStage()
		entry = ""
		compiled, err = compileCarefully(ctx, rt, wasm)
	}
	if err != nil && ctx.Err() == nil {
		// When only writing the entry failed, the code is in memory all the same,
		// where a second attempt finds it; it then counts two users.
		if compiled, err = compileCarefully(ctx, rt, wasm); err == nil {
			extraRefs = 1
		}
	}
	if err != nil {
		return nil, 0, false, err
	}
	fresh := d.publish(digest, key)
	return compiled, extraRefs, entry != "" && !fresh, nil
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

// stageEntry puts the entry for a digest where wazero looks for it, and returns its path and
// wazero's name for it, or "" if there is no sound entry.
func (d *diskCache) stageEntry(digest string) (path, key string) {
	if d.entries == "" {
		return "", ""
	}
	found, err := os.ReadDir(filepath.Join(d.entries, digest))
	if err != nil {
		return "", ""
	}
	for _, e := range found {
		p := filepath.Join(d.entries, digest, e.Name())
		key, ok := soundEntry(p)
		if !ok {
			_ = os.Remove(p)
			continue
		}
		if linkOrCopy(p, filepath.Join(d.stageDir, key)) == nil {
			now := time.Now()
			_ = os.Chtimes(p, now, now) // for prune
			return p, key
		}
	}
	return "", ""
}

// soundEntry checks a file against its name.
func soundEntry(path string) (key string, ok bool) {
	parts := strings.Split(filepath.Base(path), "-")
	if len(parts) != 3 || len(parts[0]) != 64 {
		return "", false
	}
	// A file of another size need not be read to its end, if it has one.
	promised, err := strconv.ParseInt(parts[1], 10, 64)
	if err != nil {
		return "", false
	}
	size, sum, err := checksum(path, promised)
	return parts[0], err == nil && size == promised && parts[2] == fmt.Sprintf("%08x", sum)
}

// checksum returns the size of a file and the CRC-32C of its contents. A file of
// more than limit bytes is not read to its end: its size is then limit+1.
func checksum(path string, limit int64) (size int64, sum uint32, err error) {
	f, info, err := regular.Open(path)
	if err != nil {
		return 0, 0, err
	}
	if info.Size() > limit {
		return limit + 1, 0, f.Close()
	}
	h := crc32.New(crc32.MakeTable(crc32.Castagnoli))
	contents := io.LimitReader(f, limit+1)
	size, err = io.CopyBuffer(struct{ io.Writer }{h}, struct{ io.Reader }{contents}, make([]byte, 1<<18))
	return size, h.Sum32(), errors.Join(err, f.Close())
}

// publish turns the files that wazero wrote into entries, except the one that was staged before.
func (d *diskCache) publish(digest, staged string) (fresh bool) {
	files, err := os.ReadDir(d.stageDir)
	if err != nil {
		return true
	}
	for _, f := range files {
		if name := f.Name(); name == staged || len(name) != 64 {
			continue
		}
		fresh = true
		path := filepath.Join(d.stageDir, f.Name())
		if d.entries == "" {
			continue
		}
		size, sum, err := checksum(path, maxCacheBytes)
		if err != nil {
			continue
		}
		// A failure here only costs a compilation next time.
		folder := filepath.Join(d.entries, digest)
		_ = os.MkdirAll(folder, 0o700)
		_ = os.Rename(path, filepath.Join(folder, fmt.Sprintf("%s-%d-%08x", f.Name(), size, sum)))
		d.added += size
	}
	if d.added >= maxCacheBytes/8 {
		d.prune(maxCacheBytes)
	}
	return fresh
}

func (d *diskCache) clearStage() {
	files, err := os.ReadDir(d.stageDir)
	if err != nil {
		return
	}
	for _, f := range files {
		_ = os.Remove(filepath.Join(d.stageDir, f.Name())) // whatever stays is swept with the stage
	}
}

// linkOrCopy makes to another name for the file, or a copy of it where links are not possible.
func linkOrCopy(from, to string) error {
	if os.Link(from, to) == nil {
		return nil
	}
	in, _, err := regular.Open(from)
	if err != nil {
		return err
	}
	out, err := os.Create(to)
	if err != nil {
		return errors.Join(err, in.Close())
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, in.Close(), out.Close())
}
