package engine

import (
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/tetratelabs/wazero"

	"github.com/wasihttp/wasihttp/internal/regular"
	"github.com/wasihttp/wasihttp/internal/stable"
)

// cacheVersion changes when entries or notes are written differently.
const cacheVersion = "r2"

const (
	// maxCacheBytes bounds the folder; the entries used longest ago go first.
	maxCacheBytes = 2 << 30
	// staleStage is how old a staging folder, or what is in one, is that a process must have left
	// behind when it ended.
	staleStage = 24 * time.Hour
	stages     = "stage-"  // begins the names of staging folders
	engineDir  = "wazero-" // begins the names of folders that wazero makes
	// temporary begins the names of files that are being written; a prune removes those that were
	// left, like all others.
	temporary = "tmp-"
)

// diskCache keeps compiled code between runs. wazero trusts its cache folder, so that is not where
// entries live, but the stage, which holds nothing but the entries being used, for a moment. All
// processes of a build share one, which stays: to make and remove one takes longer than to load a
// small module. Each process has names of its own there, as what it gives to wazero has a mark.
// Entries are checked before they are staged: their path is
//
//	DIGEST/KEY-LENGTH-CRC
//
// digest of the rewritten module, wazero's name for the file of its stub (which depends on the
// processor), length, and CRC-32C of the contents but the machine code, which wazero checks. The
// folder "notes" has what is known of components without looking at their code. Files are written
// under another name and renamed, so that processes sharing the folder see whole ones only.
//
// It is safe for concurrent use, but not for modules of the same digest.
type diskCache struct {
	stage    wazero.CompilationCache
	stageTop string
	stageDir string // where wazero puts files
	mark     []byte // a custom section; nil if the stage is this cache's, and ends with it
	folder   string // of all versions' entries
	entries  string // those of this version; "" keeps none
	build    string // identifies this program; "" keeps no notes

	publishing sync.WaitGroup

	mu     sync.Mutex
	closed bool
	added  int64 // bytes that came in since the folder was last pruned
	// spoiled are digests whose stubs wazero may hold in memory with the code of the stub itself.
	spoiled map[string]bool
}

func openDiskCache(dir string) (*diskCache, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	build := buildIdentity()
	own := ""
	if build != "" {
		own = fmt.Sprintf("%s%x", stages, build[:8])
	}
	sweepStages(dir, time.Now().Add(-staleStage), own)
	var d *diskCache
	var err error
	if own != "" {
		d, err = useStage(filepath.Join(dir, own), newMark())
	} else {
		d, err = openStage(dir, stages)
	}
	if err != nil {
		return nil, err
	}
	fail := func(err error) (*diskCache, error) { return nil, errors.Join(err, d.close()) }
	d.build = build
	// The folder's name holds wazero's version, architecture and system.
	d.folder = dir
	d.entries = filepath.Join(dir, filepath.Base(d.stageDir)+"-"+cacheVersion)
	if err := os.MkdirAll(filepath.Join(d.entries, noteFolder), 0o700); err != nil {
		return fail(err)
	}
	probe, err := os.CreateTemp(d.entries, temporary)
	if err != nil {
		return fail(err)
	}
	if err := errors.Join(probe.Close(), os.Remove(probe.Name())); err != nil {
		return fail(err)
	}
	return d, nil
}

// openStage returns a cache that has a stage of its own but keeps no entries.
func openStage(dir, prefix string) (*diskCache, error) {
	top, err := os.MkdirTemp(dir, prefix)
	if err != nil {
		return nil, err
	}
	return useStage(top, nil)
}

// useStage returns a cache that has that stage but keeps no entries.
func useStage(top string, mark []byte) (d *diskCache, err error) {
	d = &diskCache{stageTop: top, mark: mark, spoiled: map[string]bool{}}
	fail := func(err error) (*diskCache, error) { return nil, errors.Join(err, d.close()) }
	if d.stage, err = wazero.NewCompilationCacheWithDir(top); err != nil {
		return fail(err)
	}
	sub, err := filepath.Glob(filepath.Join(top, engineDir+"*"))
	if err != nil {
		return fail(err)
	}
	if len(sub) != 1 {
		return fail(fmt.Errorf("%s: %d folders where wazero makes one", top, len(sub)))
	}
	d.stageDir = sub[0]
	return d, nil
}

// newMark returns a custom section that no other process has.
func newMark() []byte {
	const name = "process"
	id := rand.Text()
	return slices.Concat([]byte{0, byte(1 + len(name) + len(id)), byte(len(name))}, []byte(name),
		[]byte(id))
}

// sweepStages removes what was left in dir, but not the stage called own, in which it removes what
// was left.
func sweepStages(dir string, before time.Time, own string) {
	patterns := []string{stages + "*"}
	if own != "" {
		patterns = append(patterns, filepath.Join(own, "*"), filepath.Join(own, engineDir+"*", "*"))
	}
	for _, pattern := range patterns {
		old, err := filepath.Glob(filepath.Join(dir, pattern))
		if err != nil {
			return
		}
		for _, path := range old {
			name := filepath.Base(path)
			if name == own || own != "" && strings.HasPrefix(name, engineDir) {
				continue
			}
			if st, err := os.Stat(path); err == nil && st.ModTime().Before(before) {
				_ = os.RemoveAll(path) // another process may be doing the same
			}
		}
	}
}

// prune removes the files used longest ago until the rest fit. It looks at all of them, those of
// other versions too, so it is for when some were added.
func (d *diskCache) prune(limit int64) {
	type file struct {
		path string
		used time.Time
		size int64
	}
	var files []file
	var total int64
	versions, _ := filepath.Glob(filepath.Join(d.folder, "wazero-*")) // the pattern is valid
	for _, version := range versions {
		_ = filepath.WalkDir(version, func(path string, e fs.DirEntry, err error) error {
			if err != nil {
				return nil // another process has removed it
			}
			if info, err := e.Info(); err == nil && info.Mode().IsRegular() {
				files = append(files, file{path, info.ModTime(), info.Size()})
				total += info.Size()
			}
			return nil
		})
	}
	stable.Sort(files, func(a, b file) int { return a.used.Compare(b.used) })
	for _, f := range files {
		if total <= limit {
			return
		}
		if os.Remove(f.path) == nil {
			total -= f.size
			if folder := filepath.Dir(f.path); filepath.Base(folder) != noteFolder {
				_ = os.Remove(folder) // unless there are others
			}
		}
	}
}

// grown counts bytes that came in, and prunes when there are at least that many.
func (d *diskCache) grown(bytes, atLeast int64) {
	d.mu.Lock()
	d.added += bytes
	due := d.added > 0 && d.added >= atLeast
	if due {
		d.added = 0
	}
	d.mu.Unlock()
	if due {
		d.prune(maxCacheBytes)
	}
}

// background runs f beside whatever the caller goes on with; close waits for it. After close it
// does not run f.
func (d *diskCache) background(f func()) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.closed {
		d.publishing.Go(f)
	}
}

func (d *diskCache) close() error {
	d.mu.Lock()
	d.closed = true
	d.mu.Unlock()
	d.publishing.Wait()
	d.grown(0, 0)
	if d.mark != nil {
		return nil
	}
	return os.RemoveAll(d.stageTop)
}

// write makes a file of the folder whole at once.
func (d *diskCache) write(path string, contents []byte) error {
	f, err := os.CreateTemp(d.entries, temporary)
	if err != nil {
		return err
	}
	_, err = f.Write(contents)
	if err = errors.Join(err, f.Close()); err == nil {
		if err = os.Rename(f.Name(), path); err == nil {
			d.grown(int64(len(contents)), maxCacheBytes/8)
			return nil
		}
	}
	return errors.Join(err, os.Remove(f.Name()))
}

// buildIdentity returns what tells this program from its other versions, of which one may rewrite
// modules differently; "" if that cannot be found out. The beginning of the executable holds the
// build ID that Go's linker writes.
func buildIdentity() string {
	f, err := os.Open("/proc/self/exe") // the file that runs, though another may have its name now
	if err != nil {
		path, pathErr := os.Executable()
		if pathErr != nil {
			return ""
		}
		if f, err = os.Open(path); err != nil {
			return ""
		}
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return ""
	}
	h := sha256.New()
	if _, err := io.CopyN(h, f, min(info.Size(), 64<<10)); err != nil {
		return ""
	}
	fmt.Fprintln(h, info.Size(), info.ModTime().UnixNano())
	if b, ok := debug.ReadBuildInfo(); ok {
		fmt.Fprintln(h, b)
	}
	return string(h.Sum(nil))
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
