package p2

import (
	"slices"
	"strings"

	"github.com/wasihttp/wasihttp/component"
	"github.com/wasihttp/wasihttp/internal/wasi"
	"github.com/wasihttp/wasihttp/internal/wasi/table"
)

// fileErrorCodes are the cases of wasi:filesystem/types.error-code in their order.
const fileErrorCodes = "access, would-block, already, bad-descriptor, busy, deadlock, quota, exist, file-too-large, " +
	"illegal-byte-sequence, in-progress, interrupted, invalid, io, is-directory, loop, too-many-links, " +
	"message-size, name-too-long, no-device, no-entry, no-lock, insufficient-memory, insufficient-space, " +
	"not-directory, not-empty, not-recoverable, unsupported, no-tty, no-such-device, overflow, not-permitted, pipe, " +
	"read-only, invalid-seek, text-file-busy, cross-device"

// addFilesystem offers wasi:filesystem without any directory: no descriptor ever comes into being,
// and a function of one refuses.
func addFilesystem(l *component.Linker, h *host) {
	i := l.Instance("wasi:filesystem/types" + version)
	i.Use(h.ioError, "error")
	i.Use(h.streams, "input-stream", "output-stream")
	i.Resource("descriptor", nil)
	i.Resource("directory-entry-stream", nil)
	addFileTypes(i)
	addDescriptor(h, i)
	h.defineMethods(i, "directory-entry-stream", answer(fileError("bad-descriptor")),
		method("read-directory-entry", "", "result<option<directory-entry>, error-code>"))
	h.define(
		i,
		[]def{
			{"filesystem-error-code",
				"func(err: borrow<error>) -> option<error-code>", filesystemErrorCode},
		},
	)

	preopens := l.Instance("wasi:filesystem/preopens" + version)
	preopens.Use(i, "descriptor")
	h.define(
		preopens,
		[]def{
			{
				"get-directories",
				"func() -> list<tuple<descriptor, string>>",
				answer(component.List()),
			},
		},
	)
}

func addFileTypes(i *component.HostInstance) {
	i.Type("datetime", datetimeType)
	i.Type(
		"descriptor-type",
		"enum { unknown, block-device, character-device, directory, fifo, symbolic-link, regular-file, socket }",
	)
	i.Type("error-code", "enum { "+fileErrorCodes+" }")
	table.AddFileTypes(i, "datetime")
}

func addDescriptor(h *host, i *component.HostInstance) {
	bad := answer(fileError("bad-descriptor"))
	h.defineMethods(i, "descriptor", bad, table.DescriptorMethods()...)
	h.defineMethods(
		i,
		"descriptor",
		bad,
		method("read-via-stream", "offset: filesize", "result<input-stream, error-code>"),
		method("write-via-stream", "offset: filesize", "result<output-stream, error-code>"),
		method("append-via-stream", "", "result<output-stream, error-code>"),
		method(
			"read",
			"length: filesize, offset: filesize",
			"result<tuple<list<u8>, bool>, error-code>",
		),
		method("write", "buffer: list<u8>, offset: filesize", "result<filesize, error-code>"),
		method("read-directory", "", "result<directory-entry-stream, error-code>"),
	)
	h.defineMethods(
		i,
		"descriptor",
		answer(component.Bool(false)),
		method("is-same-object", "other: borrow<descriptor>", "bool"),
	)
}

// fileError is a failed result with that case of error-code.
func fileError(code string) component.Value { return component.Err(fileErrorCode(code)) }

func fileErrorCode(name string) component.Value {
	return component.Enum(uint32(slices.Index(strings.Split(fileErrorCodes, ", "), name)))
}

// filesystemErrorCode knows the error of a stream that is a file in the embedder's hands, such as a
// standard input read from a folder.
func filesystemErrorCode(_ call, args []component.Value) (component.Value, error) {
	name, ok := wasi.FileErrorCode(args[0].Rep().(*ioError).err)
	if !ok {
		return component.None(), nil
	}
	return component.Some(fileErrorCode(name)), nil
}
