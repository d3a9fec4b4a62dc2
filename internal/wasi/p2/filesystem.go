package p2

import (
	"io"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/wasihttp/wasihttp/component"
	"github.com/wasihttp/wasihttp/internal/wasi"
	"github.com/wasihttp/wasihttp/internal/wasi/files"
	"github.com/wasihttp/wasihttp/internal/wasi/table"
)

// fileErrorCodes are the cases of wasi:filesystem/types.error-code in their order.
const fileErrorCodes = "access, would-block, already, bad-descriptor, busy, deadlock, quota, " +
	"exist, file-too-large, illegal-byte-sequence, in-progress, interrupted, invalid, io, " +
	"is-directory, loop, too-many-links, message-size, name-too-long, no-device, no-entry, " +
	"no-lock, insufficient-memory, insufficient-space, not-directory, not-empty, " +
	"not-recoverable, unsupported, no-tty, no-such-device, overflow, not-permitted, pipe, " +
	"read-only, invalid-seek, text-file-busy, cross-device"

// addFilesystem offers wasi:filesystem.
func addFilesystem(l *component.Linker, h *host) {
	i := l.Instance("wasi:filesystem/types" + version)
	i.Use(h.ioError, "error")
	i.Use(h.streams, "input-stream", "output-stream")
	i.Resource("descriptor", table.DropDescriptor)
	i.Resource("directory-entry-stream", dropEntries)
	i.Type("datetime", datetimeType)
	i.Type("descriptor-type", "enum { unknown, block-device, character-device, directory, fifo, "+
		"symbolic-link, regular-file, socket }")
	i.Type("error-code", "enum { "+fileErrorCodes+" }")
	table.AddFileTypes(i, "datetime")
	for _, m := range table.FileMethods() {
		h.fileMethod(i, m)
	}
	for _, m := range contentMethods() {
		h.fileMethod(i, m)
	}
	h.define(i, []def{
		{"[method]directory-entry-stream.read-directory-entry",
			"func(self: borrow<directory-entry-stream>) -> result<option<directory-entry>, " +
				"error-code>", readEntry},
		{"filesystem-error-code", "func(err: borrow<error>) -> option<error-code>",
			filesystemErrorCode},
	})

	preopens := l.Instance("wasi:filesystem/preopens" + version)
	preopens.Use(i, "descriptor")
	h.shared(preopens, []table.Def{
		{Name: "get-directories", WIT: "func() -> list<tuple<descriptor, string>>",
			Fn: table.Preopens},
	})
}

// fileMethod adds a method of a descriptor, whose caller waits for it.
func (h *host) fileMethod(i *component.HostInstance, m table.FileMethod) {
	h.define(i, []def{{"[method]descriptor." + m.Name, m.WIT("descriptor"),
		func(c call, args []component.Value) (component.Value, error) {
			d := table.DescriptorOf(args[0])
			v, ok := m.Now(fileValues(), d, args)
			if ok {
				return v, nil
			}
			if err := files.Of(c.state).Do(c.ctx, func() {
				v = m.Do(fileValues(), d, args)
			}); err != nil {
				return unit(), err
			}
			return v, nil
		}}})
}

// contentMethods returns the methods of a descriptor that 0.3 does not have in this form.
func contentMethods() []table.FileMethod {
	type (
		value = component.Value
		desc  = *files.Descriptor
	)
	// into returns a method that returns a stream into a file.
	into := func(
		name, params string, open func(desc, []value) (wasi.OutputStream, error),
	) table.FileMethod {
		return table.FileMethod{Method: method(name, params, "result<output-stream, error-code>"),
			Do: func(f table.Files, d desc, args []value) value {
				s, err := open(d, args)
				if err != nil {
					return f.Error(err)
				}
				return component.Ok(newOutputStream(s, nil))
			}}
	}
	return []table.FileMethod{
		{Method: method("read-via-stream", "offset: filesize", "result<input-stream, error-code>"),
			Do: func(f table.Files, d desc, args []value) value {
				s, err := d.Reader(args[1].U64())
				if err != nil {
					return f.Error(err)
				}
				return component.Ok(newInputStream(s, nil))
			}},
		into("write-via-stream", "offset: filesize",
			func(d desc, args []value) (wasi.OutputStream, error) {
				return d.Writer(args[1].U64())
			}),
		into("append-via-stream", "", func(d desc, _ []value) (wasi.OutputStream, error) {
			return d.Appender()
		}),
		{Method: method("read", "length: filesize, offset: filesize",
			"result<tuple<list<u8>, bool>, error-code>"),
			Do: func(f table.Files, d desc, args []value) value {
				p, end, err := d.ReadAt(args[1].U64(), args[2].U64())
				return f.Result(component.Record(component.Bytes(p), component.Bool(end)), err)
			}},
		{Method: method("write", "buffer: list<u8>, offset: filesize",
			"result<filesize, error-code>"),
			Do: func(f table.Files, d desc, args []value) value {
				n, err := d.WriteAt(args[1].Bytes(), args[2].U64())
				return f.Result(component.U64(uint64(n)), err)
			}},
		{Method: method("read-directory", "", "result<directory-entry-stream, error-code>"),
			Do: func(f table.Files, d desc, _ []value) value {
				e, err := d.Entries()
				return f.Result(component.Own(e), err)
			}},
	}
}

// fileValues converts the values of wasi:filesystem for 0.2.
func fileValues() table.Files {
	return table.Files{
		Code: fileErrorCode,
		Type: func(t files.Type) component.Value { return component.Enum(uint32(t)) },
		Instant: func(t time.Time) (component.Value, bool) {
			if t.Unix() < 0 {
				return component.Value{}, false
			}
			return datetime(uint64(t.Unix()), uint32(t.Nanosecond())), true
		},
		Seconds: func(v component.Value) (int64, bool) {
			return int64(v.U64()), v.U64() <= math.MaxInt64
		},
	}
}

func fileErrorCode(name string) component.Value {
	return component.Enum(uint32(slices.Index(strings.Split(fileErrorCodes, ", "), name)))
}

func dropEntries(rep any) error {
	rep.(*files.Entries).Close()
	return nil
}

func readEntry(c call, args []component.Value) (component.Value, error) {
	e := args[0].Rep().(*files.Entries)
	var list []files.Entry
	var err error
	next := func() { list, err = e.Next(1) }
	if e.Buffered() {
		next()
	} else if err := files.Of(c.state).Do(c.ctx, next); err != nil {
		return unit(), err
	}
	switch {
	case err == io.EOF:
		return component.Ok(component.None()), nil
	case err == nil:
		err = list[0].Err
	}
	if err != nil {
		return fileValues().Error(err), nil
	}
	return component.Ok(component.Some(fileValues().Entry(list[0]))), nil
}

// filesystemErrorCode returns the error-code for an error of a stream of a file, the guest's or the
// embedder's, such as a standard input read from a folder.
func filesystemErrorCode(_ call, args []component.Value) (component.Value, error) {
	name, ok := wasi.FileErrorCode(args[0].Rep().(*ioError).err)
	if !ok {
		return component.None(), nil
	}
	return component.Some(fileErrorCode(name)), nil
}
