package table

import "github.com/wasihttp/wasihttp/component"

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

// DescriptorMethods returns the methods of a descriptor that both dialects have and whose result
// has an error-code.
func DescriptorMethods() []Method {
	const (
		none  = "result<_, error-code>"
		times = "data-access-timestamp: new-timestamp, data-modification-timestamp: new-timestamp"
		at    = "path-flags: path-flags, path: string"
	)
	return []Method{
		{"advise", "offset: filesize, length: filesize, advice: advice", none},
		{"sync-data", "", none},
		{"get-flags", "", "result<descriptor-flags, error-code>"},
		{"get-type", "", "result<descriptor-type, error-code>"},
		{"set-size", "size: filesize", none},
		{"set-times", times, none},
		{"sync", "", none},
		{"create-directory-at", "path: string", none},
		{"stat", "", "result<descriptor-stat, error-code>"},
		{"stat-at", at, "result<descriptor-stat, error-code>"},
		{"set-times-at", at + ", " + times, none},
		{"link-at", "old-path-flags: path-flags, old-path: string, " +
			"new-descriptor: borrow<descriptor>, new-path: string", none},
		{"open-at", at + ", open-flags: open-flags, flags: descriptor-flags",
			"result<descriptor, error-code>"},
		{"readlink-at", "path: string", "result<string, error-code>"},
		{"remove-directory-at", "path: string", none},
		{"rename-at",
			"old-path: string, new-descriptor: borrow<descriptor>, new-path: string", none},
		{"symlink-at", "old-path: string, new-path: string", none},
		{"unlink-file-at", "path: string", none},
		{"metadata-hash", "", "result<metadata-hash-value, error-code>"},
		{"metadata-hash-at", at, "result<metadata-hash-value, error-code>"},
	}
}
