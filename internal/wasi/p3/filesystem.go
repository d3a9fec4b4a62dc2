package p3

import (
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/wasihttp/wasihttp/component"
	"github.com/wasihttp/wasihttp/internal/wasi"
	"github.com/wasihttp/wasihttp/internal/wasi/files"
	"github.com/wasihttp/wasihttp/internal/wasi/table"
)

// fileErrorCodes are the cases of wasi:filesystem/types.error-code without payload, in their order.
const fileErrorCodes = "access, already, bad-descriptor, busy, deadlock, quota, exist, " +
	"file-too-large, illegal-byte-sequence, in-progress, interrupted, invalid, io, is-directory, " +
	"loop, too-many-links, message-size, name-too-long, no-device, no-entry, no-lock, " +
	"insufficient-memory, insufficient-space, not-directory, not-empty, not-recoverable, " +
	"unsupported, no-tty, no-such-device, overflow, not-permitted, pipe, read-only, " +
	"invalid-seek, text-file-busy, cross-device"

// fileValues converts the values of wasi:filesystem for 0.3.
func fileValues() table.Files {
	return table.Files{
		Code: fileErrorCode,
		Type: func(t files.Type) component.Value {
			if t == files.Unknown {
				return component.Variant(uint32(files.Socket), component.None())
			}
			return component.Enum(uint32(t - 1))
		},
		Instant: func(t time.Time) (component.Value, bool) {
			return component.Record(component.S64(t.Unix()), component.U32(uint32(t.Nanosecond()))),
				true
		},
		Seconds: func(v component.Value) (int64, bool) { return v.S64(), true },
	}
}

// fileErrorCode returns the error-code for an error; other if there is no case for it.
func fileErrorCode(name string) component.Value {
	cases := strings.Split(fileErrorCodes, ", ")
	if i := slices.Index(cases, name); i >= 0 {
		return component.Enum(uint32(i))
	}
	return component.Variant(uint32(len(cases)), component.Some(component.String(name)))
}

// addFilesystem offers wasi:filesystem.
func addFilesystem(l *component.Linker, h *host) {
	i := l.Instance("wasi:filesystem/types" + version)
	i.Use(h.system, "instant")
	i.Resource("descriptor", table.DropDescriptor)
	i.Type("descriptor-type", "variant { block-device, character-device, directory, fifo, "+
		"symbolic-link, regular-file, socket, other(option<string>) }")
	i.Type("error-code", "variant { "+fileErrorCodes+", other(option<string>) }")
	table.AddFileTypes(i, "instant")
	for _, m := range table.FileMethods() {
		h.define(i, []def{{name: "[method]descriptor." + m.Name,
			wit: "async " + m.WIT("descriptor"), async: fileMethod(m)}})
	}
	const (
		self   = "func(self: borrow<descriptor>"
		future = "future<result<_, error-code>>"
	)
	h.define(i, []def{
		{name: "[method]descriptor.read-via-stream",
			wit: self + ", offset: filesize) -> tuple<stream<u8>, " + future + ">", fn: readFile},
		{name: "[method]descriptor.write-via-stream",
			wit: self + ", data: stream<u8>, offset: filesize) -> " + future,
			fn: writeFile(func(
				d *files.Descriptor, args []component.Value,
			) (wasi.OutputStream, error) {
				return d.Writer(args[2].U64())
			})},
		{name: "[method]descriptor.append-via-stream",
			wit: self + ", data: stream<u8>) -> " + future,
			fn: writeFile(func(
				d *files.Descriptor, _ []component.Value,
			) (wasi.OutputStream, error) {
				return d.Appender()
			})},
		{name: "[method]descriptor.read-directory",
			wit: self + ") -> tuple<stream<directory-entry>, " + future + ">", fn: readDirectory},
	})

	preopens := l.Instance("wasi:filesystem/preopens" + version)
	preopens.Use(i, "descriptor")
	h.shared(preopens, []table.Def{
		{Name: "get-directories", WIT: "func() -> list<tuple<descriptor, string>>",
			Fn: table.Preopens},
	})
}

// fileMethod returns a method of a descriptor as an async function.
func fileMethod(m table.FileMethod) asyncFunc {
	return func(
		c call, args []component.Value, done func(component.Value, error),
	) (*component.Value, func(), error) {
		d := table.DescriptorOf(args[0])
		if now, ok := m.Now(fileValues(), d, args); ok {
			return &now, nil, nil
		}
		var mu sync.Mutex
		var result *component.Value
		unwanted := false
		files.Of(c.state).Start(func() {
			v := m.Do(fileValues(), d, args)
			mu.Lock()
			result = &v
			drop := unwanted
			mu.Unlock()
			if drop {
				m.Drop(v)
				return
			}
			done(v, nil)
		})
		cancel := func() {
			mu.Lock()
			defer mu.Unlock()
			unwanted = true
			if result != nil {
				m.Drop(*result)
			}
		}
		return nil, cancel, nil
	}
}

// fileResult returns the result of reading or writing.
func fileResult(err error) component.Value {
	if err != nil {
		return fileValues().Error(err)
	}
	return component.OkUnit()
}

func readFile(c call, args []component.Value) (component.Value, error) {
	future, set := c.Store().NewFuture()
	in, err := table.DescriptorOf(args[0]).Reader(args[1].U64())
	if err != nil {
		set(fileResult(err))
		return component.Record(c.Store().NewByteStream(nothing{}), future), nil
	}
	stream := c.Store().NewByteStream(&source{in: in, closed: func(_ bool, err error) {
		set(fileResult(err))
	}})
	return component.Record(stream, future), nil
}

// writeFile is a function that writes the stream that is its second argument to a file that it
// opens for that.
func writeFile(
	open func(d *files.Descriptor, args []component.Value) (wasi.OutputStream, error),
) hostFunc {
	return func(c call, args []component.Value) (component.Value, error) {
		future, set := c.Store().NewFuture()
		out, err := open(table.DescriptorOf(args[0]), args)
		if err == nil {
			_, err = out.CheckWrite()
		}
		if err != nil {
			if out != nil {
				_ = out.Close() // nothing was written
			}
			c.Store().DropStream(args[1])
			set(fileResult(err))
			return future, nil
		}
		store := c.Store()
		store.ReadStream(args[1], &sink{out: lastingStream{out}, owner: onClosed(func(err error) {
			if err != nil {
				_ = out.Close() // the error is reported already, or has no receiver
				set(fileResult(err))
				return
			}
			// The last write may be under way.
			when(store, out, func() {
				err := out.Flush()
				_ = out.Close() // all is written
				set(fileResult(err))
			})
		})})
		return future, nil
	}
}

// lastingStream is a stream that is closed later.
type lastingStream struct{ wasi.OutputStream }

func (lastingStream) Close() error { return nil }

// readDirectory returns the entries of a folder.
func readDirectory(c call, args []component.Value) (component.Value, error) {
	future, set := c.Store().NewFuture()
	folder := table.DescriptorOf(args[0])
	e := &entries{files: files.Of(c.state), folder: folder, release: folder.Hold(), set: set}
	return component.Record(c.Store().NewStream(e), future), nil
}

// entries lets a guest read a folder as a stream<directory-entry>.
type entries struct {
	wasi.Event
	files  *files.Files
	folder *files.Descriptor
	// release releases the folder, which the guest may have closed meanwhile.
	release func()
	set     func(component.Value)

	// Passed from the reading goroutine to the owner.
	mu      sync.Mutex
	busy    bool
	list    []files.Entry
	err     error
	reading *files.Entries
	closed  bool
}

var _ component.ValueSource = (*entries)(nil)

// entriesAtOnce is how many entries are read ahead.
const entriesAtOnce = 64

func (e *entries) Read(n int) (values []component.Value, end bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for ; len(values) < n && len(e.list) > 0; e.list = e.list[1:] {
		if e.err = e.list[0].Err; e.err != nil {
			e.list = nil
			break
		}
		values = append(values, fileValues().Entry(e.list[0]))
	}
	switch {
	case len(values) > 0 || e.busy:
	case e.err != nil:
		return nil, true
	default:
		e.busy = true
		e.files.Start(e.read)
	}
	return values, false
}

// read runs on a goroutine of its own.
func (e *entries) read() {
	var list []files.Entry
	var err error
	if e.reading == nil {
		e.reading, err = e.folder.Entries()
	}
	if err == nil {
		list, err = e.reading.Next(entriesAtOnce)
	}
	e.mu.Lock()
	e.busy, e.list, e.err = false, list, err
	closed := e.closed
	e.mu.Unlock()
	if closed {
		e.end()
	}
	e.Wake()
}

// end closes the folder, which is not read any more.
func (e *entries) end() {
	if e.reading != nil {
		e.reading.Close()
	}
	e.release()
}

func (e *entries) Ready() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return !e.busy && (len(e.list) > 0 || e.err != nil)
}

func (e *entries) Subscribe(w *wasi.Waiter) func() { return e.Event.Subscribe(w) }

func (e *entries) Wait(wake func()) (stop func()) { return wait(e, wake) }

func (e *entries) Close() {
	e.mu.Lock()
	e.closed = true
	busy, err := e.busy, e.err
	e.mu.Unlock()
	if !busy {
		e.end()
	}
	if err == io.EOF {
		err = nil
	}
	e.set(fileResult(err))
}
