package p2

import (
	"context"
	"slices"
	"strings"

	"github.com/wasihttp/wasihttp/component"
	"github.com/wasihttp/wasihttp/internal/wasi"
)

// fileErrorCodes are the cases of wasi:filesystem/types.error-code in their order.
const fileErrorCodes = "access, would-block, already, bad-descriptor, busy, deadlock, quota, exist, file-too-large, " +
	"illegal-byte-sequence, in-progress, interrupted, invalid, io, is-directory, loop, too-many-links, " +
	"message-size, name-too-long, no-device, no-entry, no-lock, insufficient-memory, insufficient-space, " +
	"not-directory, not-empty, not-recoverable, unsupported, no-tty, no-such-device, overflow, not-permitted, pipe, " +
	"read-only, invalid-seek, text-file-busy, cross-device"

// addFilesystem offers wasi:filesystem without any directory: no descriptor ever comes into being, and a function of one refuses.
func addFilesystem(l *component.Linker, h *host) {
	i := l.Instance("wasi:filesystem/types" + version)
	i.Use(h.ioError, "error")
	i.Use(h.streams, "input-stream", "output-stream")
	i.Resource("descriptor", nil)
	i.Resource("directory-entry-stream", nil)
	addFileTypes(i)
	addDescriptor(h, i)
	h.defineMethods(i, "directory-entry-stream", answer(fileError("bad-descriptor")),
		method{"read-directory-entry", "", "result<option<directory-entry>, error-code>"})
	h.define(i, []def{{"filesystem-error-code", "func(err: borrow<error>) -> option<error-code>", filesystemErrorCode}})

	preopens := l.Instance("wasi:filesystem/preopens" + version)
	preopens.Use(i, "descriptor")
	h.define(preopens, []def{{"get-directories", "func() -> list<tuple<descriptor, string>>", answer(component.List())}})
}

func addFileTypes(i *component.HostInstance) {
	i.Type("datetime", datetimeType)
	i.Type("filesize", "u64")
	i.Type("descriptor-type",
		"enum { unknown, block-device, character-device, directory, fifo, symbolic-link, regular-file, socket }")
	i.Type("descriptor-flags",
		"flags { read, write, file-integrity-sync, data-integrity-sync, requested-write-sync, mutate-directory }")
	i.Type("path-flags", "flags { symlink-follow }")
	i.Type("open-flags", "flags { create, directory, exclusive, truncate }")
	i.Type("link-count", "u64")
	i.Type("descriptor-stat", `record {
		type: descriptor-type,
		link-count: link-count,
		size: filesize,
		data-access-timestamp: option<datetime>,
		data-modification-timestamp: option<datetime>,
		status-change-timestamp: option<datetime>,
	}`)
	i.Type("new-timestamp", "variant { no-change, now, timestamp(datetime) }")
	i.Type("directory-entry", "record { type: descriptor-type, name: string }")
	i.Type("error-code", "enum { "+fileErrorCodes+" }")
	i.Type("advice", "enum { normal, sequential, random, will-need, dont-need, no-reuse }")
	i.Type("metadata-hash-value", "record { lower: u64, upper: u64 }")
}

func addDescriptor(h *host, i *component.HostInstance) {
	h.defineMethods(i, "descriptor", answer(fileError("bad-descriptor")),
		method{"read-via-stream", "offset: filesize", "result<input-stream, error-code>"},
		method{"write-via-stream", "offset: filesize", "result<output-stream, error-code>"},
		method{"append-via-stream", "", "result<output-stream, error-code>"},
		method{"advise", "offset: filesize, length: filesize, advice: advice", "result<_, error-code>"},
		method{"sync-data", "", "result<_, error-code>"},
		method{"get-flags", "", "result<descriptor-flags, error-code>"},
		method{"get-type", "", "result<descriptor-type, error-code>"},
		method{"set-size", "size: filesize", "result<_, error-code>"},
		method{"set-times", "data-access-timestamp: new-timestamp, data-modification-timestamp: new-timestamp", "result<_, error-code>"},
		method{"read", "length: filesize, offset: filesize", "result<tuple<list<u8>, bool>, error-code>"},
		method{"write", "buffer: list<u8>, offset: filesize", "result<filesize, error-code>"},
		method{"read-directory", "", "result<directory-entry-stream, error-code>"},
		method{"sync", "", "result<_, error-code>"},
		method{"create-directory-at", "path: string", "result<_, error-code>"},
		method{"stat", "", "result<descriptor-stat, error-code>"},
		method{"stat-at", "path-flags: path-flags, path: string", "result<descriptor-stat, error-code>"},
		method{"set-times-at", "path-flags: path-flags, path: string, data-access-timestamp: new-timestamp, " +
			"data-modification-timestamp: new-timestamp", "result<_, error-code>"},
		method{"link-at", "old-path-flags: path-flags, old-path: string, new-descriptor: borrow<descriptor>, new-path: string",
			"result<_, error-code>"},
		method{"open-at", "path-flags: path-flags, path: string, open-flags: open-flags, flags: descriptor-flags",
			"result<descriptor, error-code>"},
		method{"readlink-at", "path: string", "result<string, error-code>"},
		method{"remove-directory-at", "path: string", "result<_, error-code>"},
		method{"rename-at", "old-path: string, new-descriptor: borrow<descriptor>, new-path: string", "result<_, error-code>"},
		method{"symlink-at", "old-path: string, new-path: string", "result<_, error-code>"},
		method{"unlink-file-at", "path: string", "result<_, error-code>"},
		method{"metadata-hash", "", "result<metadata-hash-value, error-code>"},
		method{"metadata-hash-at", "path-flags: path-flags, path: string", "result<metadata-hash-value, error-code>"},
	)
	h.defineMethods(i, "descriptor", answer(component.Bool(false)), method{"is-same-object", "other: borrow<descriptor>", "bool"})
}

// fileError is a failed result with that case of error-code.
func fileError(code string) component.Value { return component.Err(fileErrorCode(code)) }

func fileErrorCode(name string) component.Value {
	return component.Enum(uint32(slices.Index(strings.Split(fileErrorCodes, ", "), name)))
}

// filesystemErrorCode knows the error of a stream that is a file in the embedder's hands, such as a standard input read from a folder.
func filesystemErrorCode(_ context.Context, _ *wasi.State, args []component.Value) (component.Value, error) {
	name, ok := wasi.FileErrorCode(args[0].Rep().(*ioError).err)
	if !ok {
		return component.None(), nil
	}
	return component.Some(fileErrorCode(name)), nil
}
