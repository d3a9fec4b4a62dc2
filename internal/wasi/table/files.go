package table

import (
	"math"
	"time"

	"github.com/wasihttp/wasihttp/component"
	"github.com/wasihttp/wasihttp/internal/wasi"
	"github.com/wasihttp/wasihttp/internal/wasi/files"
)

// AddFileTypes declares types of wasi:filesystem/types. descriptor-type and the type of a point in
// time, whose name is given, must be there.
func AddFileTypes(i *component.HostInstance, instant string) {
	i.Type("filesize", "u64")
	i.Type("descriptor-flags", "flags { read, write, file-integrity-sync, data-integrity-sync, "+
		"requested-write-sync, mutate-directory }")
	i.Type("path-flags", "flags { symlink-follow }")
	i.Type("open-flags", "flags { create, directory, exclusive, truncate }")
	i.Type("link-count", "u64")
	i.Type("descriptor-stat", `record {
		type: descriptor-type,
		link-count: link-count,
		size: filesize,
		data-access-timestamp: option<`+instant+`>,
		data-modification-timestamp: option<`+instant+`>,
		status-change-timestamp: option<`+instant+`>,
	}`)
	i.Type("new-timestamp", "variant { no-change, now, timestamp("+instant+") }")
	i.Type("directory-entry", "record { type: descriptor-type, name: string }")
	i.Type("advice", "enum { normal, sequential, random, will-need, dont-need, no-reuse }")
	i.Type("metadata-hash-value", "record { lower: u64, upper: u64 }")
}

// Files converts the values of wasi:filesystem that differ between the dialects.
type Files struct {
	// Code returns an error-code.
	Code func(name string) component.Value
	// Type returns a descriptor-type.
	Type func(files.Type) component.Value
	// Instant returns a point in time, if it can be expressed.
	Instant func(time.Time) (component.Value, bool)
	// Seconds returns the seconds since 1970 of a point in time, if there are not too many.
	Seconds func(component.Value) (int64, bool)
}

// Error returns the failed result for an error of package files.
func (f Files) Error(err error) component.Value {
	name, ok := wasi.FileErrorCode(err)
	if !ok {
		name = "io"
	}
	return component.Err(f.Code(name))
}

// Result returns the result of a function that has a payload if it succeeds.
func (f Files) Result(v component.Value, err error) component.Value {
	if err != nil {
		return f.Error(err)
	}
	return component.Ok(v)
}

// unit returns the result of a function without one.
func (f Files) unit(err error) component.Value {
	if err != nil {
		return f.Error(err)
	}
	return component.OkUnit()
}

// Entry returns a directory-entry.
func (f Files) Entry(e files.Entry) component.Value {
	return component.Record(f.Type(e.Type), component.String(e.Name))
}

func (f Files) stat(st files.Stat, err error) component.Value {
	instant := func(t time.Time) component.Value {
		if !t.IsZero() {
			if v, ok := f.Instant(t); ok {
				return component.Some(v)
			}
		}
		return component.None()
	}
	return f.Result(component.Record(f.Type(st.Type), component.U64(st.Links),
		component.U64(st.Size), instant(st.Access), instant(st.Modify), instant(st.Change)), err)
}

func (f Files) hash(st files.Stat, err error) component.Value {
	lower, upper := st.Hash()
	return f.Result(component.Record(component.U64(lower), component.U64(upper)), err)
}

// stamps converts two new-timestamps.
func (f Files) stamps(args []component.Value) (access, modify files.Stamp, err error) {
	var s [2]files.Stamp
	for i, v := range args[:2] {
		s[i].Kind = files.StampKind(v.Case())
		if s[i].Kind != files.StampTime {
			continue
		}
		sec, ok := f.Seconds(v.Payload().Items()[0])
		nano := v.Payload().Items()[1].U32()
		switch {
		case nano >= 1e9:
			return access, modify, wasi.FileCode("invalid")
		case !ok || sec > math.MaxInt64/2 || sec < math.MinInt64/2:
			// Beyond what time.Time can hold.
			return access, modify, wasi.FileCode("overflow")
		}
		s[i].Time = time.Unix(sec, int64(nano))
	}
	return s[0], s[1], nil
}

// FileMethod is a method of a descriptor. Do may block, and may run on any goroutine: it touches
// nothing of the store. args begin with the descriptor.
type FileMethod struct {
	Method
	// Opens says that the result, if it succeeds, is a descriptor.
	Opens bool
	Do    func(f Files, d *files.Descriptor, args []component.Value) component.Value
}

// Now does what Do does if that does not block, so that the goroutine of the guest may do it.
// Otherwise ok is false, and nothing was done.
func (m FileMethod) Now(
	f Files, d *files.Descriptor, args []component.Value,
) (v component.Value, ok bool) {
	switch m.Name {
	case "get-flags", "get-type", "stat", "metadata-hash",
		"read-via-stream", "write-via-stream", "append-via-stream":
		if d.Quick() {
			return m.Do(f, d, args), true
		}
	case "stat-at", "metadata-hash-at":
		st, ok := d.StatAtNow(args[2].Str(), follow(args[1]))
		switch {
		case !ok:
		case m.Name == "stat-at":
			return f.stat(st, nil), true
		default:
			return f.hash(st, nil), true
		}
	case "open-at":
		open, ok := d.OpenAtNow(args[2].Str(), files.OpenFlags(args[3].Flags()),
			files.Flags(args[4].Flags()))
		if ok {
			return component.Ok(component.Own(open)), true
		}
	}
	return component.Value{}, false
}

// Drop closes what Do has opened for a caller that has given up.
func (m FileMethod) Drop(result component.Value) {
	if m.Opens && result.IsOk() {
		DescriptorOf(result.Payload()).Close()
	}
}

// DescriptorOf returns the value behind a descriptor.
func DescriptorOf(v component.Value) *files.Descriptor { return v.Rep().(*files.Descriptor) }

// follow converts path-flags.
func follow(v component.Value) bool { return v.Flags()&1 != 0 }

// FileMethods returns the methods of a descriptor that both dialects have.
func FileMethods() []FileMethod {
	const (
		none  = "result<_, error-code>"
		times = "data-access-timestamp: new-timestamp, data-modification-timestamp: new-timestamp"
		at    = "path-flags: path-flags, path: string"
		to    = "new-descriptor: borrow<descriptor>, new-path: string"
	)
	type (
		value = component.Value
		desc  = *files.Descriptor
	)
	// path returns a method with a path and no payload.
	path := func(name string, do func(desc, string) error) FileMethod {
		return FileMethod{Method{name, "path: string", none}, false,
			func(f Files, d desc, args []value) value { return f.unit(do(d, args[1].Str())) }}
	}
	return []FileMethod{
		{Method{"advise", "offset: filesize, length: filesize, advice: advice", none}, false,
			func(f Files, d desc, args []value) value {
				return f.unit(d.Advise(args[1].U64(), args[2].U64(), files.Advice(args[3].Case())))
			}},
		{Method{"sync-data", "", none}, false,
			func(f Files, d desc, _ []value) value { return f.unit(d.Sync(true)) }},
		{Method{"sync", "", none}, false,
			func(f Files, d desc, _ []value) value { return f.unit(d.Sync(false)) }},
		{Method{"get-flags", "", "result<descriptor-flags, error-code>"}, false,
			func(_ Files, d desc, _ []value) value {
				return component.Ok(component.Flags(uint32(d.Flags())))
			}},
		{Method{"get-type", "", "result<descriptor-type, error-code>"}, false,
			func(f Files, d desc, _ []value) value { return component.Ok(f.Type(d.Type())) }},
		{Method{"set-size", "size: filesize", none}, false,
			func(f Files, d desc, args []value) value { return f.unit(d.SetSize(args[1].U64())) }},
		{Method{"set-times", times, none}, false,
			func(f Files, d desc, args []value) value {
				access, modify, err := f.stamps(args[1:])
				if err != nil {
					return f.Error(err)
				}
				return f.unit(d.SetTimes(access, modify))
			}},
		{Method{"stat", "", "result<descriptor-stat, error-code>"}, false,
			func(f Files, d desc, _ []value) value { return f.stat(d.Stat()) }},
		{Method{"stat-at", at, "result<descriptor-stat, error-code>"}, false,
			func(f Files, d desc, args []value) value {
				return f.stat(d.StatAt(args[2].Str(), follow(args[1])))
			}},
		{Method{"set-times-at", at + ", " + times, none}, false,
			func(f Files, d desc, args []value) value {
				access, modify, err := f.stamps(args[3:])
				if err != nil {
					return f.Error(err)
				}
				return f.unit(d.SetTimesAt(args[2].Str(), follow(args[1]), access, modify))
			}},
		{Method{"link-at", "old-path-flags: path-flags, old-path: string, " + to, none}, false,
			func(f Files, d desc, args []value) value {
				return f.unit(d.Link(args[2].Str(), follow(args[1]), DescriptorOf(args[3]),
					args[4].Str()))
			}},
		{Method{"open-at", at + ", open-flags: open-flags, flags: descriptor-flags",
			"result<descriptor, error-code>"}, true,
			func(f Files, d desc, args []value) value {
				open, err := d.OpenAt(args[2].Str(), follow(args[1]),
					files.OpenFlags(args[3].Flags()), files.Flags(args[4].Flags()))
				return f.Result(component.Own(open), err)
			}},
		{Method{"readlink-at", "path: string", "result<string, error-code>"}, false,
			func(f Files, d desc, args []value) value {
				text, err := d.ReadLink(args[1].Str())
				return f.Result(component.String(text), err)
			}},
		{Method{"rename-at", "old-path: string, " + to, none}, false,
			func(f Files, d desc, args []value) value {
				return f.unit(d.Rename(args[1].Str(), DescriptorOf(args[2]), args[3].Str()))
			}},
		{Method{"symlink-at", "old-path: string, new-path: string", none}, false,
			func(f Files, d desc, args []value) value {
				return f.unit(d.Symlink(args[1].Str(), args[2].Str()))
			}},
		path("create-directory-at", desc.MakeDirectory),
		path("remove-directory-at", desc.RemoveDirectory),
		path("unlink-file-at", desc.Unlink),
		{Method{"metadata-hash", "", "result<metadata-hash-value, error-code>"}, false,
			func(f Files, d desc, _ []value) value { return f.hash(d.Stat()) }},
		{Method{"metadata-hash-at", at, "result<metadata-hash-value, error-code>"}, false,
			func(f Files, d desc, args []value) value {
				return f.hash(d.StatAt(args[2].Str(), follow(args[1])))
			}},
		{Method{"is-same-object", "other: borrow<descriptor>", "bool"}, false,
			func(_ Files, d desc, args []value) value {
				return component.Bool(d.Same(DescriptorOf(args[1])))
			}},
	}
}

// Preopens returns the list<tuple<descriptor, string>> of what a guest was given.
func Preopens(st *wasi.State, _ []component.Value) (component.Value, error) {
	if _, err := st.Process(); err != nil {
		return component.Value{}, err
	}
	list := files.Of(st).Preopens()
	out := make([]component.Value, len(list))
	for i, p := range list {
		out[i] = component.Record(component.Own(p.Descriptor), component.String(p.Name))
	}
	return component.List(out...), nil
}

// DropDescriptor closes a descriptor.
func DropDescriptor(rep any) error {
	rep.(*files.Descriptor).Close()
	return nil
}
