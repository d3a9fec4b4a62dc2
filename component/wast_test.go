package component

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strings"
	"testing"
	"time"

	"github.com/wasihttp/wasihttp/component/internal/binary"
	"github.com/wasihttp/wasihttp/component/internal/types"
	"github.com/wasihttp/wasihttp/internal/engine"
)

// wastFile is a test script that `wasm-tools json-from-wast` has turned into commands.
type wastFile struct {
	Commands []wastCommand `json:"commands"`
}

type wastCommand struct {
	Type           string      `json:"type"`
	Line           int         `json:"line"`
	Name           string      `json:"name"`
	As             string      `json:"as"`
	Filename       string      `json:"filename"`
	ModuleType     string      `json:"module_type"`
	BinaryFilename string      `json:"binary_filename"`
	Instance       string      `json:"instance"`
	Module         string      `json:"module"`
	Text           string      `json:"text"`
	Action         *wastAction `json:"action"`
	Expected       []wastValue `json:"expected"`
}

type wastAction struct {
	Type   string      `json:"type"`
	Module string      `json:"module"`
	Field  string      `json:"field"`
	Args   []wastValue `json:"args"`
}

type wastValue struct {
	Type     string          `json:"type"`
	LaneType string          `json:"lane_type"`
	Value    json.RawMessage `json:"value"`
	Values   []wastValue     `json:"values"`
}

// TestWastFilesPassWhole runs every script below the folder that WASIHTTP_WAST_DIR names: the
// component model's own suite, or any other. With WASIHTTP_WAST_VERBOSE it prints the traps, for
// comparing their messages.
func TestWastFilesPassWhole(t *testing.T) {
	dir, set := os.LookupEnv("WASIHTTP_WAST_DIR")
	if !set {
		dir = filepath.Join("..", "..", "shared", "conformance", "component-model", "json")
		if _, err := os.Stat(dir); err != nil {
			fmt.Println("wast: WASIHTTP_WAST_DIR is not set: nothing to run")
			return
		}
	}
	var files []string
	err := filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && strings.HasSuffix(p, ".json") {
			files = append(files, p)
		}
		return err
	})
	if err != nil {
		t.Fatalf("WASIHTTP_WAST_DIR: %v", err)
	}
	sort.Strings(files)
	e, err := engine.New(engine.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	}()
	var report []string
	scripts, passedFiles, passed, total, text := 0, 0, 0, 0, 0
	for _, f := range files {
		rel, _ := filepath.Rel(dir, f)
		rel = filepath.ToSlash(rel)
		script, err := readWast(f)
		if err == nil && script.Commands == nil {
			report = append(report, "passed over: "+rel+": it is no script")
			continue
		}
		scripts++
		w := &wastRun{t: t, e: e, file: rel, dir: filepath.Dir(f)}
		var failures []string
		if err != nil {
			failures = []string{err.Error()}
		} else {
			var ok, n, over int
			ok, n, over, failures = w.run(script)
			passed, total, text = passed+ok, total+n, text+over
		}
		w.close()
		if len(failures) == 0 {
			passedFiles++
			continue
		}
		for _, x := range failures {
			t.Errorf("%s:%s", rel, x)
		}
		more := ""
		if n := len(failures) - 1; n > 0 {
			more = fmt.Sprintf(" (and %d more)", n)
		}
		first, _, _ := strings.Cut(failures[0], "\n")
		report = append(report, fmt.Sprintf("not passed: %s:%s%s", rel, first, more))
	}
	if scripts == 0 {
		t.Fatalf("WASIHTTP_WAST_DIR: no scripts (*.json) below %s", dir)
	}
	for _, r := range report {
		fmt.Println("wast:", r)
	}
	if text > 0 {
		fmt.Printf("wast: passed over: %d commands that only test the text format\n", text)
	}
	fmt.Printf("wast: %d of %d files, %d of %d commands\n", passedFiles, scripts, passed, total)
}

func readWast(path string) (f wastFile, err error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return f, err
	}
	if err := json.Unmarshal(b, &f); err != nil {
		return f, fmt.Errorf("cannot be read: %w", err)
	}
	return f, nil
}

// wastRun is the state of a running script.
type wastRun struct {
	t    *testing.T
	e    *engine.Engine
	file string
	dir  string

	// onlyValid is set when the script calls nothing: it is about what is valid, and what it
	// imports need not exist.
	onlyValid bool

	defs    map[string]any // *Component, or []byte for a core module
	last    any
	insts   map[string]*wastInstance
	current any // *wastInstance or *wastCoreInstance, whichever came last
	all     []*wastInstance
	core    *wastCore
}

type wastInstance struct {
	name   string
	linked *Linked
	store  *Store
	inst   *Instance
	res    map[*types.Resource]*Resource // what its exported resources are for those that import them
}

func (w *wastRun) run(f wastFile) (ok, n, text int, failures []string) {
	w.defs, w.insts, w.core = map[string]any{}, map[string]*wastInstance{}, &wastCore{run: w}
	w.onlyValid = !slices.ContainsFunc(f.Commands, func(c wastCommand) bool {
		switch c.Type {
		case "module", "module_definition", "module_instance", "assert_invalid", "assert_malformed":
			return false
		}
		return true
	})
	for _, c := range f.Commands {
		if c.ModuleType == "text" && c.BinaryFilename == "" {
			text++
			continue
		}
		n++
		if err := w.guarded(c); err != nil {
			failures = append(failures, fmt.Sprintf("%d: %s: %v", c.Line, c.Type, err))
		} else {
			ok++
		}
	}
	return ok, n, text, failures
}

// guarded runs a command; a panic is its failure alone.
func (w *wastRun) guarded(c wastCommand) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("panic: %v", v)
		}
	}()
	return w.command(c)
}

func (w *wastRun) close() {
	for _, i := range w.all {
		i.close(w.t)
	}
	if w.core != nil {
		w.core.close()
	}
}

func (i *wastInstance) close(t *testing.T) {
	if i.store != nil {
		if err := i.store.Close(); err != nil {
			t.Error(err)
		}
	}
	if err := i.linked.Close(t.Context()); err != nil {
		t.Error(err)
	}
}

// wastError is a failure of the script or of what runs it, and never what a script waits for.
type wastError struct{ msg string }

func (e *wastError) Error() string { return e.msg }

func wastFail(format string, args ...any) error { return &wastError{fmt.Sprintf(format, args...)} }

// errWastTime ends what takes too long.
var errWastTime = errors.New("timed out")

func (w *wastRun) command(c wastCommand) error {
	switch c.Type {
	case "module":
		def, err := w.decode(c)
		if err != nil {
			return err
		}
		err = w.instantiate(def, c.Name)
		if missing := (*LinkError)(nil); w.onlyValid && errors.As(err, &missing) {
			return w.checkModules(def.(*Component))
		}
		return err
	case "module_definition":
		def, err := w.decode(c)
		if err != nil {
			return err
		}
		w.defs[c.Name], w.last = def, def
		return nil
	case "module_instance":
		def := w.last
		if c.Module != "" {
			def = w.defs[c.Module]
		}
		if def == nil {
			return fmt.Errorf("no definition %q", c.Module)
		}
		return w.instantiate(def, c.Instance)
	case "register":
		return w.register(c.Name, c.As)
	case "assert_invalid", "assert_malformed":
		return w.refused(c)
	case "assert_unlinkable":
		return w.notInstantiated(c, func(error) bool { return true })
	case "assert_uninstantiable":
		return w.notInstantiated(c, wastTrapped)
	case "action":
		_, err := w.act(c.Action)
		return withFrames(err)
	case "assert_return":
		got, err := w.act(c.Action)
		if err != nil {
			return withFrames(err)
		}
		return got.compare(c.Expected)
	case "assert_trap", "assert_exhaustion", "assert_exception":
		if c.Action == nil {
			return w.notInstantiated(c, wastTrapped)
		}
		got, err := w.act(c.Action)
		if err == nil {
			return fmt.Errorf("returned %s, want trap: %s", got, c.Text)
		}
		if !wastTrapped(err) {
			return fmt.Errorf("%w, want trap: %s", err, c.Text)
		}
		if c.Type == "assert_exception" && !wastThrown(err) {
			return fmt.Errorf("%w, want an exception", err)
		}
		w.tell(c, err)
		return nil
	case "thread", "wait":
		return errors.New("threads are not supported")
	}
	return fmt.Errorf("unknown command")
}

// tell prints a trap when that is wanted.
func (w *wastRun) tell(c wastCommand, err error) {
	if os.Getenv("WASIHTTP_WAST_VERBOSE") != "" {
		fmt.Printf("trap %s:%d: want %q got %q\n", w.file, c.Line, c.Text, err)
	}
}

// wastTrapped reports whether an error is a trap, and not a time limit or a failure of the script.
func wastTrapped(err error) bool {
	var trap *TrapError
	var core *engine.Trap
	return (errors.As(err, &trap) || errors.As(err, &core) || errors.Is(err, ErrPoisoned)) &&
		!errors.Is(err, errWastTime)
}

// wastThrown reports whether an error is an exception that nothing caught.
func wastThrown(err error) bool {
	var trap *engine.Trap
	return errors.As(err, &trap) && trap.Code == engine.TrapUncaughtException
}

// withFrames adds the backtrace of a trap to its message.
func withFrames(err error) error {
	var trap *engine.Trap
	if errors.As(err, &trap) {
		for _, f := range trap.Frames {
			err = fmt.Errorf("%w\n\t%s.%s[%d]", err, f.Module, f.Func, f.Index)
		}
	}
	return err
}

// decode reads and validates the component of a command, or gives the bytes of its core module.
func (w *wastRun) decode(c wastCommand) (any, error) {
	b, err := os.ReadFile(filepath.Join(w.dir, cmp.Or(c.BinaryFilename, c.Filename)))
	if err != nil {
		return nil, wastFail("%v", err)
	}
	if binary.Kind(b) == binary.KindModule {
		return b, nil
	}
	def, err := Decode(b)
	if err != nil {
		return nil, err
	}
	return def, nil
}

// refused reports whether a definition is refused as it stands, whatever there is to import.
func (w *wastRun) refused(c wastCommand) error {
	def, err := w.decode(c)
	if err == nil {
		if code, ok := def.([]byte); ok {
			_, err = w.core.compile(code, nil)
		} else {
			err = w.checkModules(def.(*Component))
		}
	}
	if e := (*wastError)(nil); errors.As(err, &e) {
		return err
	}
	if err == nil {
		return fmt.Errorf("accepted, want: %s", c.Text)
	}
	return nil
}

// checkModules has the engine validate all core modules of a component.
func (w *wastRun) checkModules(c *Component) error {
	rt, err := w.core.started()
	if err != nil {
		return err
	}
	return c.checkUnused(w.t.Context(), rt, &plan{}, c.identities())
}

// notInstantiated reports whether a valid definition cannot be instantiated for a reason that fits.
func (w *wastRun) notInstantiated(c wastCommand, fits func(error) bool) error {
	def, err := w.decode(c)
	if err != nil {
		return err
	}
	err = w.instantiate(def, "")
	if err == nil {
		return fmt.Errorf("instantiated, want: %s", c.Text)
	}
	if e := (*wastError)(nil); errors.As(err, &e) || !fits(err) {
		return fmt.Errorf("%w, want: %s", err, c.Text)
	}
	w.tell(c, err)
	return nil
}

func (w *wastRun) instantiate(def any, name string) error {
	if code, ok := def.([]byte); ok {
		i, err := w.core.instantiate(code, name)
		if err == nil {
			w.current = i
		}
		return err
	}
	linked, err := def.(*Component).Link(w.t.Context(), w.e, w.linker(), LinkOptions{})
	if err != nil {
		return err
	}
	// Nothing can refer to an instance without a name once another one takes its place; some have
	// memories of gigabytes.
	if n := len(w.all); n > 0 && w.all[n-1].name == "" {
		w.all[n-1].close(w.t)
		w.all = w.all[:n-1]
	}
	wi := &wastInstance{linked: linked, name: name, res: map[*types.Resource]*Resource{}}
	w.all = append(w.all, wi)
	wi.store = linked.NewStore(w.t.Context(), nil, Limits{})
	defer wi.limit()()
	wi.inst, err = linked.Instantiate(w.t.Context(), wi.store)
	if err != nil {
		return err
	}
	w.current = wi
	if name != "" {
		w.insts[name] = wi
	}
	return nil
}

// limit interrupts the instance when what it does takes too long.
func (i *wastInstance) limit() (done func()) {
	timer := time.AfterFunc(2*time.Minute, func() { i.store.Interrupt(errWastTime) })
	return func() { timer.Stop() }
}

// register makes an instance known under another name.
func (w *wastRun) register(name, as string) error {
	i := w.current
	if name != "" {
		i = w.named(name)
	}
	switch i := i.(type) {
	case *wastInstance:
		w.insts[as] = i
	case *wastCoreInstance:
		w.core.insts[as] = i
	default:
		return wastFail("no instance %q", name)
	}
	return nil
}

func (w *wastRun) named(name string) any {
	if i := w.insts[name]; i != nil {
		return i
	}
	if i := w.core.insts[name]; i != nil {
		return i
	}
	return nil
}
