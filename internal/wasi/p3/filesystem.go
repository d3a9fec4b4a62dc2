package p3

import (
	"slices"
	"strings"

	"github.com/wasihttp/wasihttp/component"
	"github.com/wasihttp/wasihttp/internal/wasi/table"
)

// fileErrorCodes are the cases of wasi:filesystem/types.error-code without payload, in their order.
const fileErrorCodes = "access, already, bad-descriptor, busy, deadlock, quota, exist, file-too-large, illegal-byte-sequence, " +
	"in-progress, interrupted, invalid, io, is-directory, loop, too-many-links, message-size, name-too-long, no-device, no-entry, " +
	"no-lock, insufficient-memory, insufficient-space, not-directory, not-empty, not-recoverable, unsupported, no-tty, " +
	"no-such-device, overflow, not-permitted, pipe, read-only, invalid-seek, text-file-busy, cross-device"

// fileError is a failed result with that case of error-code.
func fileError(code string) component.Value {
	return component.Err(
		component.Enum(uint32(slices.Index(strings.Split(fileErrorCodes, ", "), code))),
	)
}

// addFilesystem offers wasi:filesystem without any directory: no descriptor ever comes into being,
// and a function of one refuses.
func addFilesystem(l *component.Linker, h *host) {
	i := l.Instance("wasi:filesystem/types" + version)
	i.Use(h.system, "instant")
	i.Resource("descriptor", nil)
	addFileTypes(i)
	addDescriptor(h, i)

	preopens := l.Instance("wasi:filesystem/preopens" + version)
	preopens.Use(i, "descriptor")
	h.define(
		preopens,
		[]def{
			{
				name: "get-directories",
				wit:  "func() -> list<tuple<descriptor, string>>",
				fn:   answer(component.List()),
			},
		},
	)
}

func addFileTypes(i *component.HostInstance) {
	i.Type(
		"descriptor-type",
		"variant { block-device, character-device, directory, fifo, symbolic-link, regular-file, socket, other(option<string>) }",
	)
	i.Type("error-code", "variant { "+fileErrorCodes+", other(option<string>) }")
	table.AddFileTypes(i, "instant")
}

func addDescriptor(h *host, i *component.HostInstance) {
	bad := fileError("bad-descriptor")
	const future = "future<result<_, error-code>>"
	h.define(i, []def{
		{name: "[method]descriptor.read-via-stream",
			wit: "func(self: borrow<descriptor>, offset: filesize) -> tuple<stream<u8>, " + future + ">", fn: refuseRead(bad)},
		{name: "[method]descriptor.write-via-stream",
			wit: "func(self: borrow<descriptor>, data: stream<u8>, offset: filesize) -> " + future, fn: refuseWrite(1, bad)},
		{name: "[method]descriptor.append-via-stream",
			wit: "func(self: borrow<descriptor>, data: stream<u8>) -> " + future, fn: refuseWrite(1, bad)},
		{name: "[method]descriptor.read-directory",
			wit: "func(self: borrow<descriptor>) -> tuple<stream<directory-entry>, " + future + ">", fn: refuseRead(bad)},
	})
	h.defineMethods(i, "descriptor", bad, table.Async(table.DescriptorMethods())...)
	h.defineMethods(
		i,
		"descriptor",
		component.Bool(false),
		method("async is-same-object", "other: borrow<descriptor>", "bool"),
	)
}
