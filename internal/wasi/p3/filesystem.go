package p3

import (
	"slices"
	"strings"

	"github.com/wasihttp/wasihttp/component"
)

// fileErrorCodes are the cases of wasi:filesystem/types.error-code without payload, in their order.
const fileErrorCodes = "access, already, bad-descriptor, busy, deadlock, quota, exist, file-too-large, illegal-byte-sequence, " +
	"in-progress, interrupted, invalid, io, is-directory, loop, too-many-links, message-size, name-too-long, no-device, no-entry, " +
	"no-lock, insufficient-memory, insufficient-space, not-directory, not-empty, not-recoverable, unsupported, no-tty, " +
	"no-such-device, overflow, not-permitted, pipe, read-only, invalid-seek, text-file-busy, cross-device"

// fileError is a failed result with that case of error-code.
func fileError(code string) component.Value {
	return component.Err(component.Enum(uint32(slices.Index(strings.Split(fileErrorCodes, ", "), code))))
}

// addFilesystem offers wasi:filesystem without any directory: no descriptor ever comes into being, and a function of one refuses.
func addFilesystem(l *component.Linker, h *host) {
	i := l.Instance("wasi:filesystem/types" + version)
	i.Use(h.system, "instant")
	i.Resource("descriptor", nil)
	addFileTypes(i)
	addDescriptor(h, i)

	preopens := l.Instance("wasi:filesystem/preopens" + version)
	preopens.Use(i, "descriptor")
	h.define(preopens, []def{{name: "get-directories", wit: "func() -> list<tuple<descriptor, string>>", fn: answer(component.List())}})
}

func addFileTypes(i *component.HostInstance) {
	i.Type("filesize", "u64")
	i.Type("descriptor-type",
		"variant { block-device, character-device, directory, fifo, symbolic-link, regular-file, socket, other(option<string>) }")
	i.Type("descriptor-flags",
		"flags { read, write, file-integrity-sync, data-integrity-sync, requested-write-sync, mutate-directory }")
	i.Type("path-flags", "flags { symlink-follow }")
	i.Type("open-flags", "flags { create, directory, exclusive, truncate }")
	i.Type("link-count", "u64")
	i.Type("descriptor-stat", `record {
		type: descriptor-type,
		link-count: link-count,
		size: filesize,
		data-access-timestamp: option<instant>,
		data-modification-timestamp: option<instant>,
		status-change-timestamp: option<instant>,
	}`)
	i.Type("new-timestamp", "variant { no-change, now, timestamp(instant) }")
	i.Type("directory-entry", "record { type: descriptor-type, name: string }")
	i.Type("error-code", "variant { "+fileErrorCodes+", other(option<string>) }")
	i.Type("advice", "enum { normal, sequential, random, will-need, dont-need, no-reuse }")
	i.Type("metadata-hash-value", "record { lower: u64, upper: u64 }")
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
	h.defineMethods(i, "descriptor", bad,
		method{"async advise", "offset: filesize, length: filesize, advice: advice", "result<_, error-code>"},
		method{"async sync-data", "", "result<_, error-code>"},
		method{"async get-flags", "", "result<descriptor-flags, error-code>"},
		method{"async get-type", "", "result<descriptor-type, error-code>"},
		method{"async set-size", "size: filesize", "result<_, error-code>"},
		method{"async set-times", "data-access-timestamp: new-timestamp, data-modification-timestamp: new-timestamp", "result<_, error-code>"},
		method{"async sync", "", "result<_, error-code>"},
		method{"async create-directory-at", "path: string", "result<_, error-code>"},
		method{"async stat", "", "result<descriptor-stat, error-code>"},
		method{"async stat-at", "path-flags: path-flags, path: string", "result<descriptor-stat, error-code>"},
		method{"async set-times-at", "path-flags: path-flags, path: string, data-access-timestamp: new-timestamp, " +
			"data-modification-timestamp: new-timestamp", "result<_, error-code>"},
		method{"async link-at", "old-path-flags: path-flags, old-path: string, new-descriptor: borrow<descriptor>, new-path: string",
			"result<_, error-code>"},
		method{"async open-at", "path-flags: path-flags, path: string, open-flags: open-flags, flags: descriptor-flags",
			"result<descriptor, error-code>"},
		method{"async readlink-at", "path: string", "result<string, error-code>"},
		method{"async remove-directory-at", "path: string", "result<_, error-code>"},
		method{"async rename-at", "old-path: string, new-descriptor: borrow<descriptor>, new-path: string", "result<_, error-code>"},
		method{"async symlink-at", "old-path: string, new-path: string", "result<_, error-code>"},
		method{"async unlink-file-at", "path: string", "result<_, error-code>"},
		method{"async metadata-hash", "", "result<metadata-hash-value, error-code>"},
		method{"async metadata-hash-at", "path-flags: path-flags, path: string", "result<metadata-hash-value, error-code>"},
	)
	h.defineMethods(i, "descriptor", component.Bool(false), method{"async is-same-object", "other: borrow<descriptor>", "bool"})
}
